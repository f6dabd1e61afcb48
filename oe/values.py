"""JSON values: their type, canonical text and equality. Every value that `oe` keeps or hands on is one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from json import encoder
from math import isfinite
from typing import TypeAlias

Json: TypeAlias = "None | bool | int | float | str | Sequence[Json] | Mapping[str, Json]"
"""A plain JSON value: dict with string keys, list, str, int, finite float, bool, None."""

JsonObject: TypeAlias = Mapping[str, Json]



def _encoder(*, sort_keys: bool) -> Callable[[Json], str]:
    whole = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False,
                             sort_keys=sort_keys)
    make = getattr(encoder, "c_make_encoder", None)
    if make is None:
        return whole.encode
    # `encode` makes this object for every value anew, which takes as long as the encoding of a small one.
    parts = make(None, whole.default, encoder.encode_basestring, None, ":", ",", sort_keys, False, False)
    return lambda value: "".join(parts(value, 0))


_encode = _encoder(sort_keys=False)
_encode_sorted = _encoder(sort_keys=True)


def compact(value: Json) -> str:
    """The value as one line of JSON, keys in their own order. Raises ValueError for a number that is not finite."""
    return _encode(value)


def canonical(value: Json) -> str:
    """The one text of a value: keys sorted, no spaces. Two equal values of one type have the same text."""
    return _encode_sorted(value)


def unfit_numbers(value: Json) -> Iterator[tuple[str | int, ...]]:
    """The way to every number that JSON has no text for: NaN, and what is larger than any float."""
    waiting: list[tuple[tuple[str | int, ...], Json]] = [((), value)]
    while waiting:
        path, part = waiting.pop()
        if isinstance(part, float):
            if not isfinite(part):
                yield path
        elif isinstance(part, Mapping):
            waiting.extend(((*path, name), child) for name, child in part.items())
        elif isinstance(part, list | tuple):
            waiting.extend(((*path, index), child) for index, child in enumerate(part))


def is_number(value: object) -> bool:
    """A JSON number: int or finite float, never bool."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and isfinite(value))


def equal(left: Json, right: Json) -> bool:
    """Deep equality of JSON Schema 2020-12: 1 equals 1.0, true does not equal 1, key order does not count."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict):
        return (isinstance(right, dict) and left.keys() == right.keys()
                and all(equal(value, right[key]) for key, value in left.items()))
    if isinstance(left, list):
        return (isinstance(right, list) and len(left) == len(right)
                and all(equal(one, other) for one, other in zip(left, right, strict=True)))
    return left == right


def kind_of(value: Json) -> str:
    """The JSON Schema type name of a value as a person would say it: `integer` for 1, `number` for 1.5."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Mapping) else "array"
