"""Keywords that apply other schemas to a value or to its parts. Each returns violations with paths from the value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from oe.lang.schema_checks import ENOUGH, Check, Found, Run, Violation, one, reject, within
from oe.text import clip, did_you_mean, plural
from oe.values import Json

Matcher = Callable[[str], bool]
"""Whether a key matches a pattern of `patternProperties`."""


def properties(checks: Mapping[str, Check]) -> Check:
    """`properties`."""
    pairs = tuple(checks.items())

    def check(value: Json, run: Run) -> Found:
        if not isinstance(value, Mapping):
            return None
        found: list[Violation] = []
        for name, inner in pairs:
            if name in value:
                part = inner(value[name], run)
                if part is not None:
                    found += within(name, part)
                    if len(found) >= ENOUGH:
                        break
        return found or None
    return check


def pattern_properties(checks: Sequence[tuple[Matcher, Check]]) -> Check:
    """`patternProperties`."""
    def check(value: Json, run: Run) -> Found:
        if not isinstance(value, Mapping):
            return None
        found: list[Violation] = []
        for name, part in value.items():
            for matches, inner in checks:
                if matches(name):
                    found += within(name, inner(part, run) or ())
            if len(found) >= ENOUGH:
                break
        return found or None
    return check


def additional_properties(names: frozenset[str], patterns: Sequence[Matcher], inner: Check) -> Check:
    """`additionalProperties` beside the names and patterns that its schema knows."""
    def check(value: Json, run: Run) -> Found:
        if not isinstance(value, Mapping):
            return None
        found: list[Violation] = []
        for name, part in value.items():
            if name in names or any(matches(name) for matches in patterns):
                continue
            if inner is reject:
                message = f"unknown key '{clip(name, 60)}'"
                found.append(Violation((name,), "additionalProperties", message, did_you_mean(name, names)))
            else:
                found += within(name, inner(part, run) or ())
            if len(found) >= ENOUGH:
                break
        return found or None
    return check


def property_names(inner: Check) -> Check:
    """`propertyNames`."""
    def check(value: Json, run: Run) -> Found:
        if not isinstance(value, Mapping):
            return None
        found: list[Violation] = []
        for name in value:
            for _, _, message, hint in inner(name, run) or ():
                found.append(Violation((name,), "propertyNames", f"key '{clip(name, 60)}': {message}", hint))
            if len(found) >= ENOUGH:
                break
        return found or None
    return check


def items(prefix: Sequence[Check], rest: Check | None) -> Check:
    """`prefixItems` for the first items, `items` for those after them."""
    count = len(prefix)

    def check(value: Json, run: Run) -> Found:
        if not isinstance(value, list):
            return None
        found: list[Violation] = []
        for index, (inner, item) in enumerate(zip(prefix, value, strict=False)):
            found += within(index, inner(item, run) or ())
        if rest is None:
            return found or None
        for index in range(count, len(value)):
            part = rest(value[index], run)
            if part is not None:
                found += within(index, part)
                if len(found) >= ENOUGH:
                    break
        return found or None
    return check


def contains(inner: Check) -> Check:
    """`contains`: at least one item fits."""
    def check(value: Json, run: Run) -> Found:
        if not isinstance(value, list):
            return None
        for item in value:
            if inner(item, run) is None:
                return None
        return one("contains", f"none of {plural(len(value), 'item')} fits 'contains'")
    return check


def all_of(checks: Sequence[Check]) -> Check:
    """`allOf`."""
    def check(value: Json, run: Run) -> Found:
        found: list[Violation] = []
        for inner in checks:
            found += inner(value, run) or ()
        return found or None
    return check


def any_of(checks: Sequence[Check]) -> Check:
    """`anyOf`."""
    def check(value: Json, run: Run) -> Found:
        tried: list[list[Violation]] = []
        for inner in checks:
            found = inner(value, run)
            if found is None:
                return None
            tried.append(found)
        return _none_fits("anyOf", tried)
    return check


def one_of(checks: Sequence[Check]) -> Check:
    """`oneOf`."""
    def check(value: Json, run: Run) -> Found:
        tried: list[list[Violation]] = []
        fitting: list[int] = []
        for index, inner in enumerate(checks):
            found = inner(value, run)
            if found is None:
                fitting.append(index)
            else:
                tried.append(found)
        if len(fitting) == 1:
            return None
        if not fitting:
            return _none_fits("oneOf", tried)
        shown = " and ".join(f"[{index}]" for index in fitting[:3])
        return one("oneOf", f"fits more than one alternative: {shown}", "exactly one must fit")
    return check


def _none_fits(keyword: str, tried: list[list[Violation]]) -> list[Violation]:
    """The alternative that got furthest into the value explains what was probably meant."""
    if len(tried) == 1:
        return tried[0]
    types = [first.message for first, *more in tried if first.keyword == "type" and not first.path and not more]
    if len(types) == len(tried):
        wanted = " or ".join(message.removeprefix("expected ").partition(", found ")[0] for message in types)
        return one(keyword, f"expected {wanted}, found {types[0].partition(', found ')[2]}")
    best = max(tried, key=_closeness)
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in best[0].path)
    nearest = f"the nearest says: {'at ' + clip(where, 60) + ': ' if where else ''}{best[0].message}"
    return one(keyword, f"fits none of {plural(len(tried), 'alternative')}", nearest)


def _closeness(found: list[Violation]) -> tuple[bool, bool, int, int]:
    """How near an alternative came: a wrong type or kind is far, deep beats shallow, few faults beat many."""
    is_wrong_type = any(each.keyword == "type" and not each.path for each in found)
    is_other_kind = any(each.keyword in ("const", "enum") for each in found)
    return not is_wrong_type, not is_other_kind, len(found[0].path), -len(found)


def negated(inner: Check) -> Check:
    """`not`."""
    def check(value: Json, run: Run) -> Found:
        return one("not", "fits the schema under 'not'") if inner(value, run) is None else None
    return check


def conditional(condition: Check, then: Check, otherwise: Check) -> Check:
    """`if`, `then`, `else`."""
    def check(value: Json, run: Run) -> Found:
        return (then if condition(value, run) is None else otherwise)(value, run)
    return check
