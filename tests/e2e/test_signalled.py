"""SIGUSR1 at a run of the real program: the tree comes whatever the tools are at, and nothing is disturbed by it."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.experiences import write_experience
from tests.support.program import Program

LOOKED_AT = """\
name: looked-at
version: 1.0.0
args: {how: {type: string, required: true}, key: {type: string, secret: true, required: true}}
state: {schema: {out: {type: integer}}}
graph:
  nodes:
    - {id: quick, kind: tool, impl: "./tool.py:quick", cache: false}
    - {id: work, kind: tool, impl: "./tool.py:{function}", needs: [quick],
       args: {how: $args.how, key: $args.key}, writes: [out], cache: false}
    - {id: after, kind: tool, impl: "./tool.py:quick", needs: [work], cache: false}
"""
TOOL = """\
import os, re, time

def quick(inputs, ctx):
    return {}

def work(inputs, ctx):
    ctx.report(0.4, "with " + inputs["key"] + " \\x1b[31m half way")
    with open("begun", "w") as begun:
        begun.write("yes")
    with open("gate") as gate:
        gate.read()  # until the test closes its end
    HOW[inputs["how"]]()
    return {"out": 7}

async def awork(inputs, ctx):
    return work(inputs, ctx)

def waits_on():
    with open("last") as last:
        last.read()

def spins():
    while not os.path.exists("stop"):
        pass

HOW = {
    "sleeps": lambda: time.sleep(3600),
    "spins": spins,
    "holds": lambda: re.match("(a+)+b", "a" * 60),  # C code that does not let go of the interpreter, for hours
    "ends": lambda: None,
}
"""
STACKS = "(most recent call first)"
LATE_SECONDS = 2.0
"""After which the stacks are printed, where the tree has not come."""


class LookedAt:
    """A run that is inside its node `work`."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self.folder = folder
        self._gate = os.open(folder / "gate", os.O_RDWR)
        self.text = ""
        self.took: list[float] = []

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Reads stderr until the condition holds."""
        assert self.process.stderr is not None
        stream = self.process.stderr.fileno()
        deadline = time.monotonic() + 200
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not come; stderr was: {self.text}"
            if select.select([stream], [], [], 0.05)[0]:
                self.text += os.read(stream, 65536).decode()

    def ask(self, *marks: str) -> str:
        """Sends SIGUSR1; what comes on stderr up to one of the marks and the end of its line: no stacks, unless the
        machine kept the process waiting for as long as one whose interpreter is held."""
        began, asked = len(self.text), time.monotonic()
        self.process.send_signal(signal.SIGUSR1)
        self.until(lambda: any(mark in self.text[began:] for mark in marks) and self.text.endswith("\n"), marks[0])
        self.took.append(time.monotonic() - asked)
        assert STACKS not in self.text[began:] or self.took[-1] >= LATE_SECONDS
        return self.text[began:]

    def ask_until(self, mark: str) -> None:
        """Sends SIGUSR1 until the mark comes: the tool may not have come to its C code at the first one, or may come to
        it just when the thread that draws has said that it is alive."""
        asked: float | None = None

        def has_come() -> bool:
            nonlocal asked
            if asked is None or time.monotonic() - asked > 5:
                asked = time.monotonic()
                self.process.send_signal(signal.SIGUSR1)
            return mark in self.text
        self.until(has_come, mark)

    def is_ready(self) -> bool:
        """Whether the shell stands by that asks for the stacks."""
        listed = subprocess.run(["ps", "-A", "-ww", "-o", "ppid=,args="], capture_output=True, text=True, check=True).stdout
        return any(line.split()[0] == str(self.process.pid) and "oe-signal" in line for line in listed.splitlines())

    def go_on(self) -> None:
        """Lets the node come to what it is to do."""
        os.close(self._gate)
        self._gate = -1

    def end(self) -> None:
        if self._gate >= 0:
            os.close(self._gate)
        self.process.kill()
        self.process.wait(60)


@contextmanager
def looked_at(program: Program, folder: Path, how: str, function: str = "work") -> Iterator[LookedAt]:
    write_experience(folder, LOOKED_AT.replace("{function}", function), tool=TOOL)
    for name in ("gate", "begun"):
        os.mkfifo(folder / name)
    process = program.start("run", "--run-id", "x", "--arg", f"how={how}", "--arg", "key=SECRET-VALUE", cwd=folder)
    run = LookedAt(process, folder)
    begun = os.open(folder / "begun", os.O_RDONLY | os.O_NONBLOCK)
    try:
        run.until(lambda: select.select([begun], [], [], 0)[0], "the node's beginning")
        yield run
    finally:
        os.close(begun)
        run.end()


@pytest.mark.every_form
def test_the_tree_comes_while_a_tool_sleeps(program: Program, tmp_path: Path) -> None:
    with looked_at(program, tmp_path, "sleeps") as run:
        run.until(run.is_ready, "the shell")
        text = run.ask("in work")
        assert "|- ok quick (" in text
        assert "|- [running] work (" in text
        assert '40% -- "with [redacted] \\x1b[31m half way"' in text
        assert "`- pending after (waits for work)" in text
        assert "3 nodes * 1 ok * 1 running * 1 pending" in text
        assert "stack of work: tool.py, innermost last:\n" in text
        assert "gate.read()" in text
        assert "SECRET-VALUE" not in text


@pytest.mark.parametrize(("how", "function"), [("spins", "work"), ("spins", "awork"), ("sleeps", "awork")])
def test_the_tree_comes_at_once_from_loops_and_a_blocked_event_loop(
        program: Program, tmp_path: Path, how: str, function: str) -> None:
    with looked_at(program, tmp_path, how, function) as run:
        run.until(run.is_ready, "the shell")
        run.go_on()
        mark = "in spins" if how == "spins" else "time.sleep(3600)"
        run.until(lambda: mark in run.ask("nodes *"), mark)
        for _ in range(5):
            assert "[running] work" in run.ask(mark)
        assert min(run.took) < LATE_SECONDS, "at once"
        run.until(lambda: "[event_loop_blocked]" in run.ask("nodes *") or function == "work", "the finding")


def test_the_stacks_come_where_c_code_holds_the_interpreter(program: Program, tmp_path: Path) -> None:
    with looked_at(program, tmp_path, "holds") as run:
        run.until(run.is_ready, "the shell")
        run.go_on()
        run.ask_until(STACKS)
        run.until(lambda: "in <lambda>" in run.text, "the tool's frame")
        assert "in match" in run.text


def test_many_signals_change_nothing(program: Program, tmp_path: Path) -> None:
    with looked_at(program, tmp_path, "spins") as run:
        run.until(run.is_ready, "the shell")
        run.go_on()
        for _ in range(40):
            run.ask("nodes *")
        (tmp_path / "stop").touch()
        assert run.process.stdout is not None
        assert run.process.stdout.read() == b"out: 7\n"
        assert run.process.wait(60) == 0
    log = (tmp_path / ".openexpertise/runs/x.jsonl").read_text(encoding="utf-8").splitlines()
    types = [json.loads(line)["type"] for line in log]
    assert types.count("node.finished") == 3
    assert types[-1] == "run.finished"


def test_a_program_beside_the_run_ends_with_it(program: Program, tmp_path: Path) -> None:
    with looked_at(program, tmp_path, "ends") as run:
        run.until(run.is_ready, "the shell")
        run.go_on()
        run.process.wait(60)
        assert not run.is_ready()
    with looked_at(program, tmp_path / "killed", "sleeps") as run:
        run.until(run.is_ready, "the shell")
        shell = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
        pids = [int(line.split()[0]) for line in shell.splitlines()
                if line.split()[1] == str(run.process.pid) and "oe-signal" in line]
        run.process.kill()
        run.until(lambda: not any(is_there(pid) for pid in pids), "the shell's end")


def is_there(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.strip().startswith("Z")


BULKY = """\
name: bulky
version: 1.0.0
args: {size: {type: integer, default: 1}}
state: {schema: {out: {type: string}}}
graph:
  nodes:
    - {id: make, kind: tool, impl: "./tool.py:make", args: {size: $args.size}, writes: [out], cache: false}
