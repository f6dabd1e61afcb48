"""What a compiled schema is made of: violations, the state of one check, and values compared as JSON compares them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from math import isfinite
from typing import NamedTuple, TypeAlias

from oe.lang.document import Path
from oe.text import clip
from oe.values import Json, compact, kind_of

ENOUGH = 100
"""Violations after which a check of one value stops looking for more."""

DEEPEST_VALUE = 100
"""Levels of a value that is compared as a whole: by enum, const, uniqueItems."""

_MOST_FRAMES = 550
_FIRST_STEPS = 1_000_000
_STEPS_PER_PART = 200


class Violation(NamedTuple):
    """One way in which a value breaks its schema; `path` leads into the value."""

    path: Path
    keyword: str
    message: str
    hint: str | None = None


class Run:
    """The bounds of one check: how deep and how often references may still be followed."""

    __slots__ = ("_is_extended", "_value", "frames", "steps")

    def __init__(self, value: Json) -> None:
        self._value = value
        self._is_extended = False
        self.frames = _MOST_FRAMES
        self.steps = _FIRST_STEPS

    def stop_or_go_on(self) -> None:
        """Raises Exhausted where the depth is used up; steps may grow with the size of the value, but not beyond."""
        if self.frames < 0:
            raise Exhausted("value is nested too deeply for its schema")
        if not self._is_extended:
            self._is_extended = True
            self.steps = _STEPS_PER_PART * _count_parts(self._value) - _FIRST_STEPS
        if self.steps < 0:
            raise Exhausted("schema takes too long to check for a value of this size")


class Exhausted(Exception):
    """A check came to its bounds; the argument is the violation's message."""


Found: TypeAlias = "list[Violation] | None"
Check: TypeAlias = Callable[[Json, Run], "list[Violation] | None"]
"""Checks a value: None, or its violations with paths that start at that value."""


def accept(value: Json, run: Run) -> Found:
    """The check of `true` and of a schema that asserts nothing."""
    return None


def reject(value: Json, run: Run) -> Found:
    """The check of `false`."""
    return [Violation((), "false", "no value is allowed here")]


def _count_parts(value: Json) -> int:
    count = 0
    waiting = [value]
    while waiting:
        part = waiting.pop()
        count += 1
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, Mapping):
            waiting += part.values()
    return count


def one(keyword: str, message: str, hint: str | None = None) -> list[Violation]:
    """A violation of the value itself."""
    return [Violation((), keyword, message, hint)]


def within(step: str | int, found: Iterable[Violation]) -> list[Violation]:
    """Violations of a part, as seen from the whole."""
    return [Violation((step, *path), keyword, message, hint) for path, keyword, message, hint in found]


def described(value: Json) -> str:
    """A value as a message shows it: `string 'x'`, `integer 5`, `object`."""
    kind = kind_of(value)
    if value is None or isinstance(value, list | Mapping):
        return kind
    return f"{kind} {literal(value)}"


def literal(value: Json) -> str:
    """A value as it would be written, cut to a readable length; strings in single quotes."""
    if isinstance(value, str):
        return f"'{clip(value, 60)}'"
    if isinstance(value, int) and value.bit_length() > 200:
        return "of many digits"
    try:
        return clip(compact(value), 60)
    except (ValueError, TypeError, RecursionError):
        return clip(str(value), 60) if isinstance(value, float) else kind_of(value)


def key_of(value: Json, depth: int = DEEPEST_VALUE) -> Hashable:
    """A key that is equal for equal JSON values: 1 and 1.0 agree, 1 and true do not, key order does not count."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return bool, value  # a type, which no list of JSON values begins with
    if value is None or isinstance(value, int | float):
        return value
    if depth == 0:
        raise Exhausted(f"value is nested deeper than {DEEPEST_VALUE} levels")
    if isinstance(value, Mapping):
        return frozenset((name, key_of(part, depth - 1)) for name, part in value.items()), len(value)
    return tuple(key_of(part, depth - 1) for part in value)


def is_multiple(value: float, step: float) -> bool:
    """Whether `value` is a whole multiple of `step`, both read as the decimals they are written as."""
    if isinstance(value, int) and isinstance(step, int):
        return value % step == 0
    if isinstance(value, float) and not isfinite(value):
        return False
    digits, exponent = _decimal(value)
    step_digits, step_exponent = _decimal(step)
    shift = exponent - step_exponent
    scale: int = 10 ** abs(shift)
    return digits * scale % step_digits == 0 if shift >= 0 else digits % (step_digits * scale) == 0


def _decimal(number: float) -> tuple[int, int]:
    """The number as digits times a power of ten: 0.25 is (25, -2)."""
    if isinstance(number, int):
        return number, 0
    mantissa, _, exponent = repr(number).partition("e")
    whole, _, fraction = mantissa.partition(".")
    return int(whole + fraction), int(exponent or 0) - len(fraction)
