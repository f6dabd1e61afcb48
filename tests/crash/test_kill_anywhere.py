"""The program is killed at any instant and at every step of a commit, resumed, killed again, and ends as if undisturbed."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.support.crash_host import OF_MODELS, POINTS
from tests.support.crash_shapes import SHAPES, TOOL
from tests.support.crashes import GO_ON, Calms, CrashHost, Life, check_log, killed_at, killed_beside, truth

AMID = killed_beside("commit", "after", 4)
OFTEN = ("fan-out", "nested")
MOMENTS = [*((point, when) for point in POINTS if point != "supersede" for when in ("before", "after")), ("write", "within")]
PLACES = [pytest.param(shape, point, when, marks=() if shape in OFTEN or point in OF_MODELS else pytest.mark.long)
          for point, when in MOMENTS for shape in (["agent"] if point in OF_MODELS else SHAPES)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("lives", [4, pytest.param(200, marks=pytest.mark.long)])
def test_killed_at_random_instants(host: CrashHost, calm: Calms, tmp_path: Path, shape: str, lives: int) -> None:
    calls = calm(shape).hits["calls"]
    kills = 0
    for number in range(lives):
        random = Random(f"{shape} {lives} {number}")
        life = Life(host, tmp_path / str(number), shape)
        for _ in range(3):
            if not life.go_on(killed_at(random.randint(1, calls))).was_killed:
                break
        life.end(calm(shape))
        kills += life.kills
    assert kills >= lives, "hardly anything was killed"


@pytest.mark.parametrize(("shape", "point", "when"), PLACES)
def test_killed_at_a_named_point(host: CrashHost, calm: Calms, tmp_path: Path, shape: str, point: str, when: str) -> None:
    random = Random(f"{shape} {point} {when}")
    life = Life(host, tmp_path / "run", shape)
    hits = calm(shape).hits.get(point, 0)
    life.go_on(killed_beside(point, when, random.randint(1, 1 + hits // 2)) if hits else AMID)
    life.go_on(killed_beside(point, when))  # the resume dies at its first one
    life.end(calm(shape))
    assert life.kills > (not hits), "it did not die there"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", ["supersede", "begin", "end", "commit", "append", "end_run"])
def test_killed_while_earlier_outcomes_are_replaced(host: CrashHost, tmp_path: Path, point: str, when: str) -> None:
    """A tool is edited after a kill: what it had written leaves the state, whatever happens to the resume."""
    edited = TOOL.replace("{ctx.slot} {inputs", "edited {ctx.slot} {inputs")
    fresh = Life(host, tmp_path / "fresh", "chain")
    (fresh.folder / "step.py").write_text(edited)
    fresh.go_on()
    life = Life(host, tmp_path / "run", "chain")
    life.go_on(killed_beside("commit", "after", 5))
    (life.folder / "step.py").write_text(edited)
    for number in (1, 2):
        killed = host.run(life.folder, *GO_ON, at=killed_beside(point, when, number))
        assert killed.was_killed == (number == 1 or point != "end_run")
    ended = host.run(life.folder, *GO_ON)
    assert ended.exit_code == 0, ended.stderr
    what_counts = {**truth(life.folder), "history": None}  # the history holds what was replaced too
    assert what_counts == {**truth(fresh.folder), "history": None}
    check_log(life.folder)
