"""The state fields of a run with what each write changed, for a report: in the order of the fold, bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from oe.lang.scope import MISSING, Missing
from oe.ports.store import Outcome
from oe.render.report_value import FieldReport, WriteReport
from oe.render.value_lines import Bounds, Redact, ValueLine, added_lines, changed_lines, value_lines
from oe.spec.model import Field
from oe.state.ledger import merge
from oe.values import Json, JsonObject

_MOST_FIELDS = 150
_MOST_WRITES = 20
_ROOM = 1_200_000
_WIDE = Bounds(120, 400)
_NARROW = Bounds(4, 120)


class _Write(NamedTuple):
    place: tuple[int, tuple[int, ...]]
    ts: float
    slot: str
    attempt: int
    delta: Json


class FieldWrites:
    """Takes the outcomes that count, and gives what became of each field. `place_of` says where an outcome stands in
    the fold, None for one that is not in it (of a child experience)."""

    def __init__(self, fields: Mapping[str, Field],
                 place_of: Callable[[str], tuple[int, tuple[int, ...]] | None]) -> None:
        self._fields = fields
        self._place_of = place_of
        self._writes: dict[str, list[_Write]] = {}
        self._room = _ROOM

    def count(self, outcome: Outcome) -> None:
        """Takes one outcome."""
        if outcome.status != "success" or not outcome.writes:
            return
        place = self._place_of(outcome.slot)
        if place is not None:
            for field, delta in outcome.writes:
                write = _Write(place, outcome.finished_at, outcome.slot, outcome.attempt, delta)
                self._writes.setdefault(field, []).append(write)

    def fields(self, base: JsonObject, state: JsonObject, redact: Redact,
               axis: Callable[[float], float]) -> list[FieldReport]:
        """The fields in the order of the schema, those with a value or a write; at most 150."""
        found: list[FieldReport] = []
        for name, field in self._fields.items():
            if len(found) == _MOST_FIELDS:
                break
            if name in state or name in self._writes:
                found.append(self._field(field, base.get(name, MISSING), state.get(name, MISSING), redact, axis))
        return found

    def left_out(self, state: JsonObject) -> int:
        """How many fields `fields` does not show."""
        return max(0, sum(name in state or name in self._writes for name in self._fields) - _MOST_FIELDS)

    def _field(self, field: Field, base: Json | Missing, value: Json | Missing, redact: Redact,
               axis: Callable[[float], float]) -> FieldReport:
        final = None if isinstance(value, Missing) else self._taken(value_lines(value, redact, self._bounds()))
        writes = sorted(self._writes.get(field.name, ()), key=lambda write: write.place)
        half = _MOST_WRITES // 2
        chosen = set(range(half)) | set(range(len(writes) - half, len(writes)))
        shown = []
        for number, (before, write) in enumerate(_with_before(field, base, writes)):
            if (len(writes) <= _MOST_WRITES or number in chosen) and self._room > 0:
                lines = _write_lines(field, before, write.delta, redact)
                shown.append(WriteReport(write.slot, write.attempt, axis(write.ts), self._taken(lines)))
        return FieldReport(field.name, field.merge, field.persist, final, shown, len(writes) - len(shown))

    def _bounds(self) -> Bounds:
        return _WIDE if self._room > 0 else _NARROW

    def _taken(self, lines: list[ValueLine]) -> list[ValueLine]:
        self._room -= sum(len(line.text) + 30 for line in lines)
        return lines


def _with_before(field: Field, base: Json | Missing,
                 writes: Sequence[_Write]) -> Iterator[tuple[Json | Missing, _Write]]:
    """Each write with the value that it met. Lists are not put together: what a write adds is all there is to show."""
    current = base
    for write in writes:
        yield current, write
        if field.merge != "array_append":
            current = merge(field.merge, current, write.delta)


def _write_lines(field: Field, before: Json | Missing, delta: Json, redact: Redact) -> list[ValueLine]:
    if field.merge == "array_append":
        return added_lines(delta, redact, Bounds())
    if isinstance(before, Missing):
        return [line._replace(sign="+" if line.sign == " " else line.sign)
                for line in value_lines(delta, redact, Bounds())]
    return changed_lines(before, merge(field.merge, before, delta), redact, Bounds())
