"""What the operators of expressions do with JSON values. Nothing is coerced; results are finite and bounded in size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite

from oe.errors import NodeError
from oe.text import clip
from oe.values import Json, compact, equal, is_number, kind_of

LARGEST_BITS = 4096
"""Bits of an integer result; more digits than anyone compares, few enough to stay instant."""

LARGEST_RESULT = 1_000_000
"""Characters of a text, items of a list, that an operator may build."""


def failure(message: str, hint: str | None = None) -> NodeError:
    """The error of an expression that cannot be evaluated with the values at hand: a fault that no retry mends."""
    return NodeError(message, name="ExpressionError", retryable=False, hint=hint, code="expression-failed")


def found(value: Json) -> str:
    """A value as an error shows it: `string 'x'`, `integer 3`, `list of 2`."""
    if isinstance(value, str):
        return f"string '{clip(value, 40)}'"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return "an object"
    return "null" if value is None else f"{kind_of(value)} {clip(_number_text(value), 40)}"


def _number_text(value: Json) -> str:
    if isinstance(value, int) and value.bit_length() > LARGEST_BITS:
        return "of many digits"
    try:
        return compact(value)
    except ValueError:
        return str(value)


def add(left: Json, right: Json) -> Json:
    """The sum of numbers, or two texts or lists joined."""
    if isinstance(left, str) and isinstance(right, str):
        _check_size(len(left) + len(right), "characters")
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        _check_size(len(left) + len(right), "items")
        return left + right
    return _arithmetic("+", lambda one, other: one + other, left, right)


def _check_size(size: int, unit: str) -> None:
    if size > LARGEST_RESULT:
        raise failure(f"'+' would build {size} {unit}, more than {LARGEST_RESULT}")


def subtract(left: Json, right: Json) -> Json:
    """The difference of numbers."""
    return _arithmetic("-", lambda one, other: one - other, left, right)


def multiply(left: Json, right: Json) -> Json:
    """The product of numbers."""
    return _arithmetic("*", lambda one, other: one * other, left, right)


def divide(left: Json, right: Json) -> Json:
    """The quotient of numbers: an integer where the division of integers comes out even."""
    return _arithmetic("/", _quotient, left, right)


def _quotient(left: float, right: float) -> float:
    if isinstance(left, int) and isinstance(right, int) and left % right == 0:
        return left // right
    return left / right


def remainder(left: Json, right: Json) -> Json:
    """The remainder, with the sign of the divisor: `-1 % 3` is 2."""
    return _arithmetic("%", lambda one, other: one % other, left, right)


def negate(value: Json) -> Json:
    """The number with the other sign."""
    if not isinstance(value, int | float) or not is_number(value):
        raise failure(f"'-' takes a number, found {found(value)}")
    return -value


def _arithmetic(sign: str, apply: Callable[[float, float], float], left: Json, right: Json) -> Json:
    if not isinstance(left, int | float) or not isinstance(right, int | float) \
            or not is_number(left) or not is_number(right):
        raise failure(f"'{sign}' takes two numbers{' or two texts or lists' if sign == '+' else ''}, "
                      f"found {found(left)} and {found(right)}")
    _check_operands(sign, left, right)
    try:
        result = apply(left, right)
    except ZeroDivisionError:
        raise failure(f"'{sign}' by zero") from None
    except OverflowError:
        raise failure(f"result of '{sign}' is too large") from None
    return checked_number(result, sign)


def _check_operands(sign: str, left: float, right: float) -> None:
    """Refuses integers that would make the operation itself slow."""
    for side in (left, right):
        if isinstance(side, int) and side.bit_length() > LARGEST_BITS:
            raise failure(f"'{sign}' takes numbers of at most {LARGEST_BITS} bits")


def checked_number(value: float, what: str) -> int | float:
    """The number, if it is finite and of a bounded size."""
    if isinstance(value, int):
        if value.bit_length() > LARGEST_BITS:
            raise failure(f"result of '{what}' is too large")
    elif not isfinite(value):
        raise failure(f"result of '{what}' is not a finite number")
    return value


def compare(sign: str, left: Json, right: Json) -> int:
    """Below zero, zero or above zero as the left side is less, equal or greater. Numbers and texts can be ordered."""
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    if is_number(left) and is_number(right) and isinstance(left, int | float) and isinstance(right, int | float):
        return (left > right) - (left < right)
    raise failure(f"'{sign}' orders two numbers or two texts, found {found(left)} and {found(right)}")


def is_in(item: Json, container: Json, name: str = "in") -> bool:
    """Whether a list has an equal item, a text the part, an object the key."""
    if isinstance(container, list):
        return any(equal(item, each) for each in container)
    if isinstance(container, str | Mapping):
        if not isinstance(item, str):
            what = "a text" if isinstance(container, str) else "an object"
            raise failure(f"'{name}' looks for a text in {what}, found {found(item)}")
        return item in container
    raise failure(f"'{name}' looks in a list, text or object, found {found(container)}")
