"""What a run looks like at a moment, made from its events alone: the one reducer of live run, resume, and dashboard."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

from oe.state.events import Event
from oe.values import Json, JsonObject

_LISTED_RUNS = 3

UnitStatus: TypeAlias = Literal["pending", "running", "success", "failed", "skipped", "cancelled", "parked"]


class UnitState:
    """One unit of the graph. Items of a fan-out are only counted, so a long run does not grow."""

    __slots__ = ("attempts", "cached", "duration_seconds", "error", "fallback", "id", "item_failures", "items",
                 "items_cached",
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
        self.started_at: float | None = None
        self.duration_seconds = 0.0
        self.reason: str | None = None
        self.error: str | None = None

    def as_object(self) -> JsonObject:
        """The unit as it stands in `--json` (product.md)."""
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
    """One attempt that is going on."""

    __slots__ = ("attempt", "message", "pct", "slot", "started_at")

    def __init__(self, slot: str, attempt: int, started_at: float) -> None:
        self.slot = slot
        self.attempt = attempt
        self.started_at = started_at
        self.pct: float | None = None
        self.message: str | None = None


class RunState:
    """Units with their statuses, what is going on, and totals. Changed by `apply` and by nothing else."""

    def __init__(self, unit_ids: Iterable[str]) -> None:
        self.status = "running"
        self.started_at = 0.0
        self.finished_at: float | None = None
        self.units = {unit_id: UnitState(unit_id) for unit_id in unit_ids}
        self.active: dict[str, Activity] = {}
        self.counts: dict[UnitStatus, int] = {"pending": len(self.units)}
        self.cached = 0
        self.cached_slots = 0
        self.worked_slots = 0
        self.cached_from: dict[str, None] = {}
        self.cached_since = ""
        self.tokens_saved = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self._handlers: dict[str, Callable[[Event], None]] = {
            "run.started": self._run_started, "run.resumed": self._run_started, "run.finished": self._run_finished,
            "node.started": self._started, "node.finished": self._finished, "node.failed": self._failed,
            "node.skipped": self._skipped, "node.cancelled": self._cancelled, "node.retrying": self._retrying,
            "node.cached": self._cached, "node.tokens": self._tokens, "node.progress": self._progress,
            "node.activity": self._activity,
        }

    def apply(self, event: Event) -> None:
        """Takes one event."""
        handler = self._handlers.get(event.type)
        if handler:
            handler(event)

    def totals(self) -> JsonObject:
        """The totals as they stand in `--json` (product.md)."""
        ended = self.finished_at or self.started_at
        return {
            "nodes": len(self.units), "ok": self.counts.get("success", 0), "cached": self.cached,
            "failed": self.counts.get("failed", 0), "skipped": self.counts.get("skipped", 0),
            "cancelled": self.counts.get("cancelled", 0),
            "tokens_in": self.input_tokens, "tokens_out": self.output_tokens, "tokens_saved": self.tokens_saved,
            "cost_usd": 0,
            "duration_ms": round((ended - self.started_at) * 1000, 1),
        }

    @property
    def settled(self) -> int:
        """How many units have ended, in whatever way."""
        return len(self.units) - self.counts.get("pending", 0) - self.counts.get("running", 0)

    def _move(self, unit: UnitState, status: UnitStatus) -> None:
        self.counts[unit.status] -= 1
        self.counts[status] = self.counts.get(status, 0) + 1
        unit.status = status

    def _run_started(self, event: Event) -> None:
        if event.type == "run.started" or not self.started_at:
            self.started_at = event.ts
        self.status = "running"

    def _run_finished(self, event: Event) -> None:
        self.status = str(event.data["status"])
        self.finished_at = event.ts

    def _started(self, event: Event) -> None:
        slot = event.slot or ""
        self.worked_slots += event.attempt is not None
        unit = self.units.get(slot)
        if unit is None:
            self.active[slot] = Activity(slot, event.attempt or 1, event.ts)
            return
        if unit.status != "running":
            self._move(unit, "running")
            unit.started_at = event.ts
            unit.reason = unit.error = None
        unit.attempts = max(unit.attempts, event.attempt or 1)
        self.active[slot] = Activity(slot, event.attempt or 1, event.ts)

    def _ended(self, event: Event, status: UnitStatus) -> UnitState | None:
        self.active.pop(event.slot or "", None)
        unit = self.units.get(event.slot or "")
        if unit is not None:
            self._move(unit, status)
            if event.attempt is not None:
                unit.attempts = max(unit.attempts, event.attempt)
            if unit.started_at is not None:
                unit.duration_seconds = max(0.0, event.ts - unit.started_at)
            return unit
        if event.index is not None:
            self._count_item(event, status)
        return None

    def _count_item(self, event: Event, status: UnitStatus) -> None:
        owner = self.units.get((event.slot or "").partition("[")[0])
        if owner is not None and (event.slot or "").endswith("]"):
            owner.items = (owner.items or 0) + 1
            owner.item_failures += status == "failed"

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
                unit.cached = True
                self.cached += 1

    def _failed(self, event: Event) -> None:
        unit = self._ended(event, "failed")
        if unit is not None:
            unit.error = str(event.data["error"])

    def _skipped(self, event: Event) -> None:
        unit = self._ended(event, "skipped")
        if unit is not None:
            unit.reason = str(event.data["reason"])

    def _cancelled(self, event: Event) -> None:
        unit = self._ended(event, "cancelled")
        if unit is not None:
            unit.reason = str(event.data["reason"])

    def _retrying(self, event: Event) -> None:
        self.active.pop(event.slot or "", None)

    def _cached(self, event: Event) -> None:
        slot = event.slot or ""
        unit = self.units.get(slot)
        if unit is not None:
            unit.cached = True
            self.cached += 1
        elif slot.endswith("]") and (owner := self.units.get(slot.partition("[")[0])) is not None:
            owner.items_cached += 1
        saved = event.data.get("saved")
        if isinstance(saved, dict):
            self.tokens_saved += _count(saved.get("input_tokens")) + _count(saved.get("output_tokens"))
        self.cached_slots += 1
        self.cached_from.setdefault(str(event.data.get("run")), None)
        while len(self.cached_from) > _LISTED_RUNS:
            self.cached_from.popitem()
        since = str(event.data.get("since", ""))
        self.cached_since = min(self.cached_since, since) if self.cached_since else since

    def _tokens(self, event: Event) -> None:
        self.input_tokens += _count(event.data.get("input_tokens"))
        self.output_tokens += _count(event.data.get("output_tokens"))

    def _progress(self, event: Event) -> None:
        activity = self.active.get(event.slot or "")
        if activity is not None:
            pct, message = event.data.get("pct"), event.data.get("message")
            activity.pct = float(pct) if isinstance(pct, int | float) else None
            activity.message = str(message) if message is not None else None

    def _activity(self, event: Event) -> None:
        activity = self.active.get(event.slot or "")
        if activity is not None:
            activity.message = str(event.data["activity"])


def _count(value: Json) -> int:
    return value if isinstance(value, int) else 0
