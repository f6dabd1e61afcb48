"""Kills of what is no run: of the first opening of a database, of bringing an older one up to date, of pruning; and of one
resume after the other."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from oe.store import database
from tests.support.crash_host import OF_UPKEEP
from tests.support.crash_shapes import SHAPES, write_shape
from tests.support.crashes import BEGIN, Calms, CrashHost, Life, executions, killed_at, killed_beside

DATA = ".openexpertise"


def schema_of(folder: Path) -> int:
    header = (folder / DATA / "state.sqlite").read_bytes()[:100]
    return int.from_bytes(header[60:64], "big")


@pytest.mark.parametrize("version", [0, 1, 3])
@pytest.mark.parametrize("point", ["begin", "end", "open the database", "migrate"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_while_a_database_is_made_or_brought_up_to_date(
        host: CrashHost, calm: Calms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int, point: str, when: str) -> None:
    life = Life(host, tmp_path / "run", "chain")
    if version:
        (life.folder / DATA).mkdir(mode=0o700)
        with monkeypatch.context() as older:
            older.setattr(database, "MIGRATIONS", database.MIGRATIONS[:version])
            database.open_database(str(life.folder / DATA / "state.sqlite")).close()
        assert schema_of(life.folder) == version
    kills = 0
    for number in (1, 2, 1):  # by itself: to look at the run would bring the database up to date
        kills += host.run(life.folder, *BEGIN, at=killed_beside(point, when, number)).was_killed
    life.end(calm("chain"))
    assert kills
    assert schema_of(life.folder) == len(database.MIGRATIONS)


@pytest.fixture
def three_runs(host: CrashHost, tmp_path: Path) -> Path:
    """A success, a failure, a success; of each its log, and results in the cache."""
    folder = write_shape(tmp_path / "pruned", "chain")
    whole = (folder / "step.py").read_text()
    for name, tool in (("one", whole), ("two", "def run(inputs, ctx):\n    raise ValueError\n"), ("three", whole + "\n")):
        (folder / "step.py").write_text(tool)
        assert host.run(folder, "run", "--quiet", "--run-id", name).exit_code == (name == "two")
    return folder


def runs_of(host: CrashHost, folder: Path) -> list[str]:
    """The runs on record, each of which can be looked at."""
    names = [run["run_id"] for run in json.loads(host.run(folder, "runs", "--json").stdout)["runs"]]
    for name in names:
        for arguments in (("inspect", name), ("inspect", name, "--tree"), ("state", "--run-id", name)):
            shown = host.run(folder, *arguments)
            assert shown.exit_code == 0, shown.stderr
    return names


@pytest.mark.parametrize("point", OF_UPKEEP)
@pytest.mark.parametrize("when", ["after", pytest.param("before", marks=pytest.mark.long)])
def test_killed_while_runs_are_pruned(host: CrashHost, three_runs: Path, point: str, when: str) -> None:
    prune = ("gc", "--keep", "1", "--older-than", "0s", "--force")
    kills = 0
    for number in (1, 2):
        kills += host.run(three_runs, *prune, at=killed_beside(point, when, number)).was_killed
        assert runs_of(host, three_runs)[0] == "three"
    assert kills
    done = host.run(three_runs, *prune)
    assert done.exit_code == 0, done.stderr
    assert runs_of(host, three_runs) == ["three"]
    left = {path.name for path in (three_runs / DATA / "runs").iterdir()}
    assert left <= {"three", "three.jsonl"}
    assert list((three_runs / DATA / "cache").iterdir()) == []
    state = json.loads(host.run(three_runs, "state", "trail", "--workspace").stdout)
    assert len(state) == 16, "what was published stays"
    assert host.run(three_runs, "run", "--quiet").exit_code == 0


@pytest.mark.parametrize("shape", ["loop", *(pytest.param(shape, marks=pytest.mark.long) for shape in SHAPES if shape != "loop")])
def test_resumed_and_killed_again_and_again(host: CrashHost, calm: Calms, tmp_path: Path, shape: str) -> None:
    """Each resume gets a little further than the one before, or not even as far."""
    random = Random(shape)
    life = Life(host, tmp_path / "run", shape)
    calls = calm(shape).hits["calls"]
    life.go_on(killed_beside("commit", "after", 2))
    for number in range(25):
        if not life.go_on(killed_at(random.randint(1, calls // 3) if number % 2 else calls * (number + 5) // 60)).was_killed:
            break
    life.end(calm(shape))
    assert life.kills > 10
    assert max(executions(life.folder).values()) <= 1 + life.kills
