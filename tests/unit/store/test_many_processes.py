"""Several real processes on one database: first opens, publications, locks, kills."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from oe.errors import StoreError
from oe.store import database
from oe.store.sqlite_store import SqliteStore
from tests.contract.builders import EXPERIENCE, new_run, outcome
from tests.unit.store.processes import Other, run_other

_RUNS = """
path, me, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
ready()
for number in range(runs):
    store = SqliteStore.open(path)
    run_id = f"r-{me}-{number}"
    store.create_run(new_run(run_id, persistent=["log"]))
    store.commit(run_id, [outcome("n", 1, ("log", [run_id]))])
    store.end_run(run_id, ending(Publication("log", "array_append", [run_id])))
    store.close()
"""


def _publish_from_many(path: Path, processes: int, runs: int) -> None:
    with ExitStack() as stack:
        others = [stack.enter_context(Other(_RUNS, path, me, runs)) for me in range(processes)]
        for other in others:
            other.wait_ready()
        for other in others:
            other.go()
        for other in others:
            other.finish()
    store = SqliteStore.open(path)
    log = store.workspace(EXPERIENCE)["log"]
    expected = [f"r-{me}-{number}" for me in range(processes) for number in range(runs)]
    assert isinstance(log, list)
    assert sorted(log) == sorted(expected)
    for me in range(processes):
        assert [entry for entry in log if entry.startswith(f"r-{me}-")] == [f"r-{me}-{n}" for n in range(runs)]
    assert {run.status for run in store.find_runs(None, limit=1000)} == {"success"}
    store.close()
    raw = sqlite3.connect(path)
    order = [row[0] for row in raw.execute("SELECT run.run_id FROM publication JOIN run ON run.id = publication.run "
                                           "ORDER BY publication.id")]
    raw.close()
    assert order == log


@pytest.mark.parametrize(("processes", "runs"), [(4, 10), (8, 50)])
def test_appends_of_concurrent_runs_are_all_there_in_the_order_recorded(
        tmp_path: Path, processes: int, runs: int) -> None:
    _publish_from_many(tmp_path / "state.sqlite", processes, runs)


def test_first_opens_at_once_make_one_schema(tmp_path: Path) -> None:
    code = """
for number in range(int(sys.argv[2])):
    ready()
    store = SqliteStore.open(f"{sys.argv[1]}/{number}.sqlite")
    store.create_run(new_run(f"r-{os.getpid()}"))
    store.close()
"""
    rounds = 12
    with ExitStack() as stack:
        others = [stack.enter_context(Other(code, tmp_path, rounds)) for _ in range(4)]
        for _ in range(rounds):
            for other in others:
                other.wait_ready()
            for other in others:
                other.go()
        for other in others:
            other.finish()
    for number in range(rounds):
        store = SqliteStore.open(tmp_path / f"{number}.sqlite")
        assert len(store.find_runs(None)) == 4
        store.close()


_HOLDER = """
import sqlite3
holder = sqlite3.connect(sys.argv[1], isolation_level=None)
holder.execute("BEGIN EXCLUSIVE")
holder.execute("CREATE TABLE held (x)")
ready()
holder.execute("ROLLBACK")
"""


def test_a_locked_database_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    store = SqliteStore.open(path)
    store.create_run(new_run())
    tries: list[str] = []

    def tell(statement: str) -> None:
        tries.append(statement)
        holder.go()  # the holder ends its transaction only once ours is on its way

    with Other(_HOLDER, path) as holder:
        holder.wait_ready()
        store._connection.set_trace_callback(tell)
        store.commit("r-1", [outcome("a")])
        store._connection.set_trace_callback(None)
        holder.finish()
    assert tries[0].startswith("INSERT INTO journal")
    assert [row.slot for row in store.journal("r-1")] == ["a"]
    store.close()


def test_a_database_that_stays_locked_is_reported_as_locked_and_loses_nothing(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    path = tmp_path / "state.sqlite"
    store = SqliteStore.open(path)
    store.create_run(new_run())
    store.commit("r-1", [outcome("before")])
    with Other(_HOLDER, path) as holder:
        holder.wait_ready()
        with pytest.raises(StoreError, match="locked") as caught:
            store.commit("r-1", [outcome("lost")])
        assert caught.value.code == "store-locked"
        assert "another process" in str(caught.value.hint)
        assert [row.slot for row in store.journal("r-1")] == ["before"]
        holder.go()
        holder.finish()
    store.commit("r-1", [outcome("after", 1, ("f", 1))])
    assert [row.slot for row in store.journal("r-1")] == ["before", "after"]
    store.close()


def test_a_new_database_that_another_process_is_making_is_not_called_damaged(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    path = tmp_path / "state.sqlite"
    with Other(_HOLDER, path) as holder:
        holder.wait_ready()
        with pytest.raises(StoreError) as caught:
            SqliteStore.open(path)
        assert caught.value.code == "store-locked"
        holder.go()
        holder.finish()
    SqliteStore.open(path).close()


def test_what_was_committed_outlives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with Other("""
store = SqliteStore.open(sys.argv[1])
store.create_run(new_run())
for number in range(300):
    store.commit("r-1", [outcome(f"n{number}", 1, ("f", number))])
