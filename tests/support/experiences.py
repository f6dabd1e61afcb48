"""Experiences for end-to-end tests: small folders, and a run that waits for the test at a named place."""

from __future__ import annotations

import os
import re
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.program import Program

HELD = """\
name: held
version: 1.0.0
state:
  schema:
    names: {type: array, items: {type: string}, merge: array_append}
    total: {type: integer, persist: true}
    never: {type: string}
graph:
  nodes:
    - {id: first, kind: tool, impl: ./tool.py:first, writes: [names], cache: false}
    - {id: second, kind: tool, impl: ./tool.py:second, needs: [first], writes: [names, total],
       cache: false}
"""

TOOL = """\
import os

def first(inputs, ctx):
    ctx.log("first line")
    ctx.log("escape \\x1b[31m and bell \\x07")
    return {"names": ["first"]}

def second(inputs, ctx):
    ctx.log("second begins")
    if os.path.exists("gate"):
        with open("gate") as gate:
            with open("begun", "w") as begun:
                begun.write("yes")
            gate.read()  # until the test closes its end
    return {"names": ["second"], "total": 7}
"""


def write_experience(folder: Path, text: str, **tools: str) -> Path:
    """An experience in its folder; `tools` are files by their name without `.py`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "experience.yaml").write_text(text, encoding="utf-8")
    for name, source in tools.items():
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
    return folder


class HeldRun:
    """A run whose node `second` has begun and waits."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.process = process
        self._gate = os.open(folder / "gate", os.O_RDWR)

    def wait_until_begun(self) -> None:
        """Returns when the node is where it waits."""
        begun = os.open(self.folder / "begun", os.O_RDONLY | os.O_NONBLOCK)
        try:
            assert select.select([begun], [], [], 60)[0], "the run did not come to its second node"
        finally:
            os.close(begun)

    @property
    def log(self) -> Path:
        """The run's event log."""
        return next((self.folder / ".openexpertise" / "runs").glob("*.jsonl"))

    def let_go(self) -> None:
        """Lets the node go on."""
        if self._gate >= 0:
            os.close(self._gate)
            self._gate = -1

    def end(self) -> int:
        """Lets it go on to its end; the exit code."""
        self.let_go()
        return self.process.wait(60)

    def kill(self) -> None:
        """Kills it where it is."""
        self.process.kill()
        self.process.wait(60)
        self.let_go()


@contextmanager
def held_run(program: Program, folder: Path, tool: str = TOOL) -> Iterator[HeldRun]:
    """The run of HELD in `folder`, stopped within its second node."""
    write_experience(folder, HELD, tool=tool)
    os.mkfifo(folder / "gate")
    os.mkfifo(folder / "begun")
    process = program.start("run", "--quiet", cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    held = HeldRun(folder, process)
    try:
        held.wait_until_begun()
        yield held
    finally:
        held.kill()


def scrubbed(text: str) -> str:
    """The text without what differs from run to run: ids, times, durations."""
    text = re.sub(r"r-\d{8}-[0-9a-f]{6}", "r-20000101-aaaaaa", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "2000-01-01 00:00", text)
    text = re.sub(r"\d{4}-\d\d-\d\d UTC", "2000-01-01 UTC", text)
    text = re.sub(r"(?m)^\d\d:\d\d:\d\d\.\d{3}", "00:00:00.000", text)
    text = re.sub(r"duration_ms=[\d.]+", "duration_ms=1.0", text)
    return re.sub(r" +[\d.]+m?s\b", "  1ms", text)
