"""An experience's place on disk: its data folder, its store, and what its runs have left there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from oe.clock import seconds_of_iso
from oe.errors import NotFoundError, UsageError
from oe.ids import is_run_id
from oe.store.data_folder import DataFolder
from oe.store.lock import this_process

if TYPE_CHECKING:
    from oe.ports.cache import Entry
    from oe.ports.store import Outcome, Run, RunLock, Store

EARLIER_RUNS = 20
"""How many runs back an earlier result of a node is looked for."""


class Workspace:
    """An experience's place on disk: its data folder and store. Close it, or use it in a `with` statement."""

    def __init__(self, file: str, data_dir: str | None = None, *, read_only: bool = False, creates: bool = True,
                 durability: str = "process") -> None:
        """`creates` False: written to where it is, but not made. Raises NotFoundError where it is not there."""
        from oe.store.sqlite_store import SqliteStore

        self.key = os.path.realpath(file)
        if data_dir == "":
            raise UsageError("the data folder's name is empty", hint="leave it out for the one beside the experience")
        chosen = data_dir or os.environ.get("OE_DATA_DIR")
        self.folder = DataFolder(chosen or os.path.join(os.path.dirname(self.key), ".openexpertise"))
        self.folder.expect_own(is_chosen=bool(chosen))
        if (read_only or not creates) and not self.folder.exists():
            raise NotFoundError(f"no runs yet: '{self.folder.root}' holds no state.sqlite",
                                hint="`oe run` makes one; --data-dir names another place")
        if not read_only:
            self.folder.create()
        self.owner = this_process()
        self._lock: RunLock | None = None
        self.store: Store = SqliteStore.open(self.folder.database, read_only=read_only,
                                             durability="power" if durability == "power" else "process")

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the store and gives up the lock of the run that was carried out here."""
        self.store.close()
        self.unlock()

    def lock(self, run_id: str) -> bool:
        """Takes the run's lock for this process; False where a live process holds it."""
        self._lock = self.folder.lock(run_id, self.owner)
        return self._lock is not None

    def unlock(self) -> None:
        """Gives up the lock, if one is held."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def find_run(self, name: str) -> Run:
        """The run of that id, of that unique prefix, or the `latest`. Raises NotFoundError, UsageError."""
        if name == "latest":
            newest = self.store.find_runs(self.key, limit=1)
            if not newest:
                raise self.no_runs()
            return newest[0]
        exact = self.store.find_run(name) if is_run_id(name) else None
        if exact is not None and exact.experience == self.key:
            return exact
        found = self.store.find_runs(self.key, prefix=name, limit=3) if is_run_id(name) else []
        if not found:
            raise NotFoundError(f"no run '{name}'", hint="`oe runs` lists them")
        if len(found) > 1:
            raise UsageError(f"'{name}' is the beginning of several runs: {', '.join(run.run_id for run in found)}")
        return found[0]

    def no_runs(self) -> NotFoundError:
        """What is said where the experience has no runs: they belong to the path of its file, which may have moved."""
        moved = [run.experience for run in self.store.find_runs(None) if not os.path.exists(run.experience)]
        hint = "`oe run` makes one"
        if moved:
            hint = f"there are runs of '{moved[0]}', which is not there any more: runs belong to the path of their file"
        return NotFoundError("no runs yet", hint=hint)

    def living_runs(self) -> list[Run]:
        """Runs of this experience that a live process carries, newest first."""
        return [run for run in self.store.find_runs(self.key, limit=1000)
                if run.status == "running" and self.folder.liveness(run.run_id, run.owner) != "dead"]

    def status_of(self, run: Run) -> str:
        """The run's status, with `running` told apart from `interrupted` by the kernel lock of its owner."""
        if run.status == "running" and self.folder.liveness(run.run_id, run.owner) == "dead":
            return "interrupted"
        return run.status


def result_in_journal(workspace: Workspace, key: str) -> Entry | None:
    """What the journal keeps under a key, as a cache entry."""
    found = workspace.store.find_result(key)
    return None if found is None else entry_of(*found)


def entry_of(run_id: str, outcome: Outcome) -> Entry:
    """What a run's outcome gave, as a cache entry. A replay is as old as what it replayed."""
    from oe.ports.cache import Entry

    origin, products = outcome.details.get("cached"), outcome.details.get("produces")
    since = seconds_of_iso(str(origin.get("since"))) if isinstance(origin, Mapping) else outcome.finished_at
    return Entry(dict(outcome.writes), outcome.edge_output, outcome.metrics, maker_of(run_id, outcome), since,
                 outcome.slot, {}, {path: str(digest) for path, digest in products.items()}
                 if isinstance(products, Mapping) else {})


def maker_of(run_id: str, outcome: Outcome) -> str:
    """The run that carried out what a run's outcome gave: an earlier one where that was a replay."""
    origin = outcome.details.get("cached")
    return str(origin.get("run")) if isinstance(origin, Mapping) else run_id
