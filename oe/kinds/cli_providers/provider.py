"""What a coding agent's command line is to the kind `cli-agent`: how it is called, and how its events are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from oe.lang.scope import MISSING, Missing
from oe.ports.model import Usage
from oe.values import Json, JsonObject

ANSWERS = "answers"
"""What an agent does that says something. What it says is its output, which no event shows."""


class Transcript:
    """The events of one session, taken as they come. Of several endings the last counts.

    `ended`: its own last event has come. `answer` is what the agent said in the end, `value` the object that the
    program itself has read from it, where it does that; `failure` is the program's own word for what went wrong, and
    `failure_lasts` that the same session would fail again. What it does not tell is None, MISSING or empty.
    """

    __slots__ = ("answer", "cost_usd", "ended", "failure", "failure_lasts", "model", "usage", "value")

    def __init__(self) -> None:
        self.ended = False
        self.answer: str | None = None
        self.value: Json | Missing = MISSING
        self.failure: str | None = None
        self.failure_lasts = False
        self.usage: Usage | None = None
        self.cost_usd: float | None = None
        self.model = ""

    def take(self, event: JsonObject) -> str | None:
        """Takes the next event; what the agent does now in a few words, where the event tells. Never fails: a member of
        another type than documented counts as not there. Here: a program of which nothing is known tells nothing."""
        return None


class Verdict(NamedTuple):
    """What a failure means: a code, whether the same call can succeed later, and what helps."""

    code: str
    retryable: bool
    hint: str | None = None


class Provider(NamedTuple):
    """One program. `variables` are those of its environment that it may need and no other program gets: its own keys
    and addresses. `login` says how to let it in, `install` how to get it. `exits` are exit codes with a meaning of
    their own. `permissive` are words of its command line that let it act unasked. `arguments` makes its command line
    from the model and the node's `extra_args`: with it the program reads the prompt on standard input, prints events,
    and allows the agent no more than it does by itself. `speaks` tells its events from those of other programs.
    """

    name: str
    program: str
    install: str
    login: str
    variables: tuple[str, ...]
    exits: Mapping[int, Verdict]
    permissive: frozenset[str]
    arguments: Callable[[str | None, Sequence[str]], list[str]]
    speaks: Callable[[JsonObject], bool]
    transcript: Callable[[], Transcript]


def text_of(value: Json) -> str:
    """A text; an empty one for everything else."""
    return value if isinstance(value, str) else ""


def object_of(value: Json) -> JsonObject:
    """An object; an empty one for everything else."""
    return value if isinstance(value, dict) else {}


def objects_of(value: Json) -> list[JsonObject]:
    """The objects in a list; none for everything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


_MOST_TOKENS = 10**15
_MOST_USD = 10**9
"""More than any call can come to, and what a ledger can hold: a program that tells of more has told nothing."""


def count_of(value: Json) -> int:
    """A number of tokens; 0 for everything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MOST_TOKENS else 0


def amount_of(value: Json) -> float | None:
    """An amount of money; None for everything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < _MOST_USD else None  # type: ignore[operator, arg-type]


def told(parts: Sequence[Json]) -> str | None:
    """What an agent does now, from words that may be missing; None where all are."""
    words = [" ".join(part.split()) for part in parts if isinstance(part, str) and part.strip()]
    return ": ".join(words) or None
