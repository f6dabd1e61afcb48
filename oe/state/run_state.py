"""What a run looks like at a moment, made from its events alone: the one reducer of live run, resume, and dashboard."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

from oe.state.events import Event
from oe.values import Json, JsonObject

_LISTED_RUNS = 3
_RECENT = 64
"""Notable events that are kept: retries, troubled clean-ups."""
CHARACTERS_PER_TOKEN = 4
"""About how many there are: tokens of an answer that is not whole yet are counted so."""
_TAIL = 200
"""Characters at the end of a stream that are kept."""
_NAMED_FAILURES = 10
"""Failed items of a unit that are kept by name."""
MOST_NESTED = 256
"""Units of nested experiences that are kept one by one."""
_DEEPEST = 6
"""How deep they may be nested for that: a snapshot has as many levels, and a few more."""

UnitStatus: TypeAlias = Literal["pending", "running", "success", "failed", "skipped", "cancelled", "parked"]


class UnitState:
    """One unit of the graph. Items of a fan-out are only counted, so a long run does not grow; `members` counts what
    has ended of each stage or body node, as (succeeded, failed), `members_cached` those of them that came from the
    cache; `failed_slots` names the first that failed, with the
    error's name."""

    __slots__ = (
        "attempts", "cached", "duration_seconds", "error", "error_name", "failed_slots", "fallback", "id",
        "item_failures", "items", "items_cached", "items_cancelled", "items_total", "members", "members_cached",
        "reason", "started_at", "status")

    def __init__(self, unit_id: str) -> None:
        self.id = unit_id
        self.status: UnitStatus = "pending"
        self.attempts = 0
        self.cached = False
        self.fallback = False
        self.items: int | None = None
        self.items_cached = 0
        self.item_failures = 0
        self.items_total: int | None = None
        self.items_cancelled = 0
        self.members: dict[str, tuple[int, int]] = {}
        self.members_cached = 0
        self.failed_slots: tuple[tuple[str, str], ...] = ()
        self.started_at: float | None = None
        self.duration_seconds = 0.0
        self.reason: str | None = None
        self.error: str | None = None
        self.error_name: str | None = None

    def as_object(self) -> JsonObject:
        """The unit as it stands in `--json` (docs/reference/json.md)."""
        record: dict[str, Json] = {
            "id": self.id, "status": self.status, "cached": self.cached, "attempts": self.attempts,
            "duration_ms": round(self.duration_seconds * 1000, 1),
        }
        optional: dict[str, Json] = {
            "items": self.items, "items_cached": self.items_cached or None, "items_failed": self.item_failures or None,
            "error": self.error, "reason": self.reason}
        record.update({key: value for key, value in optional.items() if value is not None})
        if self.fallback:
            record["fallback"] = True
        return record


class Activity:
    """One attempt that is going on, or a unit of items. `reported_at` is its last sign of life; `tail` the end of what
    a model has streamed to it, of `streamed` characters in all."""

    __slots__ = ("attempt", "message", "pct", "reported_at", "slot", "started_at", "streamed", "tail", "tokens")

    def __init__(self, slot: str, attempt: int, started_at: float) -> None:
        self.slot = slot
        self.attempt = attempt
        self.started_at = started_at
        self.pct: float | None = None
        self.message: str | None = None
        self.reported_at = started_at
        self.tokens = 0
        self.streamed = 0
        self.tail = ""


class Wait:
    """A slot between two attempts: `attempt` is the next one, due at `due_at`."""

    __slots__ = ("attempt", "due_at", "error_name", "slot", "started_at")

    def __init__(self, slot: str, attempt: int, started_at: float, due_at: float, error_name: str) -> None:
        self.slot = slot
        self.attempt = attempt
        self.started_at = started_at
        self.due_at = due_at
        self.error_name = error_name


