"""What a run needs to ask models, made when the first of its nodes does: most runs never ask one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from oe.values import JsonObject

if TYPE_CHECKING:
    from oe.ports.model import Models
    from oe.run.estimates import Price
    from oe.spec.model import Budget, Experience, Node


class ModelUse(NamedTuple):
    """How a run asks models. `models` and `price` build what they give; `identity` is what of a node's model and
    provider can change its answer, None for a node that asks none. `budget` is that of the run; `abandoned` names calls
    that were given up and cannot be ended; `below` says how a nested experience asks (None: in the same way)."""

    models: Callable[[], Models]
    price: Callable[[], Price]
    identity: Callable[[Node], JsonObject | None]
    budget: Budget | None = None
    logs_prompts: bool = False
    abandoned: Callable[[], list[str]] = list
    below: Callable[[Experience], ModelUse] | None = None

    def within(self, experience: Experience) -> ModelUse:
        """How the nodes of an experience ask that is nested in the one that this is for."""
        return self if self.below is None else self.below(experience)
