"""A run as a report shows it: what its renderers take, gathered and bounded by whoever reads the run. Pure.

Times are seconds on the report's axis: from the run's beginning, without the time between a stop and its resumption.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from oe.render.graph_value import Outline
from oe.render.value_lines import ValueLine
from oe.values import JsonObject


class Bar(NamedTuple):
    """A stretch of work on the timeline, of one attempt or of many close together; of many, those in trouble have bars
    of their own, which are `narrow`."""

    start: float
    end: float
    status: str
    is_narrow: bool = False


class UnitReport(NamedTuple):
    """What became of one unit. `status` is a node's status word, `cached` for a replayed success. `attempts` counts
    those of all its slots; `items` is None for a unit that is one slot. `error` is that of a failure, or the reason of
    a skip."""

    id: str
    kind: str
    phase: str | None
    status: str
    start: float | None
    end: float | None
    attempts: int
    items: int | None
    items_failed: int
    items_cached: int
    tokens_in: int
    tokens_out: int
    cost_usd: float
    unpriced_calls: int
    tokens_saved: int
    error: str | None
    bars: Sequence[Bar]
    is_critical: bool


class AttemptReport(NamedTuple):
    """One attempt. `note` says what came after it or where its result is from; `error` is name and message."""

    slot: str
    attempt: int
    status: str
    start: float
    seconds: float
    error: str | None
    note: str | None


class WriteReport(NamedTuple):
    """One write to a field, in the order of the fold."""

    slot: str
    attempt: int
    at: float
    lines: Sequence[ValueLine]


class FieldReport(NamedTuple):
    """A state field: its final value, and its writes as far as they are shown. `value` is None where it has none."""

    name: str
    merge: str
    is_persistent: bool
    value: Sequence[ValueLine] | None
    writes: Sequence[WriteReport]
    writes_left_out: int


class ModelReport(NamedTuple):
    """What one model was asked for, over the whole run."""

    name: str
    calls: int
    tokens_in: int
    tokens_out: int
    cost_usd: float
    unpriced_calls: int


class Artifact(NamedTuple):
    """A file that the run made for people, by its path below the artifacts' folder."""

    path: str
    size_bytes: int


class Head(NamedTuple):
    """The run itself. Times are texts in UTC; `parts` counts how often it began or went on; `seconds` leave out what
    lies between."""

    run_id: str
    name: str
    version: str
    status: str
    reason: str | None
    started: str
    finished: str | None
    made: str
    seconds: float
    parts: int
    totals: JsonObject
    oe_version: str


class Critical(NamedTuple):
    """The chain of units that decided when the run ended, and the seconds in which none of them worked."""

    units: Sequence[str]
    seconds: float
    waiting: float


TROUBLED = frozenset({"failed", "retrying", "cancelled", "interrupted", "partial"})
"""Statuses that a reader looks for first."""
_MOST_OPEN = 60


def foremost(units: Sequence[UnitReport]) -> tuple[list[UnitReport], list[UnitReport]]:
    """The units to show at once, and those to fold away: of many, those without trouble beside the critical path."""
    if len(units) <= _MOST_OPEN:
        return list(units), []
    at_once = [unit for unit in units if unit.status in TROUBLED or unit.items_failed or unit.is_critical]
    at_once = at_once or list(units[:_MOST_OPEN])
    shown = set(map(id, at_once))
    return at_once, [unit for unit in units if id(unit) not in shown]


class Report(NamedTuple):
    """Everything. `units` and `attempts` are those that are shown; the counts say how many there are. `overall` are
    bars of all units; `breaks` are the places on the axis where the run was resumed."""

    head: Head
    outline: Outline
    statuses: Sequence[tuple[str, str]]
    units: Sequence[UnitReport]
    units_left_out: int
    overall: Sequence[Bar]
    critical: Critical | None
    breaks: Sequence[float]
    attempts: Sequence[AttemptReport]
    attempts_left_out: int
    faults: int
    fields: Sequence[FieldReport]
    fields_left_out: int
    models: Sequence[ModelReport]
    args: Sequence[ValueLine]
    artifacts: Sequence[Artifact]
    artifacts_left_out: int