class RunState:
    """Units with their statuses, what is going on, and totals. Changed by `apply` and by nothing else."""

    def __init__(self, unit_ids: Iterable[str]) -> None:
        self.status = "running"
        self.started_at = 0.0
        self.finished_at: float | None = None
        self.units = {unit_id: UnitState(unit_id) for unit_id in unit_ids}
        self.nested: dict[str, UnitState] = {}
        """Units of the experiences that nodes nest, by slot; those inside an item go with it."""
        self.active: dict[str, Activity] = {}
        self.waiting: dict[str, Wait] = {}
        self.recent: deque[Event] = deque(maxlen=_RECENT)
        self.budgets: dict[str, tuple[float, float]] = {}
        self.changed_at = 0.0
        self.changes = 0
        self.counts: dict[UnitStatus, int] = {"pending": len(self.units)}
        self.cached = 0
        self.cached_slots = 0
        self.worked_slots = 0
        self.cached_from: dict[str, None] = {}
        self.cached_since = ""
        self.tokens_saved = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.calls = 0
        self.cost_usd = 0.0
        self.unpriced_calls = 0
        """Calls whose price is not known, and is not in the cost."""
        self._handlers: dict[str, Callable[[Event], None]] = {
            "run.started": self._run_started, "run.resumed": self._run_started, "run.finished": self._run_finished,
            "node.ready": self._ready, "node.started": self._started, "node.finished": self._finished,
            "node.failed": self._failed, "node.skipped": self._skipped, "node.cancelled": self._cancelled,
            "node.retrying": self._retrying,
            "node.cached": self._cached, "node.tokens": self._tokens, "node.progress": self._progress,
            "node.activity": self._activity, "node.output": self._output, "budget.warning": self._budget,
        }

    def apply(self, event: Event) -> None:
        """Takes one event."""
        self.changed_at = event.ts
        self.changes += 1
        handler = self._handlers.get(event.type)
        if handler:
            handler(event)

    def totals(self) -> JsonObject:
        """The totals as they stand in `--json` (docs/reference/json.md)."""
        ended = self.finished_at or self.started_at
        return {
            "nodes": len(self.units), "ok": self.counts.get("success", 0), "cached": self.cached,
            "failed": self.counts.get("failed", 0), "skipped": self.counts.get("skipped", 0),
            "cancelled": self.counts.get("cancelled", 0),
            "tokens_in": self.input_tokens, "tokens_out": self.output_tokens, "tokens_saved": self.tokens_saved,
            "cost_usd": round(self.cost_usd, 6) if self.unpriced_calls < self.calls or not self.calls else None,
            "calls": self.calls, "unpriced_calls": self.unpriced_calls,
            "duration_ms": round((ended - self.started_at) * 1000, 1),
        }

    @property
    def settled(self) -> int:
        """How many units have ended, in whatever way."""
        return len(self.units) - self.counts.get("pending", 0) - self.counts.get("running", 0)

    def unit(self, slot: str) -> UnitState | None:
        """The unit of that slot: one of the graph, or one of an experience that is nested in a unit, at any depth as
        far as they are kept one by one. None for an item and what is inside one."""
        found = self.units.get(slot) or self.nested.get(slot)
        if found is None and 0 < slot.count("/") < _DEEPEST and "[" not in slot and len(self.nested) < MOST_NESTED:
            found = self.nested[slot] = UnitState(slot)
        return found

    def _move(self, unit: UnitState, status: UnitStatus) -> None:
        if unit.id in self.units:
            self.counts[unit.status] -= 1
            self.counts[status] = self.counts.get(status, 0) + 1
        unit.status = status

    def _mark_cached(self, unit: UnitState) -> None:
        unit.cached = True
        self.cached += unit.id in self.units

    def _ready(self, event: Event) -> None:
        unit = self.unit(event.slot or "")
        if unit is not None and unit.id in self.nested:
            unit.cached = False
            self._move(unit, "pending")

    def _run_started(self, event: Event) -> None:
        if event.type == "run.started" or not self.started_at:
            self.started_at = event.ts
        self.status = "running"
        if event.type == "run.resumed":
            self._nothing_goes_on()

    def _nothing_goes_on(self) -> None:
        """What an earlier process had begun has ended with it."""
        self.active.clear()
        self.waiting.clear()
        for unit in (*self.units.values(), *self.nested.values()):
            if unit.status == "running":
                self._move(unit, "pending")

    def _run_finished(self, event: Event) -> None:
        self.status = str(event.data["status"])
        self.finished_at = event.ts

    def _started(self, event: Event) -> None:
        slot = event.slot or ""
        self.worked_slots += event.attempt is not None
        self.waiting.pop(slot, None)
        unit = self.unit(slot)
        if unit is None:
            self.active[slot] = Activity(slot, event.attempt or 1, event.ts)
            return
        if unit.status != "running":
            self._move(unit, "running")
            unit.started_at = event.ts
            unit.reason = unit.error = unit.error_name = None
            items = event.data.get("items")
            unit.items_total = items if isinstance(items, int) else None
        unit.attempts = max(unit.attempts, event.attempt or 1)
        self.active[slot] = Activity(slot, event.attempt or 1, event.ts)

    def _ended(self, event: Event, status: UnitStatus) -> UnitState | None:
        self.active.pop(event.slot or "", None)
        self.waiting.pop(event.slot or "", None)
        unit = self.unit(event.slot or "")
        if unit is not None:
            self._move(unit, status)
            if event.attempt is not None:
                unit.attempts = max(unit.attempts, event.attempt)
            if unit.started_at is not None:
                unit.duration_seconds = max(0.0, event.ts - unit.started_at)
            elif isinstance(known := event.data.get("duration_ms"), (int, float)):  # an earlier process saw it start
                unit.duration_seconds = known / 1000
            return unit
        if event.index is not None:
            self._count_item(event, status)
        return None

    def _count_item(self, event: Event, status: UnitStatus) -> None:
        slot = event.slot or ""
        owner = self._owner(slot)
        if owner is None:
            return
        if status == "failed" and len(owner.failed_slots) < _NAMED_FAILURES:
            owner.failed_slots += ((slot, str(event.data.get("name") or "")),)
        if slot.endswith("]"):
            owner.items = (owner.items or 0) + 1
            owner.item_failures += status == "failed"
            owner.items_cancelled += status == "cancelled"
        else:
            member = slot.rpartition("/")[2]
            succeeded, failed = owner.members.get(member, (0, 0))
            owner.members[member] = (succeeded + 1, failed) if status == "success" else (succeeded, failed + 1)

    def _owner(self, slot: str) -> UnitState | None:
        """The unit that an item, stage or body belongs to; None for what is deeper inside: an item of a unit of a
        nested experience."""
        unit_slot, _, rest = slot.partition("[")
        rest = rest.partition("]")[2]
        return None if "[" in rest or rest.count("/") > 1 else self.unit(unit_slot)

    def _finished(self, event: Event) -> None:
        unit = self._ended(event, "success")
        if unit is None:
            return
        unit.fallback = bool(event.data.get("fallback"))
        unit.error = str(event.data["error"]) if "error" in event.data else None
        unit.reason = None
        metrics = event.data.get("metrics")
        if isinstance(metrics, dict) and isinstance(metrics.get("items"), int):
            unit.items = int(metrics["items"])
            if 0 < unit.items == unit.items_cached and not unit.cached:
                self._mark_cached(unit)
        if unit.members_cached and not unit.cached and unit.members_cached == sum(map(sum, unit.members.values())):
            self._mark_cached(unit)

    def _failed(self, event: Event) -> None:
        unit = self._ended(event, "failed")
        if unit is not None:
            unit.error = str(event.data["error"])
            unit.error_name = str(event.data.get("name") or "") or None

    def _skipped(self, event: Event) -> None:
        unit = self._ended(event, "skipped")
        if unit is not None:
            unit.reason = str(event.data["reason"])

    def _cancelled(self, event: Event) -> None:
        unit = self._ended(event, "cancelled")
        if unit is not None:
            unit.reason = str(event.data["reason"])

    def _retrying(self, event: Event) -> None:
        slot = event.slot or ""
        self.active.pop(slot, None)
        delay = event.data.get("delay_ms")
        due_at = event.ts + (delay / 1000 if isinstance(delay, int | float) else 0.0)
        self.waiting[slot] = Wait(slot, (event.attempt or 1) + 1, event.ts, due_at, str(event.data.get("name") or ""))
        self.recent.append(event)

    def _cached(self, event: Event) -> None:
        slot = event.slot or ""
        unit = self.unit(slot)
        if unit is not None:
            self._mark_cached(unit)
        elif slot.endswith("]") and (owner := self.unit(slot[:slot.rindex("[")])) is not None:
            owner.items_cached += 1
        elif (owner := self._owner(slot)) is not None:
            owner.members_cached += 1
        saved = event.data.get("saved")
        if isinstance(saved, dict):
            self.tokens_saved += _count(saved.get("input_tokens")) + _count(saved.get("output_tokens"))
        self.cached_slots += 1
        self.worked_slots -= slot in self.active  # a nested experience began, and then nothing of it had to be run
        self.cached_from.setdefault(str(event.data.get("run")), None)
        while len(self.cached_from) > _LISTED_RUNS:
            self.cached_from.popitem()
        since = str(event.data.get("since", ""))
        self.cached_since = min(self.cached_since, since) if self.cached_since else since

    def _tokens(self, event: Event) -> None:
        self.input_tokens += _count(event.data.get("input_tokens"))
        self.output_tokens += _count(event.data.get("output_tokens"))
        self.calls += 1
        cost = event.data.get("cost_usd")
        if isinstance(cost, int | float):
            self.cost_usd += cost
        else:
            self.unpriced_calls += 1
        activity = self.active.get(event.slot or "")
        if activity is not None:
            activity.tokens += _count(event.data.get("input_tokens")) + _count(event.data.get("output_tokens"))

    def _progress(self, event: Event) -> None:
        activity = self.active.get(event.slot or "")
        if activity is not None:
            pct, message = event.data.get("pct"), event.data.get("message")
            activity.pct = float(pct) if isinstance(pct, int | float) else None
            activity.message = str(message) if message is not None else None
            activity.reported_at = event.ts

    def _activity(self, event: Event) -> None:
        activity = self.active.get(event.slot or "")
        if activity is not None:
            activity.message = str(event.data["activity"])
            activity.reported_at = event.ts
        if "trouble" in event.data:
            self.recent.append(event)

    def _output(self, event: Event) -> None:
        activity = self.active.get(event.slot or "")
        if activity is not None:
            chunk = str(event.data["chunk"])
            activity.streamed += len(chunk)
            activity.tail = (activity.tail + chunk)[-_TAIL:]
            activity.reported_at = event.ts

    def _budget(self, event: Event) -> None:
        spent, limit = event.data.get("spent"), event.data.get("limit")
        if isinstance(spent, int | float) and isinstance(limit, int | float):
            self.budgets[str(event.data.get("budget"))] = (spent, limit)


def _count(value: Json) -> int:
    return value if isinstance(value, int) else 0
