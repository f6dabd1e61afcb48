"""The JSONL log of one run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from oe.state.events import Event


class EventLog(Protocol):
    """Appends events as whole lines, numbering them. On a write error the file is cut to its last whole line, the
    error is reported once through `on_trouble`, and the run goes on; `repair` mends it later (semantics §5)."""

    def append(self, events: Sequence[Event], *, flush: bool) -> None:
        """Adds the events in order; with `flush` they are with the operating system before this returns."""

    def flush(self) -> None:
        """Hands over what is still buffered."""

    def repair(self, committed: Iterable[Event]) -> int:
        """Cuts a torn tail and appends the committed events that are missing, with their own times; how many."""

    def close(self) -> None:
        """Flushes and closes."""
