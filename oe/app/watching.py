"""A run as a dashboard sees it, from any process: the live file for what is going on, the event log for everything
else, the truth once it is over. Never waits for the run; changes nothing but for the requests that it leaves."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from oe.app.attach import FRESH_SECONDS, expect_running, look_at, moved_on, read_live
from oe.app.experiences import kinds_by_name
from oe.app.inspection import expect_node, mend_log, recorded_experience
from oe.app.slot_details import Section, details_of
from oe.app.workspace import Workspace
from oe.clock import SystemClock, seconds_of_iso
from oe.plan.graph import Graph
from oe.render.events import event_line
from oe.state.diagnosis import Finding, diagnose
from oe.state.events import Event
from oe.state.facts import facts_of
from oe.state.run_state import RunState
from oe.state.snapshot import LIVE, Budget, Moment, Scope, Snapshot, take_snapshot
from oe.store.log_reading import Logged, Tail
from oe.text import clip, format_age, plural
from oe.values import JsonObject

if TYPE_CHECKING:
    from oe.ports.store import Run

__all__ = ["Picture", "Section", "Watch"]

_STATUS_SECONDS = 1.0
_READING_SECONDS = 0.25
"""How often there is a picture while the log is read: of a large run one costs more than reading."""
_MOST_RECORDS = 5000
_MOST_ERRORS = 1000
_LONGEST_ERROR = 300
_NOTHING: Mapping[str, str] = MappingProxyType({})
_HEAD = frozenset({"type", "run_id", "ts", "seq", "node_id", "slot", "attempt", "index", "phase"})


class Picture(NamedTuple):
    """A run at a moment, and what a snapshot does not know of it. `is_live`: it is going on; `is_fresh`: its owner has
    told so just now; `note` is what a person should know of where this comes from; `slots` are the attempts that go on;
    `reading` counts the events that have been read where the log has not been read to its end; `errors` are the last
    messages of slots that failed, which a snapshot only names; `ended_at` is when a run that is over ended."""

    snapshot: Snapshot
    is_live: bool = True
    is_fresh: bool = True
    note: str | None = None
    tokens: int = 0
    tokens_saved: int = 0
    cost_usd: float = 0.0
    unpriced_calls: int = 0
    slots: int = 0
    findings: Sequence[Finding] = ()
    reading: int | None = None
    errors: Mapping[str, str] = _NOTHING
    ended_at: float | None = None


class Watch:
    """Follows one run. Every method returns soon; none is safe from another thread."""

    def __init__(self, workspace: Workspace, run: Run) -> None:
        """Raises OeError where the record of the run cannot be read."""
        self._workspace = workspace
        self._clock = SystemClock()
        self._lines: deque[JsonObject] = deque(maxlen=_MOST_RECORDS)
        self._requests: list[tuple[int, str | None]] = []
        self._told_seq = 0
        self._begin(run)

    def _begin(self, run: Run) -> None:
        self.run = run
        experience = recorded_experience(run)
        self._facts = facts_of(Graph(experience), kinds_by_name())
        self._state = RunState(experience.units)
        self._state.started_at = run.started_at
        budget, over = experience.runtime.budget, run.models.get("budget")
        self._limits: dict[str, object] = {**(budget._asdict() if budget is not None else {}),
                                           **(over if isinstance(over, Mapping) else {})}
        self._errors: dict[str, str] = {}
        self._tail = Tail(self._workspace.folder.event_log(run.run_id), run.run_id)
        self._reading: Iterator[Logged] | None = None
        self._read_events = 0
        self._status = ""
        self._looked_at = 0.0
        self._told: tuple[object, ...] = ()
        self._told_at = 0.0
        self._ended: Picture | None = None

    def poll(self, seconds: float) -> Picture | None:
        """The run as it is now, or None where nothing has changed since the last time. Reads the log for so many
        seconds at most. Raises OeError."""
        now = time.monotonic()
        if now - self._looked_at >= _STATUS_SECONDS or not self._status:
            self._looked_at = now
            self._look()
        is_reading = self._read(now + seconds)
        if self._status != "running":
            told: tuple[object, ...] = (self._status, self._state.changes)
            return self._tell(told, is_reading=is_reading, found=None)
        found = read_live(self._workspace, self.run)
        is_fresh = found is not None and found[1] <= FRESH_SECONDS
        told = (self._status, self._state.changes, is_fresh, found[0].taken_at if found is not None else None)
        return self._tell(told, is_reading=is_reading, found=found)

    def lines(self) -> list[str]:
        """The events that have come since the last time, as lines; of very many the last."""
        records, self._lines = self._lines, deque(maxlen=_MOST_RECORDS)
        return list(map(event_line, records))

    def details(self, slot: str) -> list[Section]:
        """What is known of a slot. Raises OeError."""
        return details_of(self._workspace, self.run, slot)

    def ask_to_cancel(self, node: str | None) -> None:
        """Leaves a request for the owner of the run; `answers` gives what comes of it. Raises OeError."""
        expect_running(self._workspace, self._workspace.find_run(self.run.run_id))
        if node is not None:
            expect_node(self.run, node)
        with Workspace(self._workspace.key, self._workspace.folder.root) as writable:
            self._requests.append((writable.store.ask_to_cancel(self.run.run_id, node, self._clock.now()), node))

    def answers(self) -> list[str]:
        """What has come of requests since the last time."""
        said: list[str] = []
        for number, node in list(self._requests):
            answer = self._workspace.store.find_answer(number)
            if answer is None:
                continue
            self._requests.remove((number, node))
            count = answer.get("count")
            if node is None:
                said.append("the run is being cancelled")
            elif not count:
                said.append(f"nothing of '{node}' is going on")
            else:
                said.append(f"being cancelled: {node}" + (f" ({plural(count, 'slot')})" if count not in (1, True)
                                                          and isinstance(count, int) else ""))
        return said

    def _look(self) -> None:
        run = self._workspace.find_run(self.run.run_id)
        if run.resumed != self.run.resumed:
            self._begin(run)
        self.run = run
        status = self._workspace.status_of(run)
        if status not in ("running", self._status):
            mend_log(self._workspace, run, lambda _: None)
        if status != self._status:
            self._ended = None
        self._status = status

    def _read(self, until: float) -> bool:
        """Takes what the log has; whether there is more."""
        if self._reading is None:
            self._reading = self._tail.read()
        for text, record in self._reading:
            del text
            self._read_events += 1
            self._note_line(record)
            self._note_error(record)
            self._state.apply(_event(record))
            if time.monotonic() >= until:
                return True
        self._reading = None
        return False

    def _note_line(self, record: JsonObject) -> None:
        """A log is read from its beginning again when the run is resumed; each line is told once."""
        seq = record.get("seq")
        if isinstance(seq, int) and seq > self._told_seq:
            self._told_seq = seq
            self._lines.append(record)

    def _note_error(self, record: JsonObject) -> None:
        if record.get("type") in ("node.failed", "node.retrying"):
            slot = str(record.get("slot"))
            self._errors.pop(slot, None)
            self._errors[slot] = clip(str(record.get("error", "")), _LONGEST_ERROR)
            if len(self._errors) > _MOST_ERRORS:
                del self._errors[next(iter(self._errors))]

    def _budgets(self, snapshot: Snapshot) -> Snapshot:
        """With the budgets of the run that nobody has been warned of yet."""
        known = {budget.name for budget in snapshot.budgets}
        state = self._state
        spent = {"usd": state.cost_usd, "tokens": state.input_tokens + state.output_tokens, "calls": state.calls}
        more = (Budget(f"run {key}", spent[key], limit) for key, limit in self._limits.items()
                if isinstance(limit, int | float) and key in spent and f"run {key}" not in known)
        return snapshot._replace(budgets=(*more, *snapshot.budgets))

    def _tell(self, told: tuple[object, ...], *, is_reading: bool,
              found: tuple[Snapshot, float] | None) -> Picture | None:
        told = (*told, is_reading)
        if told == self._told or (is_reading and time.monotonic() - self._told_at < _READING_SECONDS):
            return None
        self._told = told
        state = self._state
        picture = self._live(found) if self._status == "running" else self._over()
        totals = self.run.totals if self.run.finished_at is not None else state.totals()
        numbers = [totals.get(name) for name in ("tokens_in", "tokens_out", "tokens_saved", "cost_usd",
                                                    "unpriced_calls")]
        known = [value if isinstance(value, int | float) else 0 for value in numbers]
        tokens_in, tokens_out, saved, cost, unpriced = known
        self._told_at = time.monotonic()
        return picture._replace(tokens=int(tokens_in + tokens_out), tokens_saved=int(saved), cost_usd=float(cost),
                                unpriced_calls=int(unpriced), errors=self._errors,
                                reading=self._read_events if is_reading else None,
                                snapshot=self._budgets(picture.snapshot))

    def _over(self) -> Picture:
        """From the truth, which is read once: the log adds messages and totals."""
        if self._ended is None:
            self._ended = self._from_truth()
        return self._ended

    def _from_truth(self) -> Picture:
        look = look_at(self._workspace, self.run, lambda: time.sleep(0))
        ended_at = self.run.finished_at
        return Picture(look.snapshot, is_live=False, is_fresh=False, ended_at=ended_at,
                       note=look.note if ended_at is None else None)  # an age would not stay true

    def _live(self, found: tuple[Snapshot, float] | None) -> Picture:
        now = self._clock.now()
        mine = take_snapshot(self._state, self._facts, Moment(self.run.run_id, self.run.name, now))
        if found is None:
            return Picture(mine, slots=_slots(mine))
        live, age = found
        if age > FRESH_SECONDS:
            owner = self.run.owner
            note = (f"process {owner.pid} on {owner.host} last told this {format_age(age)} ago: it is stopped, or code "
                    "holds its interpreter")
            return Picture(_merged(mine, live, live.taken_at), is_fresh=False, note=note)
        findings = diagnose(moved_on(live, age))
        snapshot = _merged(mine, live, now)
        return Picture(snapshot, slots=_slots(snapshot), findings=findings)


def _event(record: JsonObject) -> Event:
    """The event that a line of the log tells."""
    slot, attempt, index, phase = (record.get(name) for name in ("slot", "attempt", "index", "phase"))
    try:
        ts = seconds_of_iso(str(record.get("ts")))
    except ValueError:
        ts = 0.0
    return Event(str(record.get("type")), ts, None if slot is None else str(slot),
                 attempt if isinstance(attempt, int) else None, index if isinstance(index, int) else None,
                 None if phase is None else str(phase), {key: record[key] for key in record if key not in _HEAD})


def _merged(mine: Snapshot, live: Snapshot, now: float) -> Snapshot:
    """The owner's picture, which knows best what is going on, with the units that it only counts."""
    theirs = {part.name: part for part in live.root.parts}
    parts = tuple(_newer(part, theirs.get(part.name), live.taken_at) for part in mine.root.parts)
    return live._replace(taken_at=now, root=live.root._replace(parts=parts))


def _newer(mine: Scope, live: Scope | None, told_at: float) -> Scope:
    if live is None:
        return mine
    has_ended = mine.status not in LIVE and mine.status != "pending"
    if has_ended and (live.status in LIVE or live.status == "pending"):
        return mine if (mine.started_at or told_at) + (mine.seconds or 0.0) >= told_at else live
    return live


def _slots(snapshot: Snapshot) -> int:
    """The attempts that are going on."""
    found = 0
    for unit in snapshot.root.parts:
        if unit.status in LIVE:
            inside = sum(part.status in ("running", "cancelling") for part in unit.parts if part.level != "call")
            found += unit.counts.running if unit.counts is not None else inside or unit.status != "retrying"
    return found


