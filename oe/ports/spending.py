"""What calls cost: reserved before they are made, settled after, within the budgets of run, node and loop."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Cost(NamedTuple):
    """What something costs or may cost. `tokens` are those in and out together."""

    usd: float = 0.0
    tokens: int = 0
    calls: int = 0


class Spent(NamedTuple):
    """What one call came to. `usd` None: no price is known. `is_estimated`: it broke off, and nobody told its usage."""

    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = None
    model: str = ""
    is_estimated: bool = False


class Charge(Protocol):
    """One call that may be made: its worst case counts as spent until it is settled. Where it is never settled, because
    what was charged for broke off, the worst case stands."""

    def settle(self, spent: Spent) -> None:
        """What the call came to."""

    async def again(self) -> None:
        """Another call like the one that was settled, charged as that was: waits until it fits. Raises NodeError where
        it does not, and then nothing is charged any more."""

    def forget(self) -> None:
        """The call was not made, or cost nothing."""


class Charged(NamedTuple):
    """What one charge of a slot counts for: its worst case, all of it as tokens in, until it is settled. `is_unpriced`:
    the price of what was called is not known, and not in `usd`."""

    slot: str
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    calls: int = 0
    is_settled: bool = True
    is_unpriced: bool = False

    @property
    def cost(self) -> Cost:
        """The same as a cost."""
        return Cost(self.usd, self.input_tokens + self.output_tokens, self.calls)
