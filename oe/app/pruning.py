"""Taking out what is no longer wanted: old runs with their files, kept results, free pages. Never what a live process
uses, and, unless forced, never a run that can be resumed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from oe.app.experiences import find_file
from oe.app.host import settings_of
from oe.app.workspace import Workspace
from oe.errors import NotFoundError, OeError
from oe.ids import is_run_id
from oe.store.cache_admin import CacheFolder, KeptResult
from oe.store.data_folder import DataFolder
from oe.store.upkeep import Upkeep

if TYPE_CHECKING:
    from oe.ports.store import Run

_PAGE = 200

__all__ = [
    "CacheFolder", "CachePlan", "KeptResult", "Limits", "OldRun", "Plan", "Pruned", "open_cache", "plan_cache",
    "plan_pruning", "prune", "prune_cache",
]


class Limits(NamedTuple):
    """What is old: ended or made longer ago than `older_than_seconds`; beyond the newest `keep` runs; the oldest while
    there is more than `max_bytes`. None is no limit. `force`: runs that can be resumed go too."""

    older_than_seconds: float | None = None
    keep: int | None = None
    max_bytes: int | None = None
    force: bool = False


class OldRun(NamedTuple):
    """A run as it is pruned. `ts` is when it ended, or else began; `size_bytes` counts its files and about its rows."""

    run_id: str
    status: str
    ts: float
    size_bytes: int
    mark: tuple[str, int, float | None]


class CachePlan(NamedTuple):
    """What is to go from a cache: entries, and names of half-written files."""

    entries: list[KeptResult]
    drafts: list[str]
    size_bytes: int


class Plan(NamedTuple):
    """What is to go. `left_over` are ids whose files no run on record owns. Runs that stay are counted: those that are
    live, old ones that can be resumed, the newest ones that `keep` protects. `size_bytes` is the whole folder's."""

    runs: list[OldRun]
    cache: CachePlan
    left_over: list[str]
    running: int
    resumable: int
    recent: int
    size_bytes: int


class Pruned(NamedTuple):
    """What went. `freed` counts bytes given back to the disk: rows that are gone count when the database is rewritten
    (`shrunk`), until then new runs fill their place. `left` is what the whole data folder holds."""

    runs: list[OldRun]
    cache: CachePlan
    left_over: list[str]
    freed: int
    left: int
    shrunk: bool


def open_cache(path: str, data_dir: str | None) -> CacheFolder:
    """The cache of the experience at `path`. Raises NotFoundError where there is no experience; makes nothing."""
    find_file(path)
    place = settings_of(path, data_dir, os.environ)[0]
    folder = DataFolder(place.value)
    folder.expect_own(is_chosen=place.origin != "default")
    return CacheFolder(folder.cache)


def plan_cache(cache: CacheFolder, limits: Limits, now: float) -> CachePlan:
    """Entries that are too old or cannot be read, then the oldest ones while there are more than `max_bytes`."""
    going, staying = _split(cache.entries(), limits, now)
    if limits.max_bytes is not None:
        total = sum(entry.size_bytes for entry in staying)
        while staying and total > limits.max_bytes:
            total -= staying[-1].size_bytes
            going.append(staying.pop())
    return _cache_plan(cache, going, now)


def prune_cache(cache: CacheFolder, plan: CachePlan) -> int:
    """Takes out what is planned; how many bytes that freed."""
    return cache.remove(entry.key for entry in plan.entries) + cache.remove_drafts(plan.drafts)


def plan_pruning(workspace: Workspace, limits: Limits, now: float) -> Plan:
    """What is to go of the experience's runs and of the folder's cache. Changes nothing."""
    cache = CacheFolder(workspace.folder.cache)
    entries, fresh = _split(cache.entries(), limits, now)
    with Upkeep(workspace.folder.database, read_only=True) as upkeep:
        candidates, counts = _candidates(workspace, upkeep, limits, now)
        going, staying = _expired(candidates, limits, now)
        size = _size_of_folder(workspace.folder.root)
        if limits.max_bytes is not None:
            excess = size - limits.max_bytes
            excess -= sum(old.size_bytes for old in going) + sum(entry.size_bytes for entry in entries)
            more_runs, more_entries = _oldest(staying, fresh, excess)
            going, entries = going + more_runs, entries + more_entries
        left_over = _left_over(workspace.folder, upkeep.run_ids(), limits, now)
    return Plan(going, _cache_plan(cache, entries, now), left_over, *counts, size)


def prune(workspace: Workspace, plan: Plan) -> Pruned:
    """Takes out what is planned. The cache goes first, for that needs no room; a run goes under its own lock, and only
    if it is still what it was when it was planned. An interrupt leaves nothing half: the row goes before the files."""
    freed = prune_cache(CacheFolder(workspace.folder.cache), plan.cache)
    with Upkeep(workspace.folder.database) as upkeep:
        rows = upkeep.pages().whole
        removed = {run_id: _remove(workspace, run_id, mark) for run_id, mark in (
            *((old.run_id, old.mark) for old in plan.runs), *((run_id, None) for run_id in plan.left_over))}
        is_quiet = all(workspace.folder.liveness(run_id, owner) == "dead" for run_id, owner in upkeep.running())
        shrunk = is_quiet and upkeep.shrink()
        freed += sum(size or 0 for size in removed.values()) + max(0, rows - upkeep.pages().whole)
    return Pruned([old for old in plan.runs if removed[old.run_id] is not None], plan.cache,
                  [run_id for run_id in plan.left_over if removed[run_id] is not None],
                  freed, _size_of_folder(workspace.folder.root), shrunk)


