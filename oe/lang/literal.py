"""Literals as they are written in references, templates and expressions: numbers, quoted strings, null and booleans."""

from __future__ import annotations

from math import isfinite

from oe.lang.errors import LangError
from oe.values import Json

LONGEST_NUMBER = 400
"""Characters of a number literal; Python itself refuses to read integers of more than 4,300 digits."""

DIGITS = frozenset("0123456789")
CONSTANTS: dict[str, Json] = {"null": None, "true": True, "false": False}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
_HEX = frozenset("0123456789abcdefABCDEF")


def skip_space(text: str, offset: int) -> int:
    """The offset of the first character that is no white space."""
    while offset < len(text) and text[offset] in " \t\r\n":
        offset += 1
    return offset


def is_name_start(char: str) -> bool:
    """Whether a name may begin with the character (empty at the end of a text)."""
    return char.isalpha() or char == "_"


def name_end(text: str, offset: int) -> int:
    """The end of the name that starts at `offset`: letters, digits and underscores."""
    while offset < len(text) and (text[offset].isalnum() or text[offset] == "_"):
        offset += 1
    return offset


def scan_string(text: str, start: int) -> tuple[str, int]:
    r"""The string that opens at `start` with either quote, and where it ends.

    Escapes are \\ \' \" \n \t \r \uXXXX; before any other character a backslash stays, so patterns read as written.
    """
    quote = text[start]
    parts: list[str] = []
    position = start + 1
    while True:
        stop = position
        while stop < len(text) and text[stop] != quote and text[stop] != "\\":
            stop += 1
        parts.append(text[position:stop])
        if stop + 1 >= len(text) and not text[stop:] == quote:
            raise LangError("string is not closed", start, f"end it with {quote}")
        if text[stop] == quote:
            return "".join(parts), stop + 1
        character, position = _escape(text, stop)
        parts.append(character)


def _escape(text: str, backslash: int) -> tuple[str, int]:
    following = text[backslash + 1]
    if following in _ESCAPES:
        return _ESCAPES[following], backslash + 2
    unit = _code_unit(text, backslash)
    if unit is None:
        return "\\", backslash + 1
    if not 0xD800 <= unit < 0xE000:
        return chr(unit), backslash + 6
    low = _code_unit(text, backslash + 6)
    if unit >= 0xDC00 or low is None or not 0xDC00 <= low < 0xE000:
        raise LangError(f"'{text[backslash: backslash + 6]}' is half of a surrogate pair", backslash)
    return chr(0x10000 + ((unit - 0xD800) << 10) + low - 0xDC00), backslash + 12


def _code_unit(text: str, backslash: int) -> int | None:
    digits = text[backslash + 2: backslash + 6]
    is_unit = text.startswith("\\u", backslash) and len(digits) == 4 and _HEX.issuperset(digits)
    return int(digits, 16) if is_unit else None


def scan_number(text: str, start: int) -> tuple[int | float, int]:
    """The number that starts at `start` (a digit or a minus before one), and where it ends."""
    position = start + 1 if text[start] == "-" else start
    first = position
    position = _digits_end(text, position)
    whole_end = position
    if text[position: position + 1] == "." and text[position + 1: position + 2] in DIGITS:
        position = _digits_end(text, position + 1)
    position = _exponent_end(text, position)
    written = text[start:position]
    if len(written) > LONGEST_NUMBER:
        raise LangError(f"number of {len(written)} characters is too long", start, f"at most {LONGEST_NUMBER}")
    if text[first] == "0" and whole_end - first > 1:
        meant = text[first:whole_end].lstrip("0") or "0"
        raise LangError(f"number '{written}' starts with a zero", start, f"write {meant}")
    if is_name_start(text[position: position + 1]):
        raise LangError(f"unexpected '{text[position]}' after the number '{written}'", position)
    if position == whole_end:
        return int(written), position
    value = float(written)
    if not isfinite(value):
        raise LangError(f"number '{written}' is too large", start)
    return value, position


def _digits_end(text: str, position: int) -> int:
    while position < len(text) and text[position] in DIGITS:
        position += 1
    return position


def _exponent_end(text: str, position: int) -> int:
    if text[position: position + 1] not in ("e", "E"):
        return position
    after = position + 2 if text[position + 1: position + 2] in ("+", "-") else position + 1
    return _digits_end(text, after) if text[after: after + 1] in DIGITS else position


def is_number_start(text: str, offset: int) -> bool:
    """Whether a number with or without a minus starts at `offset`."""
    at = offset + 1 if text[offset: offset + 1] == "-" else offset
    return text[at: at + 1] in DIGITS


def scan_literal(text: str, offset: int) -> tuple[Json, int]:
    """The literal at `offset` and where it ends: null, true, false, number, string, `[]` or `{}`."""
    if text[offset: offset + 1] in ("'", '"'):
        return scan_string(text, offset)
    if is_number_start(text, offset):
        return scan_number(text, offset)
    end = name_end(text, offset)
    word = text[offset:end]
    if word in CONSTANTS:
        return CONSTANTS[word], end
    for pair, empty in (("[]", []), ("{}", {})):
        if text.startswith(pair, offset):
            return empty, offset + 2
    raise LangError("expected a literal" + (f", found '{word}'" if word else ""), offset,
                    f"write '{word}' with quotes for a text" if word else "null, true, 5, 'text', [] or {}")
