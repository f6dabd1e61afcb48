"""The functions of expressions: one table of name, signature and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from oe.errors import OeError
from oe.lang.expression_operators import checked_number, compare, failure, found, is_in
from oe.lang.expression_tree import Literal, Lookup, Node
from oe.lang.scope import MISSING, Missing
from oe.values import Json, is_number

Value: TypeAlias = "Json | Missing"


class Function(NamedTuple):
    """`most` None: any number of arguments. With `takes_missing` the function sees missing values itself;
    otherwise a missing argument makes the result missing."""

    signature: str
    least: int
    most: int | None
    apply: Callable[[Sequence[Value]], Value]
    takes_missing: bool = False

    def problem(self, name: str, arguments: Sequence[Node]) -> tuple[str, str] | None:
        """What is wrong with a call, as message and hint."""
        count = len(arguments)
        if count < self.least or (self.most is not None and count > self.most):
            wanted = str(self.least) if self.least == self.most else f"at least {self.least}" if self.most is None \
                else f"{self.least} to {self.most}"
            return f"function '{name}' takes {_arguments(wanted)}, found {count}", f"write {self.signature}"
        if name == "exists" and not isinstance(arguments[0], Lookup):
            return "function 'exists' takes a path", f"write {self.signature}"
        if name == "matches" and isinstance(arguments[1], Literal):
            return _pattern_problem(arguments[1].value)
        return None


def _arguments(wanted: str) -> str:
    return f"{wanted} argument" if wanted.endswith("1") else f"{wanted} arguments"


def _pattern_problem(pattern: Json) -> tuple[str, str] | None:
    if not isinstance(pattern, str):
        return f"function 'matches' takes a pattern, found {found(pattern)}", "write matches($.name, '^[a-z]+$')"
    from oe.lang.patterns import pattern_problem  # only where there is a pattern

    problem = pattern_problem(pattern)
    return None if problem is None else (problem[0], problem[1] or "see the reference on patterns")


def _length(arguments: Sequence[Value]) -> Value:
    value = arguments[0]
    if isinstance(value, str | list | Mapping):
        return len(value)
    raise _unfit("length", "a text, list or object", value)


def _exists(arguments: Sequence[Value]) -> Value:
    return arguments[0] is not MISSING


def _keys(arguments: Sequence[Value]) -> Value:
    value = arguments[0]
    if isinstance(value, Mapping):
        return list(value)
    raise _unfit("keys", "an object", value)


def _lower(arguments: Sequence[Value]) -> Value:
    return _text("lower", arguments[0]).lower()


def _upper(arguments: Sequence[Value]) -> Value:
    return _text("upper", arguments[0]).upper()


def _contains(arguments: Sequence[Value]) -> Value:
    container, item = arguments
    if isinstance(container, Missing) or isinstance(item, Missing):
        return MISSING
    return is_in(item, container, "contains")


def _starts_with(arguments: Sequence[Value]) -> Value:
    return _text("starts_with", arguments[0]).startswith(_text("starts_with", arguments[1]))


def _ends_with(arguments: Sequence[Value]) -> Value:
    return _text("ends_with", arguments[0]).endswith(_text("ends_with", arguments[1]))


def _matches(arguments: Sequence[Value]) -> Value:
    text, pattern = _text("matches", arguments[0]), _text("matches", arguments[1])
    from oe.lang.patterns import search  # only where there is a pattern

    try:
        return search(pattern, text)
    except OeError as error:
        raise failure(f"function 'matches': {error.message}", error.hint) from error


def _least(arguments: Sequence[Value]) -> Value:
    return _extreme("min", arguments, -1)


def _greatest(arguments: Sequence[Value]) -> Value:
    return _extreme("max", arguments, 1)


def _extreme(name: str, arguments: Sequence[Value], wanted: int) -> Value:
    values = _spread(name, arguments)
    if not values:
        return MISSING
    best = values[0]
    if not isinstance(best, str) and not is_number(best):
        raise _unfit(name, "numbers or texts", best)
    for value in values:
        if compare(name, value, best) == wanted:
            best = value
    return best


def _sum(arguments: Sequence[Value]) -> Value:
    total: int | float = 0
    for value in _spread("sum", arguments):
        if not isinstance(value, int | float) or not is_number(value):
            raise _unfit("sum", "numbers", value)
        try:
            total = checked_number(total + value, "sum")
        except OverflowError:
            raise failure("result of 'sum' is too large") from None
    return total


def _any(arguments: Sequence[Value]) -> Value:
    return _quantified("any", arguments, any)


def _all(arguments: Sequence[Value]) -> Value:
    return _quantified("all", arguments, all)


def _quantified(name: str, arguments: Sequence[Value], decide: Callable[[Sequence[Value]], bool]) -> Value:
    if len(arguments) > 1:
        return decide(arguments)
    values = arguments[0]
    if isinstance(values, Missing):
        return MISSING
    if not isinstance(values, list):
        raise _unfit(name, "a list, or several values", values)
    return decide(values)


def _default(arguments: Sequence[Value]) -> Value:
    value, fallback = arguments
    return fallback if value is MISSING or value is None else value


def _spread(name: str, arguments: Sequence[Value]) -> Sequence[Json]:
    """The items of the one list, or the arguments themselves."""
    if len(arguments) > 1:
        return [value for value in arguments if not isinstance(value, Missing)]
    values = arguments[0]
    if isinstance(values, list):
        return values
    raise _unfit(name, "a list, or several values", values)


def _text(name: str, value: Value) -> str:
    if not isinstance(value, str):
        raise _unfit(name, "a text", value)
    return value


def _unfit(name: str, wanted: str, value: Value) -> OeError:
    shown = "nothing" if isinstance(value, Missing) else found(value)
    return failure(f"function '{name}' takes {wanted}, found {shown}")


FUNCTIONS: dict[str, Function] = {
    "length": Function("length(text, list or object)", 1, 1, _length),
    "exists": Function("exists($.path)", 1, 1, _exists, True),
    "keys": Function("keys(object)", 1, 1, _keys),
    "lower": Function("lower(text)", 1, 1, _lower),
    "upper": Function("upper(text)", 1, 1, _upper),
    "contains": Function("contains(list, text or object; item)", 2, 2, _contains),
    "starts_with": Function("starts_with(text, beginning)", 2, 2, _starts_with),
    "ends_with": Function("ends_with(text, end)", 2, 2, _ends_with),
    "matches": Function("matches(text, pattern)", 2, 2, _matches),
    "min": Function("min(list) or min(a, b, …)", 1, None, _least),
    "max": Function("max(list) or max(a, b, …)", 1, None, _greatest),
    "sum": Function("sum(list) or sum(a, b, …)", 1, None, _sum),
    "any": Function("any(list) or any(a, b, …)", 1, None, _any, True),
    "all": Function("all(list) or all(a, b, …)", 1, None, _all, True),
    "default": Function("default(value, fallback)", 2, 2, _default, True),
}
