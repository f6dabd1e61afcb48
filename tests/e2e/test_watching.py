"""What a dashboard is told of a run that is over: messages of errors, budgets, when it ended."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from oe.app.inspection import open_workspace
from oe.app.watching import Watch
from tests.support.experiences import write_experience
from tests.support.program import Program

FAILING = """\
name: failing
version: 1.0.0
graph:
  nodes:
    - {id: each, kind: tool, impl: ./tool.py:each, for_each: {source: [1, 2, 3]}, on_error: {policy: retry, attempts: 2, base_ms: 1}}
runtime: {budget: {tokens: 5000, usd: 2}}
"""

TOOL = """\
def each(inputs, ctx):
    if inputs["$item"] == 2:
        raise ValueError("the second " + "is bad " * 100)
"""


def test_errors_budgets_and_the_end_are_told(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path, FAILING, tool=TOOL)
    assert program.run("run", "--budget", "tokens=1000", cwd=folder).exit_code == 1
    with open_workspace(str(folder), None) as workspace:
        run = workspace.find_run("latest")
        picture = Watch(workspace, run).poll(10.0)
    assert picture is not None
    assert (picture.is_live, picture.note, picture.ended_at) == (False, None, run.finished_at)
    message = picture.errors["each[1]"]
    assert message.startswith("ValueError: the second is bad")
    assert len(message) == 300
    assert {budget.name: budget.limit for budget in picture.snapshot.budgets} == {"run tokens": 1000, "run usd": 2}


def test_reading_a_long_log_is_not_held_up_by_pictures(program: Program, tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_experience(tmp_path, FAILING.replace("[1, 2, 3]", str(list(range(200)))), tool=TOOL)
    program.run("run", "--concurrency", "8", cwd=folder)
    with open_workspace(str(folder), None) as workspace:
        watch = Watch(workspace, workspace.find_run("latest"))
        now = 1000.0
        monkeypatch.setattr("oe.app.watching.time", SimpleNamespace(monotonic=lambda: now, sleep=time.sleep))
        polls = []
        for _ in range(2000):
            polls.append(watch.poll(0.0))  # one event each, a millisecond each
            now += 0.001
    pictures = [picture for picture in polls if picture is not None]
    assert pictures[-1].reading is None
    assert len(pictures) < 12
    assert len({id(picture.snapshot.root) for picture in pictures}) == 1, "the truth is read once"


def test_a_log_is_told_once_where_the_run_is_resumed_meanwhile(program: Program, tmp_path: Path,
                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oe.app.watching._STATUS_SECONDS", 0.0)
    folder = write_experience(tmp_path, FAILING, tool=TOOL)
    program.run("run", cwd=folder)
    with open_workspace(str(folder), None) as workspace:
        watch = Watch(workspace, workspace.find_run("latest"))
        watch.poll(10.0)
        before = watch.lines()
        assert program.run("resume", cwd=folder).exit_code == 1
        watch.poll(10.0)
        after = watch.lines()
    log, = (folder / ".openexpertise/runs").glob("*.jsonl")
    assert len(before) + len(after) == len(log.read_text(encoding="utf-8").splitlines())
    assert after[0].endswith(" run.resumed")
