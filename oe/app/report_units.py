"""What the journal of a run says of its units and attempts, gathered in one pass, for a report.

Memory grows with units and with one small tuple an attempt; results are looked at and let go.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappush, heappushpop
from itertools import count
from typing import NamedTuple

from oe.ids import unit_of
from oe.plan.graph import Graph
from oe.ports.store import Milestone, Outcome
from oe.render.report_value import AttemptReport, Bar, Critical, ModelReport, UnitReport
from oe.spec.model import Node
from oe.text import format_duration
from oe.values import Json, JsonObject

MOST_ATTEMPTS = 300
"""Attempts that are listed one by one; of more, those in trouble and the slowest are."""

_MOST_TROUBLED = 200
_MOST_SLOW = 50
_MOST_BARS = 40
_COLUMNS = 120
_ITEM = re.compile(r"[^\[/]+\[(\d+)\]")
_TROUBLED = frozenset({"failed", "retrying", "cancelled", "interrupted"})
_OPEN = frozenset({"pending", "running", "retrying", "interrupted"})
"""Statuses of units that have not ended."""


class Stretch(NamedTuple):
    """Work of one attempt, by the clock."""

    start: float
    end: float
    status: str


class Axis:
    """The times at which somebody worked on the run, one after the other: what lies between a stop and its resumption
    is left out."""

    def __init__(self, parts: list[list[float]]) -> None:
        self._starts = [start for start, _ in parts]
        self._lengths = [max(0.0, end - start) for start, end in parts]
        self._offsets = [sum(self._lengths[:index]) for index in range(len(parts))]

    @property
    def seconds(self) -> float:
        """How long all of it took."""
        return sum(self._lengths)

    @property
    def breaks(self) -> list[float]:
        """Where the run was resumed."""
        return self._offsets[1:]

    def place(self, ts: float) -> float:
        """Seconds from the beginning."""
        part = max(0, bisect_right(self._starts, ts) - 1)
        return self._offsets[part] + min(max(0.0, ts - self._starts[part]), self._lengths[part])


class _Unit:
    """One unit while the journal is read."""

    __slots__ = ("attempts", "cached_slots", "cost_usd", "end", "error", "failed_items", "is_waiting", "items", "slots",
                 "start", "status", "stretches", "tokens_in", "tokens_out", "tokens_saved", "unpriced_calls")

    def __init__(self) -> None:
        self.status = "pending"
        self.is_waiting = False  # for its next attempt
        self.start: float | None = None
        self.end: float | None = None
        self.attempts = self.slots = self.cached_slots = 0
        self.items: set[int] = set()
        self.failed_items: set[int] = set()
        self.tokens_in = self.tokens_out = self.tokens_saved = 0
        self.cost_usd = 0.0
        self.unpriced_calls = 0
        self.error: str | None = None
        self.stretches: list[Stretch] = []


class Gathering:
    """Takes the entries of the journal in commit order; `axis`, `units` and the rest give what they come to."""

    def __init__(self, graph: Graph, started_at: float) -> None:
        self._graph = graph
        self._units = {unit_id: _Unit() for unit_id in graph.ids}
        self._is_single = {unit_id: isinstance(unit, Node) and unit.for_each is None
                           for unit_id, unit in zip(graph.ids, graph.units, strict=True)}
        self._parts = [[started_at, started_at]]
        self._models: dict[str, ModelReport] = {}
        self._all: list[AttemptReport] = []
        self._troubled: list[AttemptReport] = []
        self._slow: list[tuple[float, int, AttemptReport]] = []
        self._tie = count()
        self.attempts = 0
        self.faults = 0

    def take(self, entry: Outcome | Milestone) -> None:
        """Takes one entry, be it superseded or not."""
        if isinstance(entry, Milestone):
            if entry.type == "run.resumed":
                self._parts.append([entry.ts, entry.ts])
            self._reach(entry.ts)
            return
        self._reach(entry.finished_at)
        unit_id = unit_of(entry.slot)
        unit = self._units.get(unit_id)
        if unit is None or entry.status == "skipped":
            return
        self._take_tokens(unit, entry)
        is_own = entry.slot == unit_id and not self._is_single[unit_id]
        status = "cached" if "cached" in entry.details else entry.status
        if not is_own:
            unit.attempts += status != "cached"
            unit.stretches.append(Stretch(entry.started_at, entry.finished_at, status))
        if not is_own or not unit.stretches:  # a unit of items that failed before its first one
            self._take_attempt(_attempt(entry, status))

    def count(self, entry: Outcome) -> None:
        """Takes one entry that counts towards the result."""
        unit_id = unit_of(entry.slot)
        unit = self._units.get(unit_id)
        if unit is None:
            return
        unit.start = entry.started_at if unit.start is None else min(unit.start, entry.started_at)
        unit.end = entry.finished_at if unit.end is None else max(unit.end, entry.finished_at)
        if entry.slot == unit_id:
            self._settle(unit, entry)
        if entry.slot == unit_id and not self._is_single[unit_id]:
            return
        if entry.status in {"success", "failed"}:
            unit.slots += 1
            unit.cached_slots += "cached" in entry.details
        item = _ITEM.match(entry.slot)
        if item:
            unit.items.add(int(item[1]))
            if entry.status == "failed":
                unit.failed_items.add(int(item[1]))

    def take_live(self, started: Mapping[str, float], until: float, *, is_alive: bool) -> None:
        """Takes what has begun and is not committed: it goes on, or went on when the process died. `until` is now, or
        when the process was last heard of."""
        status, word = ("running", None) if is_alive else ("interrupted", "in flight when the process ended")
        self._reach(until)
        for unit in self._units.values():
            if unit.is_waiting:
                unit.status = "retrying" if is_alive else status
        for slot, ts in started.items():
            live = self._units.get(unit_of(slot))
            if live is None or live.status not in _OPEN:
                continue
            live.status, live.error = status, word
            live.start = ts if live.start is None else min(live.start, ts)
            if slot in self._is_single and not self._is_single[slot]:
                continue
            end = max(ts, until if is_alive else self._parts[-1][1])
            live.stretches.append(Stretch(ts, end, status))
            self._take_attempt(AttemptReport(slot, 1, status, ts, end - ts, None, word))

    @property
    def axis(self) -> Axis:
        """The axis of everything taken so far."""
        return Axis(self._parts)

    @property
    def models(self) -> list[ModelReport]:
        """The models that were asked."""
        return list(self._models.values())

    def totals(self) -> JsonObject:
        """Tokens and money of all units, for a run that has not counted them because it has not ended."""
        units = self._units.values()
        return {
            "tokens_in": sum(unit.tokens_in for unit in units), "tokens_out": sum(unit.tokens_out for unit in units),
            "tokens_saved": sum(unit.tokens_saved for unit in units), "cost_usd": sum(unit.cost_usd for unit in units),
            "unpriced_calls": sum(unit.unpriced_calls for unit in units)}

    def statuses(self) -> dict[str, str]:
        """The status of every unit, in rank order."""
        return {unit_id: self._status(unit) for unit_id, unit in self._units.items()}

    def units(self, axis: Axis, critical: Iterable[str]) -> list[UnitReport]:
        """Every unit in rank order."""
        on_path = set(critical)
        return [self._unit(unit_id, rank, axis, is_critical=unit_id in on_path)
                for rank, unit_id in enumerate(self._graph.ids)]

    def overall(self, axis: Axis) -> list[Bar]:
        """The work of all units together."""
        return _bars([each for unit in self._units.values() for each in unit.stretches], axis, has_lanes=True)

    def listed_attempts(self, axis: Axis) -> list[AttemptReport]:
        """All attempts if they are few, else those in trouble and the slowest; by time."""
        found = self._all
        if self.attempts > MOST_ATTEMPTS:
            troubled = set(map(id, self._troubled))
            found = [*self._troubled, *(each for _, _, each in self._slow if id(each) not in troubled)]
        return sorted((each._replace(start=axis.place(each.start)) for each in found), key=lambda each: each.start)

    def critical(self, axis: Axis) -> Critical | None:
        """From the unit that ended last, always to the one it waited for longest."""
        ended = [rank for rank, unit_id in enumerate(self._graph.ids) if self._units[unit_id].end is not None
                 and self._units[unit_id].status != "skipped"]
        if not ended:
            return None
        rank: int | None = max(ended, key=self._end)
        chain: list[int] = []
        while rank is not None:
            chain.append(rank)
            before = [link.source for link in self._graph.incoming[rank] if self._end(link.source)]
            rank = max(before, key=self._end) if before else None
        chain.reverse()
        work = 0.0
        for each in chain:
            unit = self._units[self._graph.ids[each]]
            work += axis.place(unit.end or 0.0) - axis.place(unit.start or 0.0)
        seconds = axis.place(self._end(chain[-1]))
        return Critical([self._graph.ids[each] for each in chain], seconds, max(0.0, seconds - work))

    def _end(self, rank: int) -> float:
        return self._units[self._graph.ids[rank]].end or 0.0

    def _reach(self, ts: float) -> None:
        self._parts[-1][1] = max(self._parts[-1][1], ts)

    def _settle(self, unit: _Unit, entry: Outcome) -> None:
        unit.status = "cached" if "cached" in entry.details and entry.status == "success" else entry.status
        unit.error = entry.error.message if entry.error else entry.reason
        unit.is_waiting = entry.status == "retrying"
        if unit.is_waiting:
            unit.status = "pending"

    def _take_tokens(self, unit: _Unit, entry: Outcome) -> None:
        calls = entry.details.get("tokens")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                tokens_in, tokens_out = int(_figure(call.get("input_tokens"))), int(_figure(call.get("output_tokens")))
                cost, name = _figure(call.get("cost_usd")), str(call.get("model") or "unnamed model")
                unit.tokens_in += tokens_in
                unit.tokens_out += tokens_out
                unit.cost_usd += cost
                unpriced = call.get("cost_usd") is None
                unit.unpriced_calls += unpriced
                known = self._models.get(name, ModelReport(name, 0, 0, 0, 0.0, 0))
                self._models[name] = ModelReport(name, known.calls + 1, known.tokens_in + tokens_in,
                                                 known.tokens_out + tokens_out, known.cost_usd + cost,
                                                 known.unpriced_calls + unpriced)
        cached = entry.details.get("cached")
        saved = cached.get("saved") if isinstance(cached, dict) else None
        if isinstance(saved, dict):
            unit.tokens_saved += int(_figure(saved.get("input_tokens")) + _figure(saved.get("output_tokens")))

    def _take_attempt(self, attempt: AttemptReport) -> None:
        self.attempts += 1
        if attempt.status in _TROUBLED:
            self.faults += 1
            if len(self._troubled) < _MOST_TROUBLED:
                self._troubled.append(attempt)
        if self.attempts <= MOST_ATTEMPTS:
            self._all.append(attempt)
        entry = (attempt.seconds, next(self._tie), attempt)
        if len(self._slow) < _MOST_SLOW:
            heappush(self._slow, entry)
        else:
            heappushpop(self._slow, entry)

    def _status(self, unit: _Unit) -> str:
        if unit.status == "success" and unit.slots and unit.cached_slots == unit.slots:
            return "cached"
        return unit.status

    def _unit(self, unit_id: str, rank: int, axis: Axis, *, is_critical: bool) -> UnitReport:
        unit, spec = self._units[unit_id], self._graph.units[rank]
        kind = spec.kind if isinstance(spec, Node) else type(spec).__name__.lower()
        is_single = self._is_single[unit_id]
        end = unit.end if unit.status not in _OPEN else None
        return UnitReport(
            unit_id, kind, spec.phase, self._status(unit), None if unit.start is None else axis.place(unit.start),
            None if end is None else axis.place(end), unit.attempts, None if is_single else len(unit.items),
            len(unit.failed_items), 0 if is_single else unit.cached_slots, unit.tokens_in, unit.tokens_out,
            unit.cost_usd, unit.unpriced_calls, unit.tokens_saved, unit.error,
            _bars(unit.stretches, axis, has_lanes=not is_single), is_critical)


def _attempt(entry: Outcome, status: str) -> AttemptReport:
    error = None
    if entry.error:  # the message of an exception begins with its name
        name, message = entry.error
        error = message if message.startswith(f"{name}:") else f"{name}: {message}"
    note = entry.reason
    cached = entry.details.get("cached")
    if isinstance(cached, dict):
        note = f"from {cached.get('run', 'an earlier run')}"
    elif entry.status == "retrying":
        note = f"tried again after {format_duration(_figure(entry.details.get('delay_ms')) / 1000)}"
    elif entry.details.get("fallback"):
        note = "went on with the output of on_error"
    return AttemptReport(entry.slot, entry.attempt, status, entry.started_at,
                         max(0.0, entry.finished_at - entry.started_at), error, note)


def _bars(stretches: list[Stretch], axis: Axis, *, has_lanes: bool) -> list[Bar]:
    """A bar for each stretch; of many, bars of what most were in each column of the axis. Where stretches may lie
    beside each other (`has_lanes`), those in trouble have narrow bars, which hide no other."""
    placed = [Bar(axis.place(each.start), axis.place(each.end), each.status) for each in stretches]
    fine = [bar for bar in placed if bar.status not in _TROUBLED]
    troubled = [bar for bar in placed if bar.status in _TROUBLED]
    if len(placed) > _MOST_BARS:
        step = axis.seconds / _COLUMNS or 1.0
        fine, troubled = _columns(fine, step), _columns(troubled, step)
    if fine and has_lanes:
        troubled = [bar._replace(is_narrow=True) for bar in troubled]
    return [*fine, *troubled]


def _columns(bars: Sequence[Bar], step: float) -> list[Bar]:
    """The bars put together column by column."""
    columns: dict[int, dict[str, int]] = {}
    for bar in bars:
        last = min(_COLUMNS - 1, int(bar.end / step))
        for column in range(min(last, int(bar.start / step)), last + 1):
            counts = columns.setdefault(column, {})
            counts[bar.status] = counts.get(bar.status, 0) + 1
    merged: list[Bar] = []
    previous = -2
    for column, counts in sorted(columns.items()):
        status = max(counts, key=counts.__getitem__)
        if merged and merged[-1].status == status and previous == column - 1:
            merged[-1] = merged[-1]._replace(end=(column + 1) * step)
        else:
            merged.append(Bar(column * step, (column + 1) * step, status))
        previous = column
    return merged


def _figure(value: Json) -> float:
    return value if isinstance(value, int | float) else 0.0
