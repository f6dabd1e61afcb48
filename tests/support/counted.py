"""Experiences whose tools write down that they ran, so that a test can tell work from what only looks like it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.support.program import Program

COUNT = """\
import json

def count(name, ctx):
    with open(ctx.folder + "/ran", "a") as file:
        file.write(json.dumps(name) + "\\n")
"""
"""A module that a tool imports to say what ran."""


class Ran(NamedTuple):
    """One command: what came out, and what the tools wrote down meanwhile."""

    names: list[Any]
    result: Any
    exit_code: int
    stderr: str

    @property
    def state(self) -> Any:
        """The final state by `--json`."""
        return self.result["state"]

    @property
    def cached(self) -> list[str]:
        """The nodes that came from the cache by `--json`."""
        return [node["id"] for node in self.result["nodes"] if node["cached"]]

    def node(self, node_id: str) -> Any:
        """One node by `--json`."""
        return next(node for node in self.result["nodes"] if node["id"] == node_id)


class Counted:
    """An experience in a folder. Its `tools/count.py` is COUNT."""

    def __init__(self, program: Program, folder: Path, text: str, tool: str) -> None:
        self._program = program
        self.folder = folder
        self.write("experience.yaml", text)
        self.write("tools/tool.py", tool)
        self.write("tools/count.py", COUNT)

    @classmethod
    def at(cls, program: Program, folder: Path) -> Self:
        """The one that is in the folder already."""
        found = cls.__new__(cls)
        found._program, found.folder = program, folder
        found.ran()
        return found

    def write(self, path: str, text: str) -> None:
        """Makes or replaces a file."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        """Replaces a text that must be in the file."""
        text = (self.folder / path).read_text(encoding="utf-8")
        assert old in text
        self.write(path, text.replace(old, new))

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> Ran:
        """A new run."""
        return self._carry_out("run", arguments, env)

    def resume(self, *arguments: str, env: Mapping[str, str] | None = None) -> Ran:
        """Continues the latest run."""
        return self._carry_out("resume", arguments, env)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts a command whose output nobody reads."""
        return self._program.start(*arguments, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ran(self) -> list[Any]:
        """What ran since this was last asked, sorted."""
        file = self.folder / "ran"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return sorted(map(json.loads, lines), key=repr)

    def entries(self) -> list[Path]:
        """The files of the cache."""
        return sorted((self.folder / ".openexpertise/cache").glob("*.json"))

    def events(self, kind: str) -> list[Any]:
        """The latest run's events of a type."""
        events = self._program.run("inspect", "--json", cwd=self.folder).json()["events"]
        return [event for event in events if event["type"] == kind]

    def _carry_out(self, command: str, arguments: tuple[str, ...], env: Mapping[str, str] | None) -> Ran:
        done = self._program.run(command, "--json", *arguments, cwd=self.folder, env=env)
        return Ran(self.ran(), done.json(), done.exit_code, done.stderr)
