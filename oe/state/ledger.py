"""The writes of a run and their fold: views of ancestors, the final state. Pure; the one place that merges.

Entries are folded by rank of the unit, then by position inside it (iteration, item, stage), never by time, so the same
outcomes give the same state at any concurrency (docs/reference/semantics.md, State).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from oe.lang.scope import MISSING, Missing
from oe.plan.graph import Graph, ranks_in
from oe.spec.model import Field, Merge
from oe.values import Json, JsonObject

Position: TypeAlias = "int | tuple[int, ...]"
"""The place of an outcome inside its unit: () for a plain node, the item's index in a fan-out (an int alone: a hundred
thousand tuples would cost 6 MB)."""

Writes: TypeAlias = "Sequence[tuple[str, Json]]"
"""Deltas by field, in the order written."""

_NOTHING: JsonObject = {}


class Origin(NamedTuple):
    """Where writes are from that an earlier run made: the key that they were made under, and that run's id."""

    key: str
    run_id: str


def merge(rule: Merge, current: Json | Missing, delta: Json) -> Json:
    """The value of a field after one more delta. An array_append delta that is no list is one element."""
    if rule == "last_wins":
        return delta
    if rule == "set_once":
        return delta if isinstance(current, Missing) else current
    start = list(current) if isinstance(current, list) else []
    start.extend(delta if isinstance(delta, list) else [delta])
    return start


def base_defaults(fields: Iterable[Field]) -> dict[str, Json]:
    """The defaults that a run starts from. That of a set_once field is none of them: it is what the field has while
    nobody has set it, and the first write sets it."""
    return {field.name: field.default for field in fields
            if field.merge != "set_once" and not isinstance(field.default, Missing)}


class Ledger:
    """Who wrote what. `base` is the state that the run started from: defaults (`base_defaults`), and what the workspace
    had."""

    def __init__(self, graph: Graph, fields: Mapping[str, Field], base: JsonObject) -> None:
        self._graph = graph
        self._ancestors = graph.ancestors
        self._fields = fields
        self._base = base
        self._entries: dict[str, dict[int, dict[Position, Json]]] = {}
        self._written: dict[str, int] = {}
        self._origins: dict[tuple[int, Position], Origin] = {}

    def record(self, rank: int, position: Position, writes: Iterable[tuple[str, Json]],
               origin: Origin | None = None) -> None:
        """Takes the writes of one committed outcome; an earlier outcome of the same place is replaced."""
        if origin is not None:
            self._origins[rank, position] = origin
        for field, value in writes:
            self._entries.setdefault(field, {}).setdefault(rank, {})[position] = value
            self._written[field] = self._written.get(field, 0) | 1 << rank

    def view(self, rank: int, names: Collection[str], inside: JsonObject = _NOTHING) -> dict[str, Json]:
        """The named fields as the unit of that rank sees them; a field without a value is left out. `inside` holds the
        fields that were written inside the unit already, as `grow` gives them."""
        view = self._fold(self._ancestors[rank], [name for name in names if name not in inside])
        view.update((name, inside[name]) for name in names if name in inside)
        return view

    def grow(self, rank: int, inside: dict[str, Json], writes: Writes) -> None:
        """Folds further writes of a unit on what was written inside it, beginning with what the unit sees. The work is
        that of the new writes, however many there were before. None of them is to a set_once field."""
        for field, delta in writes:
            current = inside[field] if field in inside else self.view(rank, (field,)).get(field, MISSING)
            inside[field] = merge(self._fields[field].merge, current, delta)

    def after(self, rank: int, names: Iterable[str]) -> dict[str, Json]:
        """The unit's view plus what it wrote itself: what the conditions of its outgoing edges see."""
        return self._fold(self._ancestors[rank] | 1 << rank, names)

    def set_before(self, unit_id: str, name: str) -> Json | Missing:
        """What a set_once field was set to before the unit; MISSING where it was not, whatever its default. Nodes
        inside other units write none."""
        rank = self._graph.rank.get(unit_id)
        return MISSING if rank is None else self._set(name, self._ancestors[rank])

    def final(self) -> dict[str, Json]:
        """The fold over all units."""
        return self._fold(-1, self._fields)

    def deltas(self, name: str) -> Iterator[tuple[Json, Origin | None]]:
        """All writes to a field in fold order, with where they are from: what may be published to the workspace."""
        entries = self._entries.get(name, {})
        for rank in ranks_in(self._written.get(name, 0)):
            for position in sorted(entries[rank]):
                yield entries[rank][position], self._origins.get((rank, position))

    def _values(self, name: str, mask: int) -> Iterable[Json]:
        entries = self._entries.get(name, {})
        for rank in ranks_in(self._written.get(name, 0) & mask):
            yield from _ordered(entries[rank])

    def _fold(self, mask: int, names: Iterable[str]) -> dict[str, Json]:
        view: dict[str, Json] = {}
        for name in names:
            rule = self._fields[name].merge
            if rule == "last_wins":
                value = self._last(name, mask)
            elif rule == "set_once":
                value = self._first(name, mask)
            else:
                value = self._appended(name, mask)
            if not isinstance(value, Missing):
                view[name] = value
        return view

    def _last(self, name: str, mask: int) -> Json | Missing:
        written = self._written.get(name, 0) & mask
        if not written:
            return self._base.get(name, MISSING)
        entries = self._entries[name][written.bit_length() - 1]
        return entries[max(entries)] if len(entries) > 1 else next(iter(entries.values()))

    def _first(self, name: str, mask: int) -> Json | Missing:
        value = self._set(name, mask)
        return self._fields[name].default if isinstance(value, Missing) else value

    def _set(self, name: str, mask: int) -> Json | Missing:
        """What a set_once field was set to: by an earlier run, or by the first unit of the mask that wrote it."""
        if name in self._base:
            return self._base[name]
        return next(iter(self._values(name, mask)), MISSING)

    def _appended(self, name: str, mask: int) -> Json | Missing:
        if not self._written.get(name, 0) & mask:
            return self._base.get(name, MISSING)
        value: list[Json] = []
        start = self._base.get(name)
        if isinstance(start, list):
            value.extend(start)
        for delta in self._values(name, mask):
            if isinstance(delta, list):
                value.extend(delta)
            else:
                value.append(delta)
        return value


def _ordered(entries: Mapping[Position, Json]) -> Sequence[Json]:
    if len(entries) == 1:
        return list(entries.values())
    return [entries[position] for position in sorted(entries)]
