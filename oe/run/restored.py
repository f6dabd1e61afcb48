"""What earlier processes of the same run have committed: what a resumed run need not do again.

Where each slot's last outcome stands in the journal is kept, not the outcome: a hundred thousand finished items are
numbers in an array, and each outcome is read when its slot is asked for.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import repeat

from oe.ports.store import Mark, Outcome


class _Series:
    """Slots that differ in their first index alone, or the one slot without an index. `last` holds for each twice the
    number of its last outcome that counts, plus one for a success; 0 where there is none. `tries` are attempts."""

    __slots__ = ("last", "tries")

    def __init__(self) -> None:
        self.last = array("Q")
        self.tries = array("I")

    def reach(self, index: int) -> None:
        """Makes room for the index."""
        missing = index + 1 - len(self.last)
        if missing > 0:
            self.last.extend(repeat(0, missing))
            self.tries.extend(repeat(0, missing))


class Restored:
    """The last outcome of every slot, and how often each was tried. An outcome that the run takes over is no longer
    asked for; one that does not count any more leaves with its number, for the store to supersede.

    Made from what was committed before this process's part of the run; of what is newer it knows only where it is told
    to look again.
    """

    def __init__(self, marks: Iterable[Mark] = (), read: Callable[[int], Outcome] | None = None) -> None:
        self._series: dict[str, _Series] = {}
        self._read = read
        self.outdated: list[int] = []
        """Successes that a later outcome of their slot has replaced and that count all the same."""
        for mark in marks:
            self._add(mark)

    def look_again(self, marks: Iterable[Mark]) -> None:
        """Takes in what this process has committed meanwhile, for slots that are to be carried out once more."""
        for mark in marks:
            name, index = _placed(mark.slot)
            series = self._series.setdefault(name, _Series())
            series.reach(index)
            series.tries[index] = max(mark.attempt, series.tries[index])
            series.last[index] = mark.number << 1 | (mark.status == "success") if mark.counts else 0

    def _add(self, mark: Mark) -> None:
        name, index = _placed(mark.slot)
        series = self._series.get(name)
        if series is None:
            series = self._series[name] = _Series()
        series.reach(index)
        series.tries[index] = max(mark.attempt, series.tries[index])
        if mark.counts:
            if series.last[index] & 1:
                self.outdated.append(series.last[index] >> 1)
            series.last[index] = mark.number << 1 | (mark.status == "success")

    def tried(self, slot: str) -> int:
        """The number of the slot's last attempt, superseded ones included; 0 where there was none."""
        if not self._series:
            return 0  # a new run
        name, index = _placed(slot)
        series = self._series.get(name)
        return series.tries[index] if series is not None and index < len(series.tries) else 0

    def has_success(self, slot: str) -> bool:
        """Whether the slot's outcome is a success; a slot whose is not is run again."""
        return bool(self._last(slot) & 1)

    def find_success(self, slot: str) -> Outcome | None:
        """The slot's outcome if it succeeded."""
        return self._find(slot) if self._last(slot) & 1 else None

    def find_failure(self, slot: str) -> Outcome | None:
        """The slot's outcome if it failed."""
        outcome = None if self._last(slot) & 1 else self._find(slot)
        return outcome if outcome is not None and outcome.status == "failed" else None

    def take_skip(self, slot: str, reason: str) -> Outcome | None:
        """The slot's outcome if it was skipped for the same reason."""
        outcome = None if self._last(slot) & 1 else self._find(slot)
        if outcome is None or outcome.status != "skipped" or outcome.reason != reason:
            return None
        self.take(slot)
        return outcome

    def take(self, slot: str) -> None:
        """The slot's outcome holds for this part of the run too."""
        self._clear(slot)

    def replace(self, slot: str) -> list[int]:
        """The slot's outcome does not hold any more; the numbers of what is to be superseded."""
        last = self._clear(slot)
        return [last >> 1] if last & 1 else []

    def forget(self, units: Collection[str]) -> list[int]:
        """Replaces the successes of these units, items and nested slots among them."""
        return [number for name, series in self._series.items() if re.split(r"[\[/]", name, maxsplit=1)[0] in units
                for number in _cleared(series)]

    def left(self) -> list[int]:
        """Replaces the successes that nobody took: at the end of a run, what its experience no longer has."""
        return [number for series in self._series.values() for number in _cleared(series)]

    def _last(self, slot: str) -> int:
        if not self._series:  # most runs are no resumed ones
            return 0
        name, index = _placed(slot)
        series = self._series.get(name)
        return series.last[index] if series is not None and index < len(series.last) else 0

    def _clear(self, slot: str) -> int:
        last = self._last(slot)
        if last:
            name, index = _placed(slot)
            self._series[name].last[index] = 0
        return last

    def _find(self, slot: str) -> Outcome | None:
        last = self._last(slot)
        return self._read(last >> 1) if last and self._read is not None else None


def _placed(slot: str) -> tuple[str, int]:
    """The series of a slot and its index there."""
    head, bracket, rest = slot.partition("[")
    if not bracket:
        return slot, 0
    index, _, tail = rest.partition("]")
    return f"{head}[]{tail}", int(index)


def _cleared(series: _Series) -> Iterator[int]:
    for index, last in enumerate(series.last):
        if last & 1:
            series.last[index] = 0
            yield last >> 1
