"""Another process's side of a live run: what it is doing, by its live file, and requests to its owner. Of a run that is
over, the same picture from the truth. Changes nothing but for the requests that it leaves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from oe.app.inspection import expect_node, recorded_experience
from oe.app.live import STILL_SECONDS, TURN_SECONDS
from oe.app.workspace import Workspace
from oe.clock import SystemClock, seconds_of_iso
from oe.errors import NotFoundError, OeError
from oe.ports.committed import committed_events
from oe.state.events import Event
from oe.state.run_state import RunState
from oe.state.snapshot import Moment, Snapshot, interrupted, take_snapshot
from oe.store.log_reading import starts
from oe.text import format_age
from oe.values import JsonObject

if TYPE_CHECKING:
    from oe.ports.store import Run
    from oe.state.facts import UnitFacts

FRESH_SECONDS = 5 * STILL_SECONDS
"""A live file that is older was left by an owner that cannot write any more."""
_WAIT_SECONDS = 2.0
_ANSWER_SECONDS = 10.0


class Look(NamedTuple):
    """A run at a moment. `is_live`: its owner told it; `note` says what a person should know of where it comes from."""

    snapshot: Snapshot
    is_live: bool
    note: str | None = None


def look_at(workspace: Workspace, run: Run, wait: Callable[[], None]) -> Look:
    """What a run is doing, or how it ended. `wait` is called between looks at a live file that is not there yet, or not
    fresh. Raises OeError where the record of the run cannot be read."""
    status = workspace.status_of(run)
    until = time.monotonic() + _WAIT_SECONDS
    while status == "running":
        found = read_live(workspace, run)
        if found is not None and found[1] <= FRESH_SECONDS:
            return Look(moved_on(*found), is_live=True)
        if time.monotonic() >= until:
            return _from_silent_owner(workspace, run, found)
        wait()
        run = workspace.find_run(run.run_id)
        status = workspace.status_of(run)
    return _from_truth(workspace, run, status)


def follow(workspace: Workspace, run: Run, wait: Callable[[], None]) -> Iterator[Look]:
    """Every new picture of a run until it is over, which is the last."""
    seen: float | None = None
    while True:
        look = look_at(workspace, workspace.find_run(run.run_id), wait)
        if look.snapshot.taken_at != seen:
            seen = look.snapshot.taken_at
            yield look
        if not is_going_on(look):
            return
        wait()


def is_going_on(look: Look) -> bool:
    """Whether the run went on at that moment."""
    return look.snapshot.root.status in ("running", "cancelling")


def ask_to_cancel(workspace: Workspace, run: Run, node: str | None, wait: Callable[[], None]) -> JsonObject:
    """Asks the owner of a run to end it, or one node or slot of it, and gives its answer: `{"run": true}`, or `slots`
    (the first of them) and their `count`.

    Raises NotFoundError where the run, or anything of that name in it, is not going on, OeError where no answer comes.
    """
    expect_running(workspace, run)
    if node is not None:
        expect_node(run, node)
    number = workspace.store.ask_to_cancel(run.run_id, node, SystemClock().now())
    until = time.monotonic() + _ANSWER_SECONDS
    while (answer := workspace.store.find_answer(number)) is None:
        expect_running(workspace, workspace.find_run(run.run_id))
        if time.monotonic() >= until:
            raise OeError(f"process {run.owner.pid} on {run.owner.host} has not answered for {_ANSWER_SECONDS:g}s; it "
                          "will obey as soon as its event loop can", code="no-answer",
                          hint=f"`oe dump {run.run_id}` says what holds it; `kill {run.owner.pid}` twice ends it")
        wait()
    if node is not None and not answer.get("count"):
        raise NotFoundError(f"nothing of '{node}' is going on in run '{run.run_id}'",
                            hint=f"`oe dump {run.run_id}` shows what is")
    return answer


def expect_running(workspace: Workspace, run: Run) -> None:
    """Raises NotFoundError where the run is not going on."""
    status = workspace.status_of(run)
    if status == "interrupted":
        raise NotFoundError(f"run '{run.run_id}' is interrupted: its process is gone", code="not-running",
                            hint=f"`oe resume --run-id {run.run_id}` goes on from there")
    if status != "running":
        raise NotFoundError(f"run '{run.run_id}' is not going on: it ended, {status}", code="not-running")


def read_live(workspace: Workspace, run: Run) -> tuple[Snapshot, float] | None:
    """What the live file holds, and its age in seconds."""
    from oe.state.snapshot_values import snapshot_from

    found = workspace.folder.read_live(run.run_id)
    if found is None:
        return None
    try:
        snapshot = snapshot_from(json.loads(found[0]))
    except (ValueError, RecursionError):
        return None
    return None if snapshot is None else (snapshot, max(0.0, SystemClock().now() - found[1]))


def moved_on(snapshot: Snapshot, age: float) -> Snapshot:
    """As it would be told now: what is written again only for good measure has not changed since."""
    if age > STILL_SECONDS + TURN_SECONDS:
        return snapshot
    seen = snapshot.loop_seen_at
    return snapshot._replace(taken_at=snapshot.taken_at + age, loop_seen_at=None if seen is None else seen + age)


def _from_silent_owner(workspace: Workspace, run: Run, found: tuple[Snapshot, float] | None) -> Look:
    owner = f"process {run.owner.pid} on {run.owner.host}"
    advice = (f"it is stopped, or code holds its interpreter; `kill -USR1 {run.owner.pid}` makes it print its stacks "
              "where its standard error goes")
    if found is not None:
        return Look(found[0], is_live=True, note=f"{owner} last told this {format_age(found[1])} ago: {advice}")
    return Look(_from_truth(workspace, run, "running").snapshot, is_live=False,
                note=f"{owner} has told nothing, this is what it has committed: {advice}")


def _from_truth(workspace: Workspace, run: Run, status: str) -> Look:
    from oe.app.experiences import kinds_by_name
    from oe.plan.graph import Graph
    from oe.state.facts import facts_of

    experience = recorded_experience(run)
    facts = facts_of(Graph(experience), kinds_by_name())
    state = RunState(experience.units)
    state.apply(Event("run.started", run.started_at))
    ended = _apply_journal(workspace, run, state)
    if run.finished_at is None:
        _apply_starts(workspace, run, state, ended)
    last = state.changed_at
    if status != "running":
        state.apply(Event("run.finished", run.finished_at or last, data={"status": status}))
    snapshot = _taken(state, facts, run, last)
    if status == "interrupted":
        return Look(interrupted(snapshot), is_live=False,
                    note=f"run '{run.run_id}' is interrupted: its process is gone; "
                         f"`oe resume --run-id {run.run_id}` goes on from there")
    age = format_age(SystemClock().now() - (run.finished_at or last))
    return Look(snapshot, is_live=False, note=f"run '{run.run_id}' ended {age} ago: {status}")


def _taken(state: RunState, facts: dict[str, UnitFacts], run: Run, last: float) -> Snapshot:
    return take_snapshot(state, facts, Moment(run.run_id, run.name, run.finished_at or last))


def _apply_journal(workspace: Workspace, run: Run, state: RunState) -> set[str]:
    """What is committed. The slots inside units that have ended, where somebody may want to know."""
    ended: set[str] = set()
    for outcome in workspace.store.journal(run.run_id):
        if state.unit(outcome.slot) is not None and outcome.status != "skipped":
            state.apply(Event("node.started", outcome.started_at, outcome.slot, outcome.attempt or None))
        elif run.finished_at is None and outcome.status != "retrying":
            ended.add(outcome.slot)
        for event in committed_events(outcome):
            state.apply(event)
    return ended


def _apply_starts(workspace: Workspace, run: Run, state: RunState, ended: set[str]) -> None:
    """What had begun and has not ended, which only the log knows."""
    for record in starts(workspace.folder.event_log(run.run_id)):
        slot, attempt, index, items = (record.get(name) for name in ("slot", "attempt", "index", "items"))
        unit = state.unit(str(slot))
        if str(slot) in ended or (unit is not None and unit.status not in ("pending", "running")):
            continue
        state.apply(Event("node.started", seconds_of_iso(str(record["ts"])), str(slot),
                          attempt if isinstance(attempt, int) else None, index if isinstance(index, int) else None,
                          data={"items": items} if isinstance(items, int) else {}))
