"""What a run is doing at a moment, as one immutable tree: run, units, items, attempts, calls.

Taken from the run's state, which another thread may be changing: everything is copied first, and a copy that the change
spoils is made again. Settled work is only counted, so a snapshot is as large as what is going on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, TypeVar

from oe.state.facts import UNKNOWN_NODE, UNKNOWN_UNIT, NodeFacts, UnitFacts
from oe.state.run_state import CHARACTERS_PER_TOKEN, MOST_NESTED, Activity, RunState, UnitState, Wait

if TYPE_CHECKING:
    from oe.spec.model import TaskKind

T = TypeVar("T")

Level: TypeAlias = Literal["run", "unit", "item", "task", "call"]
ScopeStatus: TypeAlias = Literal[
    "pending", "running", "retrying", "cancelling", "ok", "cached", "failed", "skipped", "cancelled", "parked",
    "partial", "interrupted"]
LIVE = frozenset({"running", "retrying", "cancelling"})
_COPIES = 100
_new_scope = tuple.__new__
_WORDS: dict[str, ScopeStatus] = {"success": "ok"}
_NO_FACTS: Mapping[str, UnitFacts] = {}


class Counts(NamedTuple):
    """How many parts of a scope stand how; `total` is all of them, as far as that is known."""

    total: int = 0
    ok: int = 0
    cached: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0
    running: int = 0
    retrying: int = 0
    pending: int = 0
    interrupted: int = 0


class Scope(NamedTuple):
    """One scope or task, with what is in it. A slot and its present attempt are one, as a slot has one at a time.

    Times are seconds since the epoch. `moved_at` is the last sign of life; `due_at` the next attempt of one that waits;
    `error` the name of the last error; `reason` why it was skipped or is being cancelled; `waits_for` the units that
    keep a pending one; `tail` the end of what it has streamed. `parts` are those that are worth telling of: `counts`
    knows how many there are of the others.
    """

    name: str
    level: Level
    kind: TaskKind
    status: ScopeStatus
    started_at: float | None = None
    attempt: int = 0
    attempts: int = 1
    deadline_at: float | None = None
    moved_at: float | None = None
    pct: float | None = None
    message: str | None = None
    tokens: int = 0
    due_at: float | None = None
    error: str | None = None
    reason: str | None = None
    seconds: float | None = None
    waits_for: tuple[str, ...] = ()
    counts: Counts | None = None
    parts: tuple[Scope, ...] = ()
    tail: str = ""


class Call(NamedTuple):
    """A process or a call that an attempt has open."""

    slot: str
    kind: TaskKind
    name: str
    started_at: float


class Notable(NamedTuple):
    """One of the last moments that a diagnosis looks at: a retry, a clean-up in trouble."""

    type: str
    slot: str
    ts: float
    text: str


class Budget(NamedTuple):
    """How much of a limit is spent."""

    name: str
    spent: float
    limit: float


class Moment(NamedTuple):
    """What is known of a run beside its state. `stopping` is why it is being stopped; `asked` are the slots that are
    being cancelled one by one; `loop_seen_at` is when the event loop last took its turn."""

    run_id: str
    name: str
    now: float
    deadline_at: float | None = None
    loop_seen_at: float | None = None
    stopping: str | None = None
    stopping_since: float | None = None
    asked: frozenset[str] = frozenset()
    calls: tuple[Call, ...] = ()
    abandoned: tuple[str, ...] = ()
    concurrency: int | None = None


class Snapshot(NamedTuple):
    """A run at a moment. `abandoned` are calls that were given up and still hold a thread; `concurrency` is how many
    units may go on at once."""

    run_id: str
    taken_at: float
    root: Scope
    loop_seen_at: float | None = None
    changed_at: float | None = None
    stopping_since: float | None = None
    abandoned: tuple[str, ...] = ()
    recent: tuple[Notable, ...] = ()
    budgets: tuple[Budget, ...] = ()
    concurrency: int | None = None


def take_snapshot(state: RunState, facts: Mapping[str, UnitFacts], moment: Moment, most: int | None = None,
                  nested: Mapping[str, UnitFacts] = _NO_FACTS) -> Snapshot:
    """The run now. `nested` has facts of units of nested experiences, by slot, as far as they are known. At most `most`
    parts of each scope are taken one by one: what is going on before what failed, that before the rest; the others are
    counted. May be called from any thread."""
    return _Taking(state, {**nested, **facts} if nested else facts, moment, most).snapshot(nested)


def interrupted(snapshot: Snapshot) -> Snapshot:
    """The same of a run whose process is gone: what was going on is not."""
    return snapshot._replace(root=_interrupted(snapshot.root))


def _interrupted(scope: Scope) -> Scope:
    """Scopes are nested as deep as a snapshot has levels."""
    counts = scope.counts
    if counts is not None:
        counts = counts._replace(running=0, retrying=0, interrupted=counts.running + counts.retrying)
    status: ScopeStatus = "interrupted" if scope.status in LIVE else scope.status
    return scope._replace(status=status, counts=counts, parts=tuple(map(_interrupted, scope.parts)))


def copied(take: Callable[[], T]) -> T:
    """What `take` gives; asked again where somebody changed its source meanwhile."""
    for _ in range(_COPIES):
        try:
            return take()
        except RuntimeError:  # "dictionary changed size during iteration", and the like
            continue
    return take()


class _Taking:
    """One snapshot in the making."""

    def __init__(self, state: RunState, facts: Mapping[str, UnitFacts], moment: Moment, most: int | None) -> None:
        self._state = state
        self._facts = facts
        self._moment = moment
        self._most = most
        self._own: dict[str, Activity | Wait] = {}
        self._inside: dict[str, list[Activity | Wait]] = {}
        self._calls: dict[str, list[Call]] = {}
        self._may_cancel = bool(moment.asked) or moment.stopping is not None
        for call in moment.calls:
            self._calls.setdefault(call.slot, []).append(call)
        self._nested = copied(lambda: dict(state.nested))
        self._below: dict[str, list[UnitState]] = {}
        units = state.units
        own = self._own
        for live in (copied(lambda: list(state.active.values())), copied(lambda: list(state.waiting.values()))):
            for each in live:
                if each.slot in units or each.slot in self._nested:
                    own[each.slot] = each
                else:
                    self._inside.setdefault(self._owner(each.slot), []).append(each)

    def snapshot(self, nested: Iterable[str]) -> Snapshot:
        """The whole; `nested` are units of nested experiences, which may not have been heard of yet."""
        state, moment = self._state, self._moment
        expected = tuple(nested)
        for slot in dict.fromkeys((*expected, *self._nested) if len(expected) <= MOST_NESTED else self._nested):
            self._below.setdefault(slot.rpartition("/")[0], []).append(self._nested.get(slot) or UnitState(slot))
        take = self._unit if self._below else self._unit_alone
        status: ScopeStatus = _WORDS.get(state.status, state.status)  # type: ignore[arg-type]
        if moment.stopping is not None and state.finished_at is None:
            status = "cancelling"
        root = Scope(moment.name, "run", "custom", status, state.started_at, deadline_at=moment.deadline_at,
                     reason=moment.stopping, counts=self._run_counts(),
                     parts=tuple(map(take, self._chosen(self._in_order()))))
        recent = tuple(
            Notable("node.retrying" if event.type == "node.retrying" else str(event.data.get("trouble")),
                    event.slot or "", event.ts, str(event.data.get("error") or event.data.get("activity") or ""))
            for event in copied(lambda: list(state.recent)))
        budgets = tuple(Budget(name, *spent) for name, spent in copied(lambda: list(state.budgets.items())))
        return Snapshot(moment.run_id, moment.now, root, moment.loop_seen_at, state.changed_at, moment.stopping_since,
                        moment.abandoned, recent, budgets, moment.concurrency)

    def _in_order(self) -> list[UnitState]:
        """The units as they could run one after the other, which the facts know: a file may name them in any order."""
        units = self._state.units
        known = list(filter(None, map(units.get, self._facts)))
        if len(known) == len(units):
            return known
        return [*known, *(unit for name, unit in units.items() if name not in self._facts)]

    def _owner(self, slot: str) -> str:
        """The unit that a slot lies in, the innermost one."""
        owner = slot.partition("[")[0]
        while owner not in self._state.units and owner not in self._nested and "/" in owner:
            owner = owner.rpartition("/")[0]
        return owner

    def _chosen(self, units: list[UnitState]) -> list[UnitState]:
        if self._most is None or len(units) <= self._most:
            return units
        ranked = sorted(range(len(units)), key=lambda place: _rank(units[place].status))
        return [units[place] for place in sorted(ranked[: self._most])]

    def _run_counts(self) -> Counts:
        state = self._state
        counts = copied(lambda: dict(state.counts))
        own, inside, units = self._own, self._inside.items(), state.units
        retrying = sum(slot in own and slot in units for slot in copied(lambda: list(state.waiting)))
        retrying += sum(all(isinstance(each, Wait) for each in live) and slot in units for slot, live in inside)
        return Counts(
            len(state.units), counts.get("success", 0) - state.cached, state.cached, counts.get("failed", 0),
            counts.get("skipped", 0), counts.get("cancelled", 0), max(0, counts.get("running", 0) - retrying), retrying,
            counts.get("pending", 0))

    def _unit(self, unit: UnitState) -> Scope:
        """A unit with those that are nested in it, which are as deep as the run's state keeps them."""
        scope = self._unit_alone(unit)
        below = self._below.get(unit.id)
        if not below:
            return scope
        parts = tuple(map(self._unit, self._chosen(below)))
        moved_at = max((part.moved_at or 0.0 for part in parts if part.status in LIVE), default=scope.moved_at)
        return scope._replace(parts=(*scope.parts, *parts)[: self._most],
                              moved_at=moved_at if scope.status in LIVE else scope.moved_at)

    def _unit_alone(self, unit: UnitState) -> Scope:
        facts = self._facts.get(unit.id, UNKNOWN_UNIT)
        node = facts.node or UNKNOWN_NODE
        status = unit.status
        if status == "running":
            inside = self._inside.get(unit.id) if self._inside else None
            if inside or facts.node is None or unit.items_total is not None:
                return self._unit_of_items(unit, facts, inside or [])
            live = self._own.get(unit.id)
            if live is not None:
                return self._slot(live, "unit", node, self._may_cancel and self._is_cancelling(unit.id, facts))
            return Scope(unit.id, "unit", node.kind, "running", unit.started_at, moved_at=unit.started_at)
        if status == "pending":
            return Scope(unit.id, "unit", node.kind, "pending", waits_for=self._undecided(facts))
        word: ScopeStatus = "cached" if unit.cached and status == "success" else _WORDS.get(status, status)  # type: ignore[arg-type]
        counts = None
        if unit.items is not None:
            failed, cancelled = unit.item_failures, unit.items_cancelled
            ok = max(0, unit.items - failed - unit.items_cached - cancelled)
            total = max(unit.items, unit.items_total or 0)  # those that a stop has kept from starting are among them
            counts = Counts(total, ok, unit.items_cached, failed, cancelled=cancelled)
        return Scope(unit.id, "unit", node.kind, word, unit.started_at, unit.attempts, node.attempts,
                     error=unit.error_name, reason=unit.reason, seconds=unit.duration_seconds, counts=counts)

    def _undecided(self, facts: UnitFacts) -> tuple[str, ...]:
        units = (self._state.units.get(name) or self._nested.get(name) for name in facts.after)
        return tuple(name for name, unit in zip(facts.after, units, strict=True)
                     if unit is None or unit.status in {"pending", "running"})

    def _unit_of_items(self, unit: UnitState, facts: UnitFacts, inside: list[Activity | Wait]) -> Scope:
        is_cancelling = self._is_cancelling(unit.id, facts)
        is_waiting = bool(inside) and all(isinstance(each, Wait) for each in inside)
        status: ScopeStatus = "cancelling" if is_cancelling else "retrying" if is_waiting else "running"
        kind = facts.node.kind if facts.node is not None else "custom"
        parts = self._items(unit.id, facts, inside, is_cancelling=is_cancelling)
        failed: Iterable[tuple[str, str]] = unit.failed_slots
        parts += [Scope(slot, "item", kind, "failed", error=name or None) for slot, name in failed]
        own = self._own.get(unit.id)
        return Scope(
            unit.id, "unit", kind, status, unit.started_at, message=_round(facts, inside),
            moved_at=max((part.moved_at or 0.0 for part in parts), default=unit.started_at),
            tokens=own.tokens if isinstance(own, Activity) else 0, reason=self._reason(is_cancelling),
            counts=_item_counts(unit, facts, inside), parts=tuple(parts[: self._most]))

    def _items(self, unit_id: str, facts: UnitFacts, inside: list[Activity | Wait], *,
               is_cancelling: bool) -> list[Scope]:
        """Live items, the oldest first; a slot below an item stands in a scope of its item."""
        node = facts.node or UNKNOWN_NODE
        items: dict[str, Scope] = {}
        below: dict[str, list[Scope]] = {}
        for live in inside[: self._most]:
            item = _item_of(live.slot, unit_id)
            if item == live.slot:
                items[item] = self._slot(live, "item", node, is_cancelling)
                continue
            member = facts.members.get(live.slot[len(item) + 1:], UNKNOWN_NODE)
            below.setdefault(item, []).append(self._slot(live, "task", member, is_cancelling))
        for item, parts in below.items():
            status: ScopeStatus = "retrying" if all(part.status == "retrying" for part in parts) else "running"
            scope = items.get(item) or Scope(item, "item", "custom", "cancelling" if is_cancelling else status,
                                             min(part.started_at or 0.0 for part in parts))
            items[item] = scope._replace(parts=(*scope.parts, *_nested(parts)),
                                         moved_at=max(part.moved_at or 0.0 for part in parts))
        return list(items.values())

    def _slot(self, live: Activity | Wait, level: Level, node: NodeFacts, is_cancelling: bool) -> Scope:
        slot, started = live.slot, live.started_at
        if isinstance(live, Wait):
            return Scope(slot, level, node.kind, "cancelling" if is_cancelling else "retrying", started, live.attempt,
                         max(node.attempts, live.attempt), None, started, due_at=live.due_at,
                         error=live.error_name or None, reason=self._reason(is_cancelling))
        is_cancelling = is_cancelling or (self._may_cancel and slot in self._moment.asked)
        kind, attempts, limit = node
        return _new_scope(Scope, (  # past the constructor, which takes longer than all the rest of a task
            slot, level, kind, "cancelling" if is_cancelling else "running", started, live.attempt, attempts,
            None if limit is None else started + limit, live.reported_at, live.pct, live.message,
            live.tokens + live.streamed // CHARACTERS_PER_TOKEN, None,
            None, self._reason(is_cancelling) if is_cancelling else None, None, (), None,
            self._open_calls(slot) if self._calls else (), live.tail))

    def _open_calls(self, slot: str) -> tuple[Scope, ...]:
        return tuple(Scope(call.name, "call", call.kind, "running", call.started_at, moved_at=call.started_at)
                     for call in self._calls.get(slot, ())[: self._most])

    def _is_cancelling(self, unit_id: str, facts: UnitFacts) -> bool:
        return unit_id in self._moment.asked or (self._moment.stopping is not None and not facts.is_always)

    def _reason(self, is_cancelling: bool) -> str | None:
        return (self._moment.stopping or "manual") if is_cancelling else None


