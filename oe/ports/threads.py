"""Running blocking functions beside the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class ThreadRunner(Protocol):
    """Threads for blocking calls. They are daemons: one that never returns is abandoned, named in `abandoned`, and
    never awaited at exit."""

    async def call(self, function: Callable[[], T], name: str) -> T:
        """The function's result, run in a thread with a copy of the caller's context. On cancellation the thread is
        abandoned and CancelledError raised at once."""

    def abandoned(self) -> list[str]:
        """Names of calls that were given up and still run."""

    def busy(self) -> dict[int, str]:
        """The calls that are being carried out, abandoned ones too, by the identity of their thread."""

    def close(self) -> None:
        """Gives back threads that are idle."""
