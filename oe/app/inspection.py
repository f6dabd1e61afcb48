"""Looking at runs that are or were: logs, listings, state. Mends the log of a dead run, and changes nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from oe.app.experiences import find_file, read_document
from oe.app.workspace import Workspace
from oe.clock import SystemClock, iso, seconds_of_iso
from oe.errors import NotFoundError, OeError
from oe.ids import node_of
from oe.store.log_reading import Logged, Tail, last_event, sorted_events, started_slots
from oe.text import did_you_mean
from oe.values import Json, JsonObject

if TYPE_CHECKING:
    from oe.plan.graph import Graph
    from oe.ports.store import HistoryEntry, Run
    from oe.spec.model import Experience

_STEP = re.compile(r"([^\[/]+)(?:\[(\d+)\])?(/|$)")


class Page(NamedTuple):
    """A page of runs, newest first, as they stand in `--json`; `next` is the id to go on before, or None."""

    runs: list[JsonObject]
    next: str | None


class NodeLog(NamedTuple):
    """What one slot printed; `slot` ends in `…` where it is too long for a file name."""

    slot: str
    path: str


def open_workspace(path: str, data_dir: str | None) -> Workspace:
    """The runs of the experience at `path`, to be read. Raises NotFoundError where nothing has been run."""
    return Workspace(find_file(path), data_dir, read_only=True)


def find_workspace(path: str, data_dir: str | None, *, read_only: bool = True) -> Workspace | None:
    """As `open_workspace`, but None where nothing has been run. With `read_only` False it may be written to."""
    try:
        workspace = open_workspace(path, data_dir)
    except NotFoundError:
        find_file(path)
        return None
    if read_only:
        return workspace
    workspace.close()
    return Workspace(find_file(path), data_dir)


def list_runs(workspace: Workspace, limit: int, before: str | None) -> Page:
    """One page of the runs of an experience. Raises NotFoundError for a `before` that is no run of it."""
    if before is not None:
        before = workspace.find_run(before).run_id
    found = workspace.store.find_runs(workspace.key, before=before, limit=limit + 1)
    page = found[:limit]
    return Page([_listed(workspace, run) for run in page], page[-1].run_id if len(found) > limit else None)


def is_over(workspace: Workspace, run_id: str) -> bool:
    """Whether nothing more will come: the run has ended, or its process is gone."""
    return workspace.status_of(workspace.find_run(run_id)) != "running"


def events(workspace: Workspace, run: Run, warn: Callable[[str], None]) -> Iterator[Logged]:
    """The events of a run by time. The log of a run whose process is gone is mended first."""
    mend_log(workspace, run, warn)
    try:
        yield from sorted_events(workspace.folder.event_log(run.run_id))
    except FileNotFoundError:
        warn(f"run '{run.run_id}' has no event log")


def follow_events(workspace: Workspace, run: Run, wait: Callable[[], None],
                  warn: Callable[[str], None]) -> Iterator[Logged]:
    """The events of a run in the order of its log, as they come, until the run is over. `wait` is called in between."""
    tail = Tail(workspace.folder.event_log(run.run_id), run.run_id)
    while not is_over(workspace, run.run_id):
        yield from tail.read()
        wait()
    mend_log(workspace, run, warn)
    yield from tail.read()


def mend_log(workspace: Workspace, run: Run, warn: Callable[[str], None]) -> None:
    """Makes the log whole again where the run's process died or could not write it. Where that is not
    possible it stays as it is, with a warning; a log whose run is alive is not touched."""
    run = workspace.find_run(run.run_id)
    path = workspace.folder.event_log(run.run_id)
    if workspace.status_of(run) == "running":
        return
    try:
        if _is_whole(path, run) or not workspace.lock(run.run_id):
            return
        try:
            _rebuild(workspace, workspace.find_run(run.run_id), path, warn)
        finally:
            workspace.unlock()
    except OeError as error:
        warn(f"the log is shown as it is, events may be missing: {error.message}")


def node_logs(workspace: Workspace, run: Run, node: str | None, *, by_start: bool) -> list[NodeLog]:
    """What the nodes of a run printed; of one node, or of one slot. `by_start`: in the order in which they first
    started, for which the event log is read; otherwise by name. Raises NotFoundError for an unknown name."""
    found = [NodeLog(slot, path) for slot, path in workspace.folder.node_logs(run.run_id)]
    if node is not None:
        found = [log for log in found if _is_of(log.slot, node)]
        if not found:
            expect_node(run, node)
    if by_start and len(found) > 1:
        order = {slot: place for place, slot in enumerate(started_slots(workspace.folder.event_log(run.run_id)))}
        found.sort(key=lambda log: order.get(log.slot, len(order)))
    return found


def state_of_run(workspace: Workspace, run: Run) -> JsonObject:
    """The final state of a run that has ended, else the fold of what is committed, over the run's recorded spec."""
    if run.state is not None:
        return run.state
    from oe.plan.graph import Graph
    from oe.state.ledger import Ledger

    experience = recorded_experience(run)
    graph = Graph(experience)
    ledger = Ledger(graph, experience.fields, run.base)
    for outcome in workspace.store.journal(run.run_id):
        place = place_of(graph, experience, outcome.slot) if outcome.writes and outcome.status == "success" else None
        if place is not None:
            ledger.record(place[0], place[1], outcome.writes)
    return ledger.final()


