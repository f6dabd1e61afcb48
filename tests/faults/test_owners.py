"""Several processes at one run: resumed by many at once, and looked at, taken over, pruned and cancelled while its owner is
stopped."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.crash_shapes import write_shape
from tests.support.experiences import HeldRun, held_run
from tests.support.program import Program


@pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.long)])
def test_many_that_resume_a_run_at_the_same_instant(program: Program, tmp_path: Path, times: int) -> None:
    """One carries it out, the others are told that it is being carried out, or that it has succeeded already."""
    for number in range(times):
        folder = write_shape(tmp_path / str(number), "chain")
        whole = (folder / "step.py").read_text()
        (folder / "step.py").write_text("import os, signal\n" + whole.replace(
            "    done =", "    if ctx.slot == 'n3':\n        os.kill(os.getpid(), signal.SIGKILL)\n    done ="))
        assert program.run("run", "--run-id", "r", "--no-cache", cwd=folder).exit_code == -signal.SIGKILL
        (folder / "step.py").write_text(whole)
        others = [program.start("resume", "--quiet", "--run-id", "r", "--no-cache", cwd=folder) for _ in range(6)]
        said = [process.communicate(timeout=100)[1].decode() for process in others]
        codes = Counter(process.returncode for process in others)
        assert set(codes) <= {0, 6} and codes[0] >= 1, said
        assert all("is being carried out by process" in text or "has succeeded already" in text or not text for text in said)
        assert sum(not text for text in said) == 1, "exactly one has carried it out"
        done = Counter((folder / "done").read_text().split())
        assert done["n7"] == 1 and max(done.values()) <= 2  # the edited tool made the first nodes run again, once
        state = program.run("state", "trail", "--workspace", cwd=folder).json()
        assert len(state) == 8


@pytest.fixture
def stopped(program: Program, tmp_path: Path) -> Iterator[HeldRun]:
    """A run whose process is stopped, as by Ctrl-Z or a debugger."""
    with held_run(program, tmp_path / "held") as held:
        held.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, held.process.pid, os.WSTOPPED | os.WNOWAIT)
        yield held
        held.process.send_signal(signal.SIGCONT)


def test_a_run_whose_owner_is_stopped_is_alive_to_everybody(program: Program, stopped: HeldRun) -> None:
    folder = stopped.folder
    run, = program.run("runs", "--json", cwd=folder).json()["runs"]
    assert run["status"] == "running"
    for arguments in (("resume",), ("resume", "--run-id", run["run_id"]), ("run", "--if-running", "fail")):
        refused = program.run(*arguments, cwd=folder)
        assert refused.exit_code == 6, refused
        assert str(stopped.process.pid) in refused.stderr or "running" in refused.stderr
    for line in ("inspect latest", "inspect latest --tree", "state", "logs latest", "plan"):
        assert program.run(*line.split(), cwd=folder).exit_code == 0, line
    assert program.run("gc", "--keep", "0", "--older-than", "0s", "--force", cwd=folder).exit_code == 0
    assert [each["run_id"] for each in program.run("runs", "--json", cwd=folder).json()["runs"]] == [run["run_id"]]
    stopped.process.send_signal(signal.SIGCONT)
    assert stopped.end() == 0
    assert program.run("state", "names", cwd=folder).json() == ["first", "second"]


def requests(folder: Path) -> int:
    """How many requests the owner of a run has yet to answer."""
    with closing(sqlite3.connect(f"file:{folder}/.openexpertise/state.sqlite?mode=ro", uri=True)) as database:
        found: int = database.execute("SELECT count(*) FROM request WHERE answer IS NULL").fetchone()[0]
        return found


def test_a_stopped_owner_is_cancelled_when_it_goes_on(program: Program, stopped: HeldRun) -> None:
    asked = program.start("cancel", "latest", cwd=stopped.folder)
    while not requests(stopped.folder):
        assert asked.poll() is None, asked.communicate()
    assert asked.poll() is None, "it waits for an answer"
    stopped.process.send_signal(signal.SIGCONT)
    said = asked.communicate(timeout=60)
    stopped.let_go()
    assert asked.returncode == 0, said
    assert stopped.process.wait(60) == 130
    run, = json.loads(program.run("runs", "--json", cwd=stopped.folder).stdout)["runs"]
    assert run["status"] == "cancelled"
