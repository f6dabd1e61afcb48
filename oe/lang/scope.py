"""What references can see while a node runs: state, arguments, item, edge inputs. Holds values, decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from oe.values import Json


class Missing(Enum):
    """The type of MISSING, which stands for 'no value here': null is a value, MISSING is none. It is false."""

    MISSING = "missing"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING

_NOTHING: Mapping[str, Json] = {}


class Scope:
    """The values that the names of a reference stand for; what does not exist in a place is MISSING.

    `own` holds the arguments of the node itself, which a bare name in a prompt finds first; `args` are the run's.
    `reads` holds what a bare name may find last; without it that is the whole state.
    """

    __slots__ = ("args", "index", "inputs", "item", "iteration", "own", "prev", "reads", "state")

    def __init__(self, state: Mapping[str, Json] = _NOTHING, args: Mapping[str, Json] = _NOTHING,  # noqa: PLR0913, PLR0917
                 inputs: Mapping[str, Json] = _NOTHING, item: Json | Missing = MISSING,
                 index: int | Missing = MISSING, iteration: int | Missing = MISSING,
                 prev: Json | Missing = MISSING, reads: Mapping[str, Json] | None = None) -> None:
        self.state = state
        self.args = args
        self.inputs = inputs
        self.item = item
        self.index = index
        self.iteration = iteration
        self.prev = prev
        self.own = _NOTHING
        self.reads = state if reads is None else reads

    def with_own(self, args: Mapping[str, Json]) -> Scope:
        """The same scope with the node's own arguments."""
        scope = Scope(self.state, self.args, self.inputs, self.item, self.index, self.iteration, self.prev, self.reads)
        scope.own = args
        return scope
