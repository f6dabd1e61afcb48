"""What an earlier process of the same run has committed: what a resumed run need not do again (semantics §5, §6)."""

from __future__ import annotations

from collections.abc import Iterable

from oe.ports.store import Outcome


class Restored:
    """The last outcome of every slot, and how often each was tried. Outcomes are taken out as the run reaches them."""

    def __init__(self, outcomes: Iterable[Outcome] = ()) -> None:
        self._last: dict[str, Outcome] = {}
        self.numbers: dict[str, int] = {}
        for outcome in outcomes:
            self._last[outcome.slot] = outcome
            self.numbers[outcome.slot] = max(outcome.attempt, self.numbers.get(outcome.slot, 0))

    def take_success(self, slot: str) -> Outcome | None:
        """The slot's outcome if it succeeded; a slot that did not is run again."""
        outcome = self._last.get(slot)
        return self._last.pop(slot) if outcome is not None and outcome.status == "success" else None

    def take_skip(self, slot: str, reason: str) -> Outcome | None:
        """The slot's outcome if it was skipped for the same reason."""
        outcome = self._last.get(slot)
        if outcome is None or outcome.status != "skipped" or outcome.reason != reason:
            return None
        return self._last.pop(slot)
