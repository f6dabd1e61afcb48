"""Plain scalars to values: the core schema of YAML 1.2 (§10.3), and the core tags."""

from __future__ import annotations

import re

from oe.lang.yaml.reading import Reading, shown
from oe.values import Json, kind_of

WORDS: dict[str, bool | float | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    ".nan": float("nan"), ".NaN": float("nan"), ".NAN": float("nan"),
    **{sign + word: float(f"{sign}inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
}
"""The words that are no strings."""

TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("str", "int", "float", "bool", "null", "map", "seq")}
"""The tags that are understood, by their full name."""

UNSPECIFIC = "!"
"""The tag `!`: the value is no word or number, whatever it looks like (YAML 1.2 §6.9.1)."""

_FIRST = frozenset(["", *"0123456789+-.~ntfNTF"])
"""What a plain scalar begins with that may be something else than a string."""

_NUMBER = re.compile(
    r"(?:([-+]?[0-9]++)|(0o[0-7]++)|(0x[0-9a-fA-F]++)|[-+]?(?:\.[0-9]++|[0-9]++\.[0-9]*+)(?:[eE][-+]?[0-9]++)?"
    r"|[-+]?[0-9]++[eE][-+]?[0-9]++)\Z")

_MAX_DIGITS = 4300
_MAX_BITS = 14284  # below 4,300 decimal digits, which is what the interpreter writes out


def resolve(reading: Reading, text: str, offset: int) -> Json:
    """The value of a plain scalar at `offset`."""
    if text[:1] not in _FIRST:
        return text
    if text in WORDS:
        return WORDS[text]
    match = _NUMBER.match(text)
    return text if match is None else _number(reading, match, offset)


def _number(reading: Reading, match: re.Match[str], offset: int) -> Json:
    kind = match.lastindex
    text = match[0]
    if kind is None:
        return float(text)
    digits = text.lstrip("+-") if kind == 1 else text
    try:
        if kind == 1 and len(digits) > _MAX_DIGITS:
            raise ValueError
        number = int(text) if kind == 1 else int(text[2:], 8 if kind == 2 else 16)
        if kind != 1 and number.bit_length() > _MAX_BITS:
            raise ValueError
    except ValueError:  # the interpreter's own limit may be set lower
        reading.fail("yaml-number-size", offset, f"an integer of {len(digits)} digits",
                     f"at most {_MAX_DIGITS} are read; quote it if it is text")
    if kind == 1 and digits[0] == "0" and len(digits) > 1:
        reading.warn("yaml-leading-zero", offset, f"{shown(text)} is the integer {number}",
                     f"write '0o{digits.lstrip('0')}' for octal, or quote it if it is text"
                     if number and not set(digits) & {"8", "9"} else "quote it if it is text")
    return number


def resolve_tagged(reading: Reading, tag: str, text: str, offset: int) -> Json:
    """The value of a scalar that carries a core tag; fails where the text is not of that type."""
    if tag in ("str", UNSPECIFIC):
        return text
    value = resolve(reading, text, offset) if tag not in ("map", "seq") else text
    if tag == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value) if value.bit_length() < 1024 else float("inf") * (1 if value > 0 else -1)
    wanted = {"int": "integer", "float": "number", "bool": "boolean", "null": "null"}.get(tag)
    if kind_of(value) != wanted:
        reading.fail("yaml-tag-value", offset, f"{shown(text)} is not of type '!!{tag}'")
    return value


def check_collection_tag(reading: Reading, tag: str, value: Json, offset: int) -> None:
    """Fail where a core tag does not fit the collection it stands before."""
    if tag not in (UNSPECIFIC, "map" if isinstance(value, dict) else "seq"):
        what = "mapping" if isinstance(value, dict) else "sequence"
        reading.fail("yaml-tag-value", offset, f"a {what} is not of type '!!{tag}'")
