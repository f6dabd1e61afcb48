"""Cancellation of slots: one while its run goes on, all when the run is closed, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import suppress

from oe.ids import node_of


def is_being_cancelled() -> bool:
    """Whether the current task was asked to end, even where its code has swallowed that."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


class Cancellations:
    """The slots that are being carried out, with their tasks."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[object]] = {}
        self._asked: set[str] = set()
        self._cleaning: dict[str, asyncio.Task[str | None]] = {}

    @property
    def asked(self) -> frozenset[str]:
        """The slots and units that are to end and have not. May be read from any thread."""
        return frozenset(self._asked.copy())

    def begin(self, slot: str) -> None:
        """The current task carries the slot out."""
        task = asyncio.current_task()
        if task is not None:
            self._tasks[slot] = task

    def end(self, slot: str) -> None:
        """The slot has ended."""
        self._tasks.pop(slot, None)
        self._asked.discard(slot)

    def matching(self, name: str) -> list[str]:
        """The slots being carried out that a name means: itself, what is inside it, or all slots of a node; not those
        inside another of them, which end with it."""
        found = {slot for slot in self._tasks
                 if slot == name or slot.startswith((name + "[", name + "/")) or node_of(slot) == name}
        return [slot for slot in self._tasks if slot in found and found.isdisjoint(_around(slot))]

    def cancel(self, slot: str) -> None:
        """Ends one slot of a unit; the unit goes on."""
        if slot not in self._asked:
            self._asked.add(slot)
            self._tasks[slot].cancel()

    def mark(self, name: str) -> None:
        """A whole unit is being ended by its own task: what is in it ends for the same reason."""
        self._asked.add(name)

    def ends_alone(self, slot: str) -> bool:
        """Whether the slot was cancelled by itself, so that its task goes on; takes that cancellation back."""
        task = self._tasks.get(slot)
        if slot not in self._asked or task is None:
            return False
        return task.uncancel() == 0

    def close(self, prefix: str) -> None:
        """Ends everything below a slot now: what slots still do, and clean-ups that outlast a cancellation."""
        for tasks in (self._tasks, self._cleaning):
            for task in {task for slot, task in tasks.items() if slot.startswith(prefix)}:
                task.cancel()

    async def outlast(self, slot: str, cleaning: Coroutine[None, None, str | None]) -> str | None:
        """Carries clean-ups through although the current task is cancelled meanwhile; `close` cuts them short. Does not
        raise CancelledError: `is_being_cancelled` tells."""
        task = asyncio.ensure_future(cleaning)
        self._cleaning[slot] = task
        try:
            while not task.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.shield(task)
            return task.result()
        finally:
            del self._cleaning[slot]

    def reason(self, slot: str, otherwise: str) -> str:
        """Why the slot or unit is being cancelled: `otherwise` unless it, or something around it, was asked for."""
        return "manual" if self._asked and not self._asked.isdisjoint((slot, *_around(slot))) else otherwise


def _around(slot: str) -> Iterator[str]:
    """What a slot is inside of: `a[1]/b[2]` is in `a[1]/b`, `a[1]` and `a`."""
    for place, character in enumerate(slot):
        if character in "[/":
            yield slot[:place]