store._connection.execute("BEGIN IMMEDIATE")
store._connection.execute("DELETE FROM journal")
ready()
""", path) as other:
        other.wait_ready()
        other.kill()
    store = SqliteStore.open(path)
    assert [entry.delta for entry in store.history("r-1")] == list(range(300))
    store.commit("r-1", [outcome("after", 1, ("f", 1))])
    store.close()


_ON_A_SMALL_DISK = """
import subprocess
folder = sys.argv[1]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", folder], check=True)
with open(folder + "/ballast", "wb") as file:
    file.write(bytes(200_000))
def relieve():
    os.unlink(folder + "/ballast")
"""

_TO_A_SMALL_LIMIT = """
import resource
folder = sys.argv[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 3_000_000))
def relieve():
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
"""

_FILL = """
import json
from oe.errors import StoreError
from oe.ports.committed import log_of

def check_log():
    lines = open(folder + "/r-1.jsonl", "rb").read().splitlines(keepends=True)
    assert all(line.endswith(b"\\n") for line in lines)
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, len(lines) + 1))
    return len(lines)

store = SqliteStore.open(folder + "/state.sqlite")
store.create_run(new_run())
troubles = []
log = JsonlLog(folder + "/r-1.jsonl", "r-1", on_trouble=lambda error: troubles.append(error.code))
noise = Event("node.activity", 1.0, "n", 1, data={"activity": "y" * 3000})
done, code = 0, None
while code is None and done < 10_000:
    try:
        store.commit("r-1", [outcome(f"n{done}", 1, ("f", "x" * 300))])
        done += 1
        log.append([noise], flush=True)
    except StoreError as error:
        assert error.hint
        code = error.code
for _ in range(1000):
    log.append([noise], flush=True)
assert done > 10, done
assert log.broken and troubles == ["log-broken"], (log.broken, troubles)
check_log()
kept = len(list(store.journal("r-1")))
assert kept == done, (kept, done)
relieve()
store.commit("r-1", [outcome("after", 1, ("f", 1))])
before = check_log()
added = log.repair(log_of(store.everything("r-1")))
assert added == 1 + 2 * (done + 1), (added, done)
assert not log.broken and troubles == ["log-broken"]
assert check_log() == before + 1 + 2 * (done + 1)
store.close()
again = SqliteStore.open(folder + "/state.sqlite", read_only=True)
assert len(list(again.journal("r-1"))) == done + 1
print(code)
"""

_OWN_MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")


def _may_mount() -> bool:
    try:
        return subprocess.run([*_OWN_MOUNTS, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not _may_mount(), reason="a small disk needs user namespaces (unshare --user --mount)")
def test_a_full_disk_is_reported_as_full_and_nothing_committed_is_lost(tmp_path: Path) -> None:
    assert run_other(_ON_A_SMALL_DISK + _FILL, tmp_path, prefix=_OWN_MOUNTS) == "store-full\n"


def test_a_file_that_may_not_grow_loses_nothing_committed(tmp_path: Path) -> None:
    assert run_other(_TO_A_SMALL_LIMIT + _FILL, tmp_path) == "store-io\n"
