"""Pages that show a shell session: their files are written, their commands run at a terminal, their outputs compared."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import termios
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.support.program import Program

_BLOCK = re.compile(r"(?:^[^\n]*`(?P<file>[^`\n]+)`[^`\n]*:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
_MARK = "\x02{}\x03"
_SHOWN = frozenset({"console", "text", "markdown"})
_TERMINAL_SIZE = struct.pack("HHHH", 50, 130, 0, 0)


class Block(NamedTuple):
    """A fenced block; `file` is the name at the end of the sentence before it, if that ends with a colon."""

    kind: str
    text: str
    file: str | None


class Step(NamedTuple):
    """A command and the output that the page shows for it."""

    command: str
    shown: str


def blocks(page: str) -> list[Block]:
    """Every fenced block of a page with a language; what is shown of a file that is there already has no `file`."""
    return [Block(found["kind"], found["text"], None if found["kind"] in _SHOWN else found["file"])
            for found in _BLOCK.finditer(page)]


def steps(page: str) -> list[Step]:
    """Every command of the `console` blocks, in order."""
    return list(_steps(page))


def write_files(page: str, folder: Path) -> None:
    """Writes every block that is the text of a file named before it by a relative path."""
    for block in blocks(page):
        if block.file and not block.file.startswith("/"):
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text(block.text, encoding="utf-8")


def with_oe_on_path(program: Program, folder: Path) -> dict[str, str]:
    """The environment of a session in which `oe` is the program under test."""
    folder.mkdir()
    (folder / "oe").write_text(f'#!/bin/sh\nexec {shlex.join(program.command)} "$@"\n', encoding="utf-8")
    (folder / "oe").chmod(0o755)
    return program.environment | {"PATH": f"{folder}:{program.environment['PATH']}", "NO_COLOR": "1", "TERM": "xterm"}


def outputs(page: str, folder: Path, environment: Mapping[str, str]) -> list[str]:
    """What each step prints, as one bash session at a terminal runs them."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder.parent / "session"
    script.write_text("".join(f"printf '{_MARK.format(number)}'\n{step.command}\n"
                              for number, step in enumerate(steps(page))), encoding="utf-8")
    text = _at_terminal(["bash", str(script)], folder, environment)
    return re.split(r"\x02\d+\x03", text)[1:]


def scrubbed(text: str) -> str:
    """The text without what differs from run to run and from host to host."""
    text = re.sub(r"\br-\d{8}-[0-9a-f]{6}\b", "RUN", text)
    text = re.sub(r"\b[\d.]+(ms|s|m \d+s)\b", "TIME", text)
    text = re.sub(r"\b[\d.]+ (B|[KMG]iB)(?!\w)", "SIZE", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "DATE", text)
    text = re.sub(r"(?m)^.*: line \d+: +\d+ Killed .*$", "Killed", text)  # a script's shell says more than a person's
    text = re.sub(r'"status":"\w+"|"(critical|warning|info)":\d+', "FINDINGS", text)
    text = re.sub(r"(\d\d nodes), [^(]*", r"\1 ", text)  # what a host makes the report skip
    text = text.replace("Darwin", "Linux")
    return re.sub(r" +", " ", text)


def is_as_shown(shown: str, printed: str) -> bool:
    """Whether a command printed what the page shows: `…` alone on a line is any lines, elsewhere the rest of its line."""
    return re.fullmatch(_pattern_of(shown), scrubbed(printed)) is not None


def _steps(page: str) -> Iterator[Step]:
    for block in blocks(page):
        if block.kind == "console":
            for part in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
                command, _, shown = part.partition("\n")
                yield Step(command, shown)


def _pattern_of(shown: str) -> str:
    lines = scrubbed(shown).splitlines()
    return "".join("(?:.*\n)*?" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + "\n" for line in lines)


def _at_terminal(arguments: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    """What the commands leave on a terminal's screen: lines that were redrawn as they were last."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, _TERMINAL_SIZE)
    with subprocess.Popen(arguments, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
                          start_new_session=True):
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 65536):
                text += piece
        except OSError:  # Linux's way to say that the other side is closed
            pass
    os.close(ours)
    return re.sub(r"\r\x1b\[K[^\n]*?(?=\r\x1b\[K)|\r\x1b\[K", "", text.decode().replace("\r\n", "\n"))
