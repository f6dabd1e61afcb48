"""Which units plainly never run both: their ways lead through conditions of one source that contradict each other."""

from __future__ import annotations

from typing import NamedTuple

from oe.lang.expression import Expression, contradicts
from oe.spec.subject import Subject

_MOST_STEPS = 1_000
_MOST_CONDITIONS = 32
_MOST_PAIRS = 4_000


class _Guard(NamedTuple):
    """A condition that must hold for a unit to run. Two guards see the same values where their `view` is equal."""

    view: tuple[str, int]
    condition: Expression


class Branches:
    """Knows the conditions on the way to each unit that was asked about."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._guards: dict[int, list[_Guard]] = {}
        self._asked = 0

    def exclude(self, one: int, other: int) -> bool:
        """Whether the two units plainly cannot both run; False says nothing. After thousands of pairs, which only a
        generated experience has, every answer is True: time is bounded, and no false alarm given."""
        self._asked += 1
        if self._asked > _MOST_PAIRS:
            return True
        others = self._guards_of(other)
        return any(guard.view == rival.view and contradicts(guard.condition, rival.condition)
                   for guard in self._guards_of(one) for rival in others)

    def _guards_of(self, unit: int) -> list[_Guard]:
        if unit not in self._guards:
            self._guards[unit] = self._find_guards(unit)
        return self._guards[unit]

    def _find_guards(self, start: int) -> list[_Guard]:
        topology = self._subject.topology
        found: list[_Guard] = []
        waiting, seen = [start], {start}
        for _ in range(_MOST_STEPS):
            if not waiting or len(found) >= _MOST_CONDITIONS:
                break
            number = waiting.pop()
            unit = self._subject.units[number]
            if unit.when is not None:
                found.append(_Guard(("before", topology.ancestors[number]), unit.when))
            if unit.join == "always" or (unit.join == "any" and len(topology.incoming[number]) > 1):
                continue  # it may run although one of its edges is dead
            for edge in topology.incoming[number]:
                source = topology.edges[edge][0]
                condition = self._subject.sound_edges[edge].when
                if condition is not None:
                    found.append(_Guard(("after", source), condition))
                if source not in seen:
                    seen.add(source)
                    waiting.append(source)
        return found