def history_of_run(workspace: Workspace, run: Run, field: str | None, *, is_nested: bool) -> Iterator[HistoryEntry]:
    """Every committed write of a run, or those to one field, in commit order; with `is_nested` those of nested
    experiences too, whose fields are their own."""
    experience = recorded_experience(run)
    for entry in workspace.store.history(run.run_id, field):
        if is_nested or not _is_nested(experience, entry.slot):
            yield entry


def declared_fields(run: Run) -> dict[str, bool]:
    """The state fields that the run's spec declares, and whether each persists."""
    import json

    return _declared(json.loads(run.spec))


def latest_spec_fields(workspace: Workspace) -> dict[str, bool]:
    """`declared_fields` of the latest run, or of the file where there is none: it has been run as a part of another
    experience, or its runs have been pruned."""
    newest = workspace.store.find_runs(workspace.key, limit=1)
    if newest:
        return declared_fields(newest[0])
    try:
        return _declared(read_document(workspace.key).value)
    except OeError:
        return {}


def _declared(spec: Json) -> dict[str, bool]:
    state = spec.get("state") if isinstance(spec, dict) else None
    schema = state.get("schema") if isinstance(state, dict) else None
    if not isinstance(schema, dict) or not isinstance(state, dict):
        return {}
    every = bool(state.get("persist"))
    return {name: bool(field.get("persist", every)) if isinstance(field, dict) else every
            for name, field in schema.items()}


def _listed(workspace: Workspace, run: Run) -> JsonObject:
    status = workspace.status_of(run)
    ended = run.finished_at if run.finished_at is not None else SystemClock().now() if status == "running" else None
    return {
        "run_id": run.run_id, "name": run.name, "version": run.version, "status": status, "reason": run.reason,
        "started_at": iso(run.started_at), "finished_at": None if run.finished_at is None else iso(run.finished_at),
        "duration_ms": None if ended is None else round(max(0.0, ended - run.started_at) * 1000, 1),
        "resumed": run.resumed, "selection": run.selection, "totals": run.totals,
    }


def latest_moment(workspace: Workspace, run: Run) -> float:
    """When the run was last heard of: what comes next comes later, even where the clock was stepped back meanwhile. A
    log that cannot be read is told of when it is opened to be mended."""
    logged = 0.0
    with suppress(OSError, OeError, ValueError):
        last = last_event(workspace.folder.event_log(run.run_id), run.run_id)
        logged = seconds_of_iso(str(last.get("ts"))) if last is not None else 0.0
    return max(run.started_at, run.finished_at or 0.0, logged)


