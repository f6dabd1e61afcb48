"""Turns of the event loop for work that never waits: what is replayed is taken without an await, item after item, and
would keep signals, stops and displays waiting until the last one."""

from __future__ import annotations

import asyncio

EVERY = 16
"""Steps from one turn to the next: often enough that a stop is heard within milliseconds, and cheap beside a commit."""


class Turns:
    """Lets the event loop go round once in EVERY steps. Whoever is cancelled hears of it there: CancelledError."""

    __slots__ = ("_steps",)

    def __init__(self) -> None:
        self._steps = 0

    async def step(self) -> None:
        """One more step of the work."""
        self._steps += 1
        if self._steps >= EVERY:
            self._steps = 0
            await asyncio.sleep(0)
