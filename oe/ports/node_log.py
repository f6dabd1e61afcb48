"""Where the things that a node prints go."""

from __future__ import annotations

from typing import Protocol


class NodeLog(Protocol):
    """The log of one slot. It comes into being with the first write. Safe from any thread; never raises."""

    def write(self, text: str | bytes) -> None:
        """Appends; bytes that are no UTF-8 are shown with replacement characters."""

    def close(self) -> None:
        """Hands over what is still held back. Further writes are dropped."""


class NodeLogs(Protocol):
    """Opens the log of a slot."""

    def open(self, slot: str) -> NodeLog:
        """The slot's log, to be appended to."""