def _is_whole(path: str, run: Run) -> bool:
    """Whether the log ends as the run did: it is brought up to date before its last line is written."""
    if run.finished_at is None:
        return False
    last = last_event(path, run.run_id)
    return last is not None and last.get("type") == "run.finished" and last.get("ts") == iso(run.finished_at)


def _rebuild(workspace: Workspace, run: Run, path: str, warn: Callable[[str], None]) -> None:
    from oe.ports.committed import log_of
    from oe.redact import Redactor, secrets_of
    from oe.state.events import Event
    from oe.store.event_log import JsonlLog

    log = JsonlLog(path, run.run_id, redactor=Redactor(secrets_of(os.environ)),
                   on_trouble=lambda error: warn(f"the log is shown as it is, events may be missing: {error.message}"))
    try:
        added = log.repair(log_of(workspace.store.everything(run.run_id)))
        if added:
            log.append([Event("log.repaired", SystemClock().now(), data={"added": added})], flush=True)
    finally:
        log.close()


def _is_of(slot: str, name: str) -> bool:
    return slot == name or node_of(slot) == name or slot.startswith((name + "[", name + "/"))


def expect_node(run: Run, name: str) -> None:
    """Raises NotFoundError for a name that means neither a node or unit of the run nor a slot of one."""
    experience = recorded_experience(run)
    known = set(experience.nodes) | set(experience.units)
    if known & {name, node_of(name), name.partition("[")[0].partition("/")[0]}:
        return
    raise NotFoundError(f"run '{run.run_id}' has no node '{name}'",
                        hint=did_you_mean(name, known) or f"its nodes are: {', '.join(sorted(known)[:20])}")


def recorded_experience(run: Run) -> Experience:
    """The experience as the run knows it. Files that it refers to may have changed or gone since: they do not count."""
    import json

    from oe.kinds import KINDS
    from oe.lang.document import Document
    from oe.spec.build import build
    from oe.spec.reading import Reading
    from oe.spec.report import Report
    from oe.store.local_files import LocalFiles

    document = Document(run.experience, run.spec, json.loads(run.spec))
    files = LocalFiles(os.path.dirname(run.experience))
    experience = build(Reading(Report(document), KINDS, files), document)
    if experience is None:
        raise OeError(f"the recorded spec of run '{run.run_id}' cannot be read")
    return experience


def place_of(graph: Graph, experience: Experience, slot: str) -> tuple[int, tuple[int, ...]] | None:
    """Rank and position of an outcome; None for a slot inside a child experience."""
    steps = [(name, int(index) if index else None) for name, index, _ in _STEP.findall(slot)]
    name, index = steps[0]
    rank = graph.rank.get(name)
    if rank is None:
        return None
    position = () if index is None else (index,)
    if len(steps) == 1:
        return rank, position
    members = _members(experience, name)
    return (rank, (*position, members.index(steps[1][0]))) if len(steps) == 2 and steps[1][0] in members else None


def _is_nested(experience: Experience, slot: str) -> bool:
    """Whether a slot is inside a nested experience. The unit may be one that the experience does not have any more."""
    unit, _, below = slot.partition("/")
    if unit.partition("[")[0] in experience.nodes:
        return bool(below)
    return "/" in below or bool(below and "[" not in unit)


def _members(experience: Experience, unit: str) -> tuple[str, ...]:
    if unit in experience.pipelines:
        return experience.pipelines[unit].stages
    return experience.loops[unit].body if unit in experience.loops else ()


def as_history(entry: HistoryEntry) -> JsonObject:
    """One write as it stands in `--history`."""
    return {"slot": entry.slot, "attempt": entry.attempt, "field": entry.field, "ts": iso(entry.ts),
            "delta": entry.delta}