def _split(entries: list[KeptResult], limits: Limits, now: float) -> tuple[list[KeptResult], list[KeptResult]]:
    """Entries that go in any case, and the others, newest first."""
    age = limits.older_than_seconds
    going = [entry for entry in entries if entry.fault is not None or (age is not None and now - entry.ts > age)]
    gone = {entry.key for entry in going}
    return going, [entry for entry in entries if entry.key not in gone]


def _cache_plan(cache: CacheFolder, entries: list[KeptResult], now: float) -> CachePlan:
    drafts = cache.drafts(now)
    return CachePlan(entries, drafts, sum(entry.size_bytes for entry in entries) + cache.size_of_drafts(drafts))


def _candidates(workspace: Workspace, upkeep: Upkeep, limits: Limits,
                now: float) -> tuple[list[OldRun], tuple[int, int, int]]:
    """The runs that may go, newest first, and how many may not: running, resumable, recent."""
    age = limits.older_than_seconds
    found: list[OldRun] = []
    running = resumable = recent = 0
    for number, run in enumerate(_runs(workspace)):
        status, ts = workspace.status_of(run), run.finished_at or run.started_at
        if status == "running":
            running += 1
        elif limits.keep is not None and number < limits.keep:
            recent += 1
        elif status != "success" and not limits.force:
            resumable += age is None or now - ts > age
        else:
            size = upkeep.size_of(run.run_id) + _size_of_run(workspace.folder, run.run_id)
            found.append(OldRun(run.run_id, status, ts, size, _mark(run)))
    return found, (running, resumable, recent)


def _runs(workspace: Workspace) -> Iterator[Run]:
    before = None
    while page := workspace.store.find_runs(workspace.key, before=before, limit=_PAGE):
        yield from page
        before = page[-1].run_id


def _mark(run: Run) -> tuple[str, int, float | None]:
    """What changes when a run is resumed."""
    return run.status, run.resumed, run.finished_at


def _expired(candidates: list[OldRun], limits: Limits, now: float) -> tuple[list[OldRun], list[OldRun]]:
    if limits.older_than_seconds is None:
        return (candidates, []) if limits.keep is not None and limits.max_bytes is None else ([], candidates)
    going = [old for old in candidates if now - old.ts > limits.older_than_seconds]
    return going, [old for old in candidates if now - old.ts <= limits.older_than_seconds]


def _oldest(runs: list[OldRun], entries: list[KeptResult], excess: int) -> tuple[list[OldRun], list[KeptResult]]:
    """The oldest of both until `excess` bytes are covered."""
    more_runs: list[OldRun] = []
    more_entries: list[KeptResult] = []
    everything: list[OldRun | KeptResult] = [*runs, *entries]
    for old in sorted(everything, key=lambda old: old.ts):
        if excess <= 0:
            break
        excess -= old.size_bytes
        if isinstance(old, OldRun):
            more_runs.append(old)
        else:
            more_entries.append(old)
    return more_runs, more_entries


def _left_over(folder: DataFolder, known: set[str], limits: Limits, now: float) -> list[str]:
    """Ids of files that no run owns, untouched for as long as runs are kept: a process died while it made or pruned the
    run. Without an age none, for these may be all that is left of a database that was moved away."""
    if limits.older_than_seconds is None:
        return []
    latest: dict[str, float] = {}
    for name in _names(f"{folder.root}/runs"):
        run_id = name.removesuffix(".jsonl").removesuffix(".live")
        if is_run_id(run_id) and run_id not in known:
            place = f"{folder.root}/runs/{name}"
            times = (status.st_mtime for status in _statuses(place))
            latest[run_id] = max(latest.get(run_id, 0.0), max(times, default=_changed(place, now)))
    return sorted(run_id for run_id, newest in latest.items() if now - newest > limits.older_than_seconds)


def _remove(workspace: Workspace, run_id: str, mark: tuple[str, int, float | None] | None) -> int | None:
    """Bytes of the run's files, which are gone; None where somebody carries it or it is not what `mark` says."""
    if not workspace.lock(run_id):
        return None
    try:
        run = workspace.store.find_run(run_id)
        if (None if run is None else _mark(run)) != mark:
            return None
        if run is not None:
            workspace.store.remove_run(run_id)
        return workspace.folder.remove_run(run_id)
    except NotFoundError:
        return None
    finally:
        workspace.unlock()


def _size_of_run(folder: DataFolder, run_id: str) -> int:
    places = (folder.run_folder(run_id), folder.event_log(run_id), folder.live(run_id))
    return sum(status.st_size for place in places for status in _statuses(place))


def _size_of_folder(root: str) -> int:
    """Without the files that SQLite keeps beside an open database: they go when it is closed."""
    passing = sum(status.st_size for ending in ("-wal", "-shm") for status in _statuses(f"{root}/state.sqlite{ending}"))
    return sum(status.st_size for status in _statuses(root)) - passing


def _statuses(place: str) -> Iterator[os.stat_result]:
    """Of a file, or of all files below a folder; what vanishes meanwhile is left out. Links are not followed."""
    for folder, _, files in () if os.path.islink(place) else os.walk(place):
        for name in files:
            try:
                yield os.lstat(f"{folder}/{name}")
            except FileNotFoundError:
                continue
    if os.path.islink(place) or os.path.isfile(place):
        yield os.lstat(place)


def _changed(place: str, now: float) -> float:
    try:
        return os.lstat(place).st_mtime
    except FileNotFoundError:
        return now


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise OeError(f"cannot read '{folder}': {(error.strerror or str(error)).lower()}") from error
