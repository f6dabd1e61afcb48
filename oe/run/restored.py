"""What an earlier process of the same run has committed: what a resumed run need not do again (semantics §5, §6)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from oe.ports.store import Outcome


class Restored:
    """The last outcome of every slot, and how often each was tried. What the run has dealt with is discarded."""

    def __init__(self, outcomes: Iterable[Outcome] = ()) -> None:
        self._last: dict[str, Outcome] = {}
        self.numbers: dict[str, int] = {}
        for outcome in outcomes:
            self._last[outcome.slot] = outcome
            self.numbers[outcome.slot] = max(outcome.attempt, self.numbers.get(outcome.slot, 0))

    def find_success(self, slot: str) -> Outcome | None:
        """The slot's outcome if it succeeded; a slot that did not is run again."""
        outcome = self._last.get(slot)
        return outcome if outcome is not None and outcome.status == "success" else None

    def find_failure(self, slot: str) -> Outcome | None:
        """The slot's outcome if it failed."""
        outcome = self._last.get(slot)
        return outcome if outcome is not None and outcome.status == "failed" else None

    def take_skip(self, slot: str, reason: str) -> Outcome | None:
        """The slot's outcome if it was skipped for the same reason."""
        outcome = self._last.get(slot)
        if outcome is None or outcome.status != "skipped" or outcome.reason != reason:
            return None
        return self._last.pop(slot)

    def discard(self, slot: str) -> None:
        """The slot's outcome has been taken, or does not count any more."""
        self._last.pop(slot, None)

    def forget(self, nodes: Collection[str]) -> list[str]:
        """Discards the successes of these units, items and nested slots among them; the slots that are forgotten."""
        slots = [slot for slot, outcome in self._last.items()
                 if outcome.status == "success" and re.split(r"[\[/]", slot, maxsplit=1)[0] in nodes]
        for slot in slots:
            del self._last[slot]
        return slots

    def left(self) -> list[str]:
        """Slots with a success that nobody took: at the end of a run, what its experience no longer has."""
        return [slot for slot, outcome in self._last.items() if outcome.status == "success"]
