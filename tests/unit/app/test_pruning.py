"""What is pruned and what never: decided over recorded runs, carried out under their locks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oe.app.pruning import Limits, Plan, plan_pruning, prune
from oe.app.workspace import Workspace
from oe.lang.scope import MISSING
from oe.ports.cache import Entry
from oe.ports.store import Reopened
from oe.store.cache_files import CacheFiles
from oe.store.upkeep import Upkeep
from tests.contract.builders import ending as end
from tests.contract.builders import new_run, outcome
from tests.unit.store.processes import Other

NOW = 100 * 86400.0
DAY = 86400.0


class Folder:
    """A workspace with recorded runs whose ends lie some days back."""

    def __init__(self, path: Path) -> None:
        (path / "experience.yaml").touch()
        self.path = path
        self.workspace = Workspace(str(path / "experience.yaml"))
        self.store, self.folder = self.workspace.store, self.workspace.folder

    def add(self, run_id: str, days: float, status: str = "success", *, size: int = 1000, **changes: Any) -> None:
        """A run that began and ended so many days before NOW; `running` has no end."""
        ts = NOW - days * DAY
        self.store.create_run(new_run(run_id, experience=changes.pop("experience", self.workspace.key))._replace(
            started_at=ts, **changes))
        self.store.commit(run_id, [outcome("n", 1, ("log", "x" * size))])
        if status != "running":
            self.store.end_run(run_id, end(status=status)._replace(finished_at=ts))
        Path(self.folder.event_log(run_id)).write_text("x" * 100)
        Path(self.folder.artifact(run_id, "report.txt")).write_text("x" * size)

    def keep(self, letter: str, days: float, size: int = 0) -> None:
        CacheFiles(self.folder.cache, pytest.fail).keep(letter * 64, Entry(
            {"f": "x" * size}, MISSING, {}, "r", NOW - days * DAY, "n", {}, {}))

    def plan(self, **limits: Any) -> Plan:
        return plan_pruning(self.workspace, Limits(**limits), NOW)

    def prune(self, **limits: Any) -> Any:
        return prune(self.workspace, self.plan(**limits))

    @property
    def runs(self) -> list[str]:
        return [run.run_id for run in reversed(self.store.find_runs(None))]

    @property
    def files(self) -> set[str]:
        return {name for name in os.listdir(f"{self.folder.root}/runs")}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    made = Folder(tmp_path)
    yield made
    made.workspace.close()


def ids(plan: Plan) -> list[str]:
    return sorted(old.run_id for old in plan.runs)


def test_only_old_successes_go(folder: Folder) -> None:
    for status in ("success", "failed", "partial", "cancelled", "parked", "running"):
        folder.add(f"old-{status}", 40, status)
        folder.add(f"new-{status}", 20, status)
    plan = folder.plan(older_than_seconds=30 * DAY)
    assert ids(plan) == ["old-success"]
    assert (plan.running, plan.resumable, plan.recent) == (0, 5, 0)
    forced = folder.plan(older_than_seconds=30 * DAY, force=True)
    assert ids(forced) == ["old-cancelled", "old-failed", "old-parked", "old-partial", "old-running", "old-success"]
    assert {old.status for old in forced.runs if old.run_id == "old-running"} == {"interrupted"}


def test_the_newest_are_kept_whatever_their_age(folder: Folder) -> None:
    for number in range(5):
        folder.add(f"r{number}", 50 - number)
    assert ids(folder.plan(older_than_seconds=30 * DAY, keep=2)) == ["r0", "r1", "r2"]
    assert ids(folder.plan(keep=4)) == ["r0"]
    assert ids(folder.plan(older_than_seconds=60 * DAY, keep=2)) == []
    assert ids(folder.plan(keep=0)) == ["r0", "r1", "r2", "r3", "r4"]
    assert ids(folder.plan(max_bytes=0, keep=3)) == ["r0", "r1"]


def test_the_size_takes_the_oldest_of_runs_and_results(folder: Folder) -> None:
    for number in range(4):
        folder.add(f"r{number}", 10 - number, size=20_000)
        folder.keep("abcd"[number], 9.5 - number, size=30_000)
    whole = folder.plan(max_bytes=1 << 40)
    assert (ids(whole), whole.cache.entries) == ([], [])
    plan = folder.plan(max_bytes=whole.size_bytes - 100_000)
    assert ids(plan) == ["r0", "r1"]
    assert [entry.key[0] for entry in plan.cache.entries] == ["a"]


def test_what_is_pruned_is_gone_and_the_rest_untouched(folder: Folder) -> None:
    folder.add("old", 40, size=400_000)
    folder.add("new", 1)
    folder.add("other", 40, experience="/elsewhere/experience.yaml")
    folder.keep("a", 40)
    folder.keep("b", 1)
    before = os.path.getsize(folder.folder.database) + os.path.getsize(folder.folder.database + "-wal")
    pruned = folder.prune(older_than_seconds=30 * DAY)
    assert folder.runs == ["new", "other"]
    assert folder.files == {"new", "new.jsonl", "other", "other.jsonl"}
    assert os.listdir(folder.folder.cache) == ["b" * 64 + ".json"]
    assert [row.slot for row in folder.store.journal("new")] == ["n"]
    assert pruned.shrunk
    assert pruned.freed > 800_000
    assert os.path.getsize(folder.folder.database) < before / 3
    assert folder.prune(older_than_seconds=30 * DAY).runs == []


_LIVE = """
from oe.app.workspace import Workspace
workspace = Workspace(sys.argv[1])
assert workspace.lock("live")
ready()
workspace.unlock()
ready()
"""


def test_a_live_run_is_never_pruned_nor_the_database_rewritten_under_it(folder: Folder) -> None:
    folder.add("live", 40, "running")
    folder.add("old", 40, size=400_000)
    with Other(_LIVE, folder.path / "experience.yaml") as other:
        other.wait_ready()
        plan = folder.plan(older_than_seconds=DAY, force=True)
        assert (ids(plan), plan.running) == (["old"], 1)
        pruned = prune(folder.workspace, plan)
        assert ([old.run_id for old in pruned.runs], pruned.shrunk) == (["old"], False)
        other.go()
        other.wait_ready()
    assert ids(folder.plan(older_than_seconds=DAY, force=True)) == ["live"]


def test_a_run_that_somebody_took_up_since_it_was_planned_stays(folder: Folder) -> None:
    for run_id in ("taken", "ended"):
        folder.add(run_id, 40, "failed")
    plan = folder.plan(older_than_seconds=DAY, force=True)
    assert ids(plan) == ["ended", "taken"]
    folder.store.reopen_run(Reopened("ended", folder.workspace.owner, NOW, "{}"))
    folder.store.end_run("ended", end(status="failed"))
    with Other(_LIVE.replace('"live"', '"taken"'), folder.path / "experience.yaml") as other:
        other.wait_ready()
        assert prune(folder.workspace, plan).runs == []
    assert folder.runs == ["taken", "ended"]
    assert Path(folder.folder.artifact("taken", "report.txt")).exists()


def test_planning_changes_nothing(folder: Folder) -> None:
    folder.add("old", 40)
    folder.add("gone", 40)
    folder.keep("a", 40)
    folder.store.remove_run("gone")
    before = {path: path.stat().st_mtime_ns for path in folder.path.rglob("*") if path.suffix not in {"", ".sqlite-shm"}}
    folder.plan(older_than_seconds=0.0, force=True)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_files_of_a_run_that_is_not_on_record_go_when_they_are_old(folder: Folder) -> None:
    folder.add("old", 40)
    for run_id in ("half", "fresh"):
        folder.add(run_id, 40)
        folder.store.remove_run(run_id)
    Path(folder.folder.root, "runs", "no run.txt").write_text("a note")
    Path(folder.folder.root, "runs", "turn.lock").write_text("of those who look whether a run is going on")
    for path in Path(folder.folder.root, "runs").rglob("*"):
        if "fresh" not in str(path):
            os.utime(path, (NOW - 40 * DAY, NOW - 40 * DAY))
    assert folder.plan(keep=0).left_over == []
    assert folder.plan(older_than_seconds=30 * DAY).left_over == ["half"]
    assert folder.prune(older_than_seconds=30 * DAY).left_over == ["half"]
    assert folder.files == {"fresh", "fresh.jsonl", "no run.txt", "turn.lock"}


def test_a_lock_taken_on_a_file_that_was_pruned_meanwhile_does_not_count(folder: Folder) -> None:
    folder.add("r", 1)
    lock_file = Path(folder.folder.run_folder("r"), "lock")
    real_open = os.open

    def open_then_prune(path: Any, *rest: Any, **named: Any) -> int:
        descriptor = real_open(path, *rest, **named)
        if str(path) == str(lock_file):
            lock_file.unlink()
        return descriptor

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", open_then_prune)
        assert folder.workspace.lock("r") is False
    assert folder.workspace.lock("r") is True


def test_a_database_that_is_mostly_full_is_not_rewritten(folder: Folder) -> None:
    folder.add("big", 1, size=400_000)
    folder.add("small", 40, size=10_000)
    assert not folder.prune(older_than_seconds=DAY * 30).shrunk
    with Upkeep(folder.folder.database) as upkeep:
        assert upkeep.size_of("big") > 400_000
        assert upkeep.size_of("small") == 0
        assert upkeep.pages().whole > 400_000