"""
BULKY_TOOL = """\
import os, subprocess

def make(inputs):
    if os.path.exists("leave"):
        subprocess.Popen(["sleep", "300"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return {"out": "x" * inputs["size"]}
"""


def answered(process: subprocess.Popen[bytes]) -> bytes:
    """What the process prints on SIGUSR1."""
    process.send_signal(signal.SIGUSR1)
    assert process.stderr is not None and select.select([process.stderr], [], [], 60)[0]
    return os.read(process.stderr.fileno(), 4096)


def test_a_signal_before_the_run_begins_or_after_it_ends_nothing(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "bulky", BULKY, tool=BULKY_TOOL)
    os.mkfifo(folder / "given")
    process = program.start("run", "--quiet", "--json", "--args", "@given", cwd=folder)
    with (folder / "given").open("w") as given:  # somebody reads it: there is no event loop yet
        assert answered(process) == b"oe: no run goes on just now\n"
        given.write('{"size": 1000000}')
    assert process.stdout is not None
    first = os.read(process.stdout.fileno(), 1)  # the result is being written: there is no event loop any more
    assert answered(process) == b"oe: no run goes on just now\n"
    rest, _ = process.communicate(timeout=60)
    assert (process.returncode, len(json.loads(first + rest)["state"]["out"])) == (0, 1_000_000)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="no /proc on this system")
def test_what_a_tool_has_started_itself_and_left_is_named(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "bulky", BULKY, tool=BULKY_TOOL)
    assert "left behind" not in program.run("run", cwd=folder).stderr
    (folder / "leave").touch()
    told = program.run("run", cwd=folder).stderr
    found = re.search(r"left behind, started by a tool's own code and not ended: process (\d+) \(sleep\)", told)
    assert found is not None, told
    os.kill(int(found[1]), signal.SIGKILL)
