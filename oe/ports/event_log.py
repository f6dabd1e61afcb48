"""The JSONL log of one run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from oe.state.events import Event


class EventLog(Protocol):
    """Appends events as whole lines, numbering them from where the log ends. On a write error the log is cut to its
    last whole line, the error is reported once through `on_trouble`, and the run goes on without a log: `broken` is
    true and nothing more is written until `repair` mends it. Known secrets are blanked in it."""

    @property
    def broken(self) -> bool:
        """Whether events were lost to a write error since the log was opened or repaired."""

    def append(self, events: Sequence[Event], *, flush: bool) -> int:
        """Adds the events in order and gives the `seq` of the first; the others follow it one by one. With `flush` they
        are with the operating system before this returns. A broken log still numbers them, for subscribers."""

    def flush(self) -> None:
        """Hands over what is still buffered."""

    def repair(self, committed: Iterable[Event]) -> int:
        """Makes the log agree with the truth: cuts what is torn, appends the committed events that are missing, with
        their own times, and takes out those that the truth does not know (a power cut can lose the last commits but
        keep their lines); how many were added. `committed` are all of the run's, in commit order. Where the log still
        cannot be written it stays `broken`."""

    def close(self) -> None:
        """Flushes and closes."""
