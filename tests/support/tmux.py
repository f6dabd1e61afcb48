"""A real terminal: tmux, with a shell in each of its sessions, typed at and looked at."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.software import debian_program

_SECONDS = 200


class Tmux:
    """A server of its own; `end` kills it with all that runs in it."""

    def __init__(self, socket: Path, environment: dict[str, str]) -> None:
        self._command = [debian_program("tmux"), "-S", str(socket), "-f", "/dev/null", "-u"]
        self._environment = environment

    def open(self, name: str, folder: Path, width: int, height: int, **environment: str) -> Pane:
        """A shell with job control in a window of that size."""
        known = {"PS1": "$ ", "HISTFILE": "/dev/null", "TERM": "tmux-256color"} | environment
        variables = [f"{key}={value}" for key, value in known.items()]
        shell = shlex.join(["env", *variables, debian_program("bash"), "--norc", "--noprofile", "-i"])
        self.tmux("new-session", "-d", "-s", name, "-x", str(width), "-y", str(height), "-c", str(folder), shell)
        pane = Pane(self, name)
        pane.wait(lambda screen: "$" in screen)
        return pane

    def tmux(self, *arguments: str) -> str:
        """What a command of tmux prints."""
        return subprocess.run([*self._command, *arguments], env=self._environment, check=True, capture_output=True,
                              text=True).stdout

    def end(self) -> None:
        """Ends the server."""
        subprocess.run([*self._command, "kill-server"], env=self._environment, check=False, capture_output=True)


class Pane:
    """One terminal."""

    def __init__(self, server: Tmux, name: str) -> None:
        self._server = server
        self._name = name

    def enter(self, line: str) -> None:
        """Types a line."""
        self._server.tmux("send-keys", "-t", self._name, "-l", line)
        self.press("Enter")

    def press(self, *keys: str) -> None:
        """Keys by tmux's names: `C-c`, `Enter`, `x`."""
        self._server.tmux("send-keys", "-t", self._name, *keys)

    def resize(self, width: int, height: int) -> None:
        """Another size of the window."""
        self._server.tmux("resize-window", "-t", self._name, "-x", str(width), "-y", str(height))

    def screen(self, *, colours: bool = False) -> str:
        """What is seen."""
        return self._server.tmux("capture-pane", "-p", "-t", self._name, *(["-e"] if colours else []))

    def wait(self, until: Callable[[str], bool]) -> str:
        """The first screen that is as wanted."""
        end = time.monotonic() + _SECONDS
        while not until(screen := self.screen()):
            assert time.monotonic() < end, f"this did not come to what was waited for:\n{screen}"
        return screen

    def wait_for(self, *texts: str) -> str:
        """The first screen that holds all of these."""
        return self.wait(lambda screen: all(text in screen for text in texts))


def timeless(screen: str) -> str:
    """The screen without what differs from run to run, everything else in its place."""
    def blank(found: re.Match[str]) -> str:
        return re.sub(r"[0-9a-f]", "#", found[0], flags=re.I)

    screen = re.sub(r"r-\d{8}-[0-9a-f]{6}", "r-########-######", screen)
    screen = re.sub(r"\d{4}-\d\d-\d\d", "####-##-##", screen)
    screen = re.sub(r"(\d\d:)?\d\d:\d\d(\.\d+)?", blank, screen)
    screen = re.sub(r"\[[█░#.]+\] \d+/\d+", "[the bar] ##", screen)
    screen = re.sub(r"(duration_ms=|\()[\d.]+(ms|s)?", r"\1#", screen)
    return re.sub(r" +\d+(\.\d+)?(ms|s)\b", lambda found: "#s".rjust(len(found[0])), screen)
