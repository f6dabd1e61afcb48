"""A clock that is stepped back an hour, within a run and between a run and its resume: nothing takes negative time, and
the log stays in order."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest

from oe.cli.main import main
from oe.clock import SystemClock
from tests.support.experiences import write_experience

HOUR = 3600.0
SPEC = """\
name: clock
version: 1.0.0
state: {schema: {out: {type: array, merge: array_append}, list: {type: array, default: [1, 2, 3]}}}
graph:
  nodes:
    - {id: a, kind: tool, impl: ./tool.py, writes: [out]}
    - {id: back, kind: tool, impl: ./tool.py, needs: [a], writes: [out]}
    - {id: c, kind: tool, impl: ./tool.py, needs: [back], for_each: {source: $.list}, writes: [out]}
    - {id: bad, kind: tool, impl: ./tool.py, needs: [c], on_error: {policy: retry, attempts: 2, base_ms: 1}}
"""
TOOL = """\
import time

def run(inputs, ctx):
    if ctx.slot == "back":
        time.step_back()
    if ctx.slot == "bad":
        raise ValueError("broken")
    return {"out": [ctx.slot]}
"""


class SteppedTime:
    """Wall time that can be stepped back."""

    def __init__(self) -> None:
        self._real = time.time
        self._behind = 0.0

    def time(self) -> float:
        return self._real() - self._behind

    def step_back(self) -> None:
        self._behind += HOUR


@pytest.fixture
def stepped(monkeypatch: pytest.MonkeyPatch) -> SteppedTime:
    made = SteppedTime()
    monkeypatch.setattr(time, "time", made.time)
    monkeypatch.setattr(time, "step_back", made.step_back, raising=False)
    return made


def oe(*arguments: str) -> Any:
    """The value that a command of this process prints as JSON."""
    out = io.StringIO()
    main([*arguments, "--json"], io.StringIO(), out, io.StringIO())
    return json.loads(out.getvalue())


def test_durations_stay_what_they_are_and_the_log_in_order(tmp_path: Path, stepped: SteppedTime) -> None:
    folder = str(write_experience(tmp_path / "clock", SPEC, tool=TOOL))
    results = [oe("run", folder)]
    stepped.step_back()
    results.append(oe("resume", folder))
    for result in results:
        assert result["status"] == "partial"
        durations = [node["duration_ms"] for node in result["nodes"]] + [result["totals"]["duration_ms"]]
        assert all(0 <= duration < HOUR * 500 for duration in durations), durations
    run, = oe("runs", folder)["runs"]
    assert 0 < run["duration_ms"] < HOUR * 500
    text = next((tmp_path / "clock/.openexpertise/runs").glob("*.jsonl")).read_text()
    moments = [json.loads(line)["ts"] for line in text.splitlines()]
    assert moments == sorted(moments)


def test_time_goes_on_after_the_clock_was_stepped_back(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, steady = 1000.0, 50.0
    monkeypatch.setattr(time, "time", lambda: wall)
    monkeypatch.setattr(time, "monotonic", lambda: steady)
    clock = SystemClock()
    seen = [clock.now()]
    for wall_step, steady_step in ((1.0, 1.0), (-HOUR, 2.0), (3.0, 3.0), (2 * HOUR, 1.0)):
        wall, steady = wall + wall_step, steady + steady_step
        seen.append(clock.now())
    assert seen == [1000.0, 1001.0, 1003.0, 1006.0, 1004.0 + HOUR]
    assert SystemClock(not_before=10_000.0).now() == 10_000.0
