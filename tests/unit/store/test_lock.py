"""Who carries a run: with real processes, for a lock within one process proves nothing."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from oe.errors import StoreError
from oe.ports.store import Owner
from oe.store import lock as lock_module
from oe.store.data_folder import DataFolder
from oe.store.lock import this_process
from tests.unit.store.processes import Other, run_other

_HOLDER = """
held = DataFolder(sys.argv[1]).lock("r-1", this_process())
assert held is not None
ready()
held.release()
ready()
"""


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    made = DataFolder(tmp_path / "data")
    made.create()
    return made


def test_a_lock_of_another_process_is_seen_and_not_stolen(folder: DataFolder) -> None:
    me = this_process()
    with Other(_HOLDER, folder.root) as other:
        other.wait_ready()
        assert folder.lock("r-1", me) is None
        assert folder.liveness("r-1", me) == "alive"
        other.go()
        other.wait_ready()
        assert folder.liveness("r-1", me) == "dead"
        held = folder.lock("r-1", me)
        assert held is not None
        held.release()


def test_a_killed_owner_is_dead_at_once(folder: DataFolder) -> None:
    with Other(_HOLDER, folder.root) as other:
        other.wait_ready()
        record = json.loads(Path(folder.run_folder("r-1"), "lock").read_text())
        owner = Owner(**record)
        assert owner.pid != os.getpid()
        assert folder.liveness("r-1", owner) == "alive"
        other.kill()
    assert folder.liveness("r-1", owner) == "dead"
    assert folder.lock("r-1", this_process()) is not None


def test_a_process_does_not_lock_twice_nor_lose_its_lock_by_asking(folder: DataFolder) -> None:
    me = this_process()
    held = folder.lock("r-1", me)
    assert held is not None
    assert folder.lock("r-1", me) is None
    assert folder.liveness("r-1", me) == "alive"
    code = 'print(DataFolder(sys.argv[1]).lock("r-1", this_process()), DataFolder(sys.argv[1]).liveness("r-1", OWNER))'
    assert run_other(code, folder.root) == "None alive\n"
    held.release()
    held.release()
    again = folder.lock("r-1", me)
    assert again is not None
    held.release()
    assert folder.liveness("r-1", me) == "alive"
    assert run_other(code, folder.root) == "None alive\n"
    again.release()


def test_a_lock_is_one_by_whatever_path_it_is_reached(folder: DataFolder, tmp_path: Path) -> None:
    """A data folder may be a link: asking by its other name must not drop the lock."""
    (tmp_path / "link").symlink_to(folder.root)
    me, other_name = this_process(), DataFolder(tmp_path / "link")
    with folder.lock("r-1", me) as held:
        assert held is not None
        assert other_name.liveness("r-1", me) == "alive"
        assert other_name.lock("r-1", me) is None
        assert run_other('print(DataFolder(sys.argv[1]).lock("r-1", this_process()))', folder.root) == "None\n"


def test_of_threads_that_lock_together_one_has_it(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2)
    opened = lock_module.open_private

    def together(path: str, flags: int) -> int:
        with contextlib.suppress(threading.BrokenBarrierError):  # the other is refused before it opens anything
            both.wait(0.5)
        return opened(path, flags)

    monkeypatch.setattr(lock_module, "open_private", together)
    with ThreadPoolExecutor(2) as pool:
        got = list(pool.map(lambda _: folder.lock("r-1", this_process()), range(2)))
    assert sum(each is not None for each in got) == 1
    for each in got:
        if each is not None:
            each.release()


def test_a_lock_that_could_not_be_had_may_be_asked_for_again(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(lock_module.fcntl, "lockf", _refuse)
        with pytest.raises(StoreError, match="no locks available"):
            folder.lock("r-1", this_process())
    held = folder.lock("r-1", this_process())
    assert held is not None
    held.release()


def _refuse(*_: object) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


def test_a_child_inherits_neither_lock_nor_descriptor(folder: DataFolder) -> None:
    with Other("""
import subprocess
held = DataFolder(sys.argv[1]).lock("r-1", this_process())
subprocess.Popen(["cat"], stdin=0, close_fds=False)
ready()
""", folder.root) as other:
        other.wait_ready()
        other.kill()
        assert folder.liveness("r-1", this_process()) == "dead"


def test_runs_are_locked_one_by_one(folder: DataFolder) -> None:
    first, second = folder.lock("r-1", this_process()), folder.lock("r-2", this_process())
    assert first is not None
    assert second is not None
    first.release()
    assert folder.liveness("r-2", this_process()) == "alive"
    second.release()


def test_a_run_that_was_never_locked_is_dead(folder: DataFolder) -> None:
    assert folder.liveness("r-never", this_process()) == "dead"


def test_an_owner_on_another_host_is_dead_only_where_the_file_system_tells(
        folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = Owner("another-host", 1, 1)
    monkeypatch.setattr(lock_module, "_LOCAL_FILE_SYSTEMS", frozenset())
    assert folder.liveness("r-1", stranger) == "elsewhere"
    with Other(_HOLDER, folder.root) as other:
        other.wait_ready()
        assert folder.liveness("r-1", stranger) == "alive"
        other.go()
        other.wait_ready()
        assert folder.liveness("r-1", stranger) == "elsewhere"


def test_a_local_file_system_tells_the_whole_truth(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {fields[fields.index("-") + 1] for fields in map(str.split, Path("/proc/self/mountinfo").read_text().splitlines())}
    monkeypatch.setattr(lock_module, "_LOCAL_FILE_SYSTEMS", frozenset(kinds))
    assert folder.liveness("r-1", Owner("another-host", 1, 1)) == "dead"


def test_the_owner_is_on_record(folder: DataFolder) -> None:
    me = this_process()
    assert (me.host, me.pid) == (os.uname().nodename, os.getpid())
    assert me.started > 0
    assert this_process() == me
    held = folder.lock("r-1", me)
    assert held is not None
    path = Path(folder.run_folder("r-1"), "lock")
    assert json.loads(path.read_text()) == me._asdict()
    assert path.stat().st_mode & 0o777 == 0o600
    held.release()


def test_a_lock_file_that_cannot_be_made_is_an_error_that_names_it(folder: DataFolder) -> None:
    Path(folder.run_folder("r-1"), "lock").mkdir(parents=True)
    with pytest.raises(StoreError, match="r-1/lock"):
        folder.lock("r-1", this_process())