def _item_of(slot: str, unit_id: str) -> str:
    """The item of a unit that a slot lies in: `review[3]` of `review[3]/score`; the slot itself where it is in none."""
    end = slot.find("]", len(unit_id))
    return slot if end < 0 else slot[: end + 1]


def _nested(scopes: list[Scope]) -> list[Scope]:
    """Each scope below the one whose slot it lies in, the innermost; those that lie in none, in their order."""
    place = {scope.name: number for number, scope in enumerate(scopes)}
    if len(place) < 2:
        return scopes
    found: dict[str, list[Scope]] = {}
    for scope in sorted(scopes, key=lambda scope: len(scope.name), reverse=True):
        inside = sorted(found.pop(scope.name, ()), key=lambda each: place[each.name])
        outer = scope.name
        while outer and (outer == scope.name or outer not in place):
            outer = outer[:max(outer.rfind("/"), outer.rfind("["), 0)]
        found.setdefault(outer, []).append(scope._replace(parts=(*scope.parts, *inside)) if inside else scope)
    return sorted(found.get("", ()), key=lambda each: place[each.name])


def _rank(status: str) -> int:
    return 0 if status == "running" else 1 if status in {"failed", "cancelled"} else 2


def _round(facts: UnitFacts, inside: list[Activity | Wait]) -> str | None:
    """Where a loop is: `iteration 3 of 10`."""
    if facts.node is not None or not inside or "[" not in inside[-1].slot or facts.most_rounds is None:
        return None
    index = inside[-1].slot.partition("[")[2].partition("]")[0]
    return f"iteration {int(index) + 1} of {facts.most_rounds}" if index.isdigit() else None


def _item_counts(unit: UnitState, facts: UnitFacts, inside: list[Activity | Wait]) -> Counts | None:
    if unit.items_total is None or (facts is UNKNOWN_UNIT and unit.members):
        return None  # how many of its members make an item is in its graph
    live: dict[str, bool] = {}  # items that go on, and whether they do nothing but wait
    for each in inside:
        item = _item_of(each.slot, unit.id)
        live[item] = isinstance(each, Wait) and live.get(item, True)
    waiting = sum(live.values())
    running = len(live) - waiting
    if facts.node is not None:
        done, failed, cached = unit.items or 0, unit.item_failures, unit.items_cached
    else:
        members = copied(lambda: dict(unit.members))
        failed = sum(count for _, count in members.values())
        cached = 0
        done = failed + (members.get(list(facts.members)[-1], (0, 0))[0] if facts.members else 0)
    return Counts(unit.items_total, max(0, done - failed - cached - unit.items_cancelled), cached, failed,
                  cancelled=unit.items_cancelled, running=running, retrying=waiting,
                  pending=max(0, unit.items_total - done - len(live)))
