"""What a log lacks and what it has too much, compared with the truth. Pairs two streams; opens nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from oe.clock import iso
from oe.state.events import EVENTS, Event
from oe.values import Json, JsonObject

Identity: TypeAlias = "tuple[Json, Json, Json, Json]"
"""Type, slot, attempt and time. The n of several alike is their number: they are counted, not told apart."""


class Comparison:
    """Walks the log's committed events and the truth's side by side.

    Both are in commit order, so almost always the two heads agree and nothing is kept; what does not agree at once
    waits until its counterpart comes. Time is linear in the events, memory in how far the two are out of step.
    """

    def __init__(self, committed: Iterable[Event]) -> None:
        self._committed = iter(committed)
        self._waiting: dict[Identity, list[tuple[int, Event]]] = {}
        self._unknown: dict[Identity, list[tuple[int, int]]] = {}
        self._count = 0

    def saw(self, record: JsonObject, start: int, seq: int) -> None:
        """Takes the next line of the log: its event, its place in the file, and its number."""
        kind = EVENTS.get(str(record.get("type")))
        if kind is None or not kind.committed:
            return
        logged = (kind.name, record.get("slot"), record.get("attempt"), record.get("ts"))
        event = next(self._committed, None)
        if event is not None:
            self._count += 1
            identity = _identity(event)
            if identity == logged and not self._waiting.get(identity):
                return
            if not self._cancel_unknown(identity):
                self._waiting.setdefault(identity, []).append((self._count, event))
        if not self._cancel_waiting(logged):
            self._unknown.setdefault(logged, []).append((start, seq))

    def missing(self) -> Iterator[Event]:
        """After the last line: the committed events that the log lacks, in commit order."""
        for _, event in sorted(pair for pairs in self._waiting.values() for pair in pairs):
            yield event
        for event in self._committed:
            if not self._cancel_unknown(_identity(event)):
                yield event

    def unknown(self) -> list[tuple[int, int]]:
        """After `missing` is used up: place and number of the lines that the truth does not know."""
        return sorted(line for lines in self._unknown.values() for line in lines)

    def _cancel_unknown(self, identity: Identity) -> bool:
        lines = self._unknown.get(identity)
        if not lines:
            return False
        lines.pop(0)
        return True

    def _cancel_waiting(self, identity: Identity) -> bool:
        pairs = self._waiting.get(identity)
        if not pairs:
            return False
        pairs.pop(0)
        return True


def _identity(event: Event) -> Identity:
    slot = event.slot
    return event.type, slot, None if slot is None else event.attempt, iso(event.ts)
