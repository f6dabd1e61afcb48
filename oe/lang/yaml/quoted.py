"""Quoted scalars, over one or more lines (YAML 1.2 §7.3.1, §7.3.2)."""

from __future__ import annotations

import re
from typing import NoReturn

from oe.lang.yaml.reading import Reading, shown

_SIMPLE = re.compile(r"\"([^\"\\\n]*+)\"|'([^'\n]*+)'(?!')")
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}
_ESCAPE = r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)"
_DIGITS = {"x": 2, "u": 4, "U": 8}
_WHITE = " \t"


def read_quoted(reading: Reading, position: int, parent: int) -> tuple[str, int]:
    """The string whose opening quote stands at `position`, and the offset after its closing quote.

    Its further lines must be indented deeper than `parent`, the indentation of the collection that holds it.
    """
    simple = _SIMPLE.match(reading.text, position)
    if simple:
        return simple[simple.lastindex or 0], simple.end()
    double = reading.text[position] == '"'
    whole = re.compile(r'"[^"\\]*+(?>(?:\\.[^"\\]*+)*)"' if double else r"'[^']*+(?>(?:''[^']*+)*)'", re.DOTALL)
    match = whole.match(reading.text, position)
    if match is None:
        _unclosed(reading, position)
    raw = match[0][1:-1]
    if "\n" in raw:
        lines = raw.split("\n")
        _check_indentation(reading, position, lines, parent)
        pieces = _fold_double(lines) if double else _fold(lines)
    else:
        pieces = [raw]
    if double:
        return _unescape(reading, "".join(pieces), position), match.end()
    return "".join(pieces).replace("''", "'"), match.end()


def _unclosed(reading: Reading, position: int) -> NoReturn:
    quote = reading.text[position]
    hint = "a quote inside is written ''" if quote == "'" else 'a quote inside is written \\"'
    reading.fail("yaml-unclosed-quote", position, f"the string has no closing {quote}", hint)


def _check_indentation(reading: Reading, position: int, lines: list[str], parent: int) -> None:
    for number, line in enumerate(lines[1:], 1):
        if len(line) - len(line.lstrip(" ")) > parent or not (line.strip(_WHITE) or number == len(lines) - 1):
            continue
        offset = position + 1 + sum(len(line) + 1 for line in lines[:number])
        if line.lstrip(" ").startswith("\t"):
            reading.fail("yaml-tab-indent", offset + len(line) - len(line.lstrip(" ")),
                         "a tab as indentation", "indent with spaces")
        reading.fail("yaml-unclosed-quote", position,
                     f"the string has no closing {reading.text[position]} before a line that is not indented",
                     "close it, or indent its further lines deeper than its key")


def _fold(lines: list[str]) -> list[str]:
    """The pieces of a string over several lines: one break is a space, each further one a line feed."""
    pieces = [lines[0].rstrip(_WHITE)]
    breaks = 0
    last = len(lines) - 1
    for number, line in enumerate(lines[1:], 1):
        content = line.strip(_WHITE) if number < last else line.lstrip(_WHITE)
        if not content and number < last:
            breaks += 1
            continue
        pieces.append("\n" * breaks or " ")
        pieces.append(content)
        breaks = 0
    return pieces


def _fold_double(lines: list[str]) -> list[str]:
    """As `_fold`, where a backslash may keep the white space before a break, or take the break away."""
    pieces: list[str] = []
    breaks, joined = 0, True
    last = len(lines) - 1
    for number, line in enumerate(lines):
        content = line.lstrip(_WHITE) if number else line
        if number < last:
            content = _strip_right(content)
            if number and not content:
                breaks += 1
                continue
        pieces.append("\n" * breaks or ("" if joined else " "))
        breaks, joined = 0, number < last and _ends_escaped(content)
        pieces.append(content[:-1] if joined else content)
    return pieces


def _strip_right(line: str) -> str:
    stripped = line.rstrip(_WHITE)
    if len(stripped) < len(line) and _ends_escaped(stripped):
        return line[: len(stripped) + 1]
    return stripped


def _ends_escaped(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _unescape(reading: Reading, text: str, position: int) -> str:
    """The text with its escapes resolved; the string they stand in begins at `position`."""
    if "\\" not in text:
        return text
    try:
        result = re.sub(_ESCAPE, _character, text, flags=re.DOTALL)
    except (KeyError, ValueError, OverflowError):
        _refuse_escape(reading, position)
    if not result.isascii() and re.search("[\ud800-\udfff]", result):
        result = re.sub("[\ud800-\udbff][\udc00-\udfff]", _pair, result)
        if re.search("[\ud800-\udfff]", result):
            reading.fail("yaml-escape", position, "the string holds half of a surrogate pair",
                         "write the whole character, or both halves")
    return result


def _character(match: re.Match[str]) -> str:
    escape = match[1]
    return chr(int(escape[1:], 16)) if len(escape) > 1 else _ESCAPES[escape]


def _pair(match: re.Match[str]) -> str:
    return match[0].encode("utf-16", "surrogatepass").decode("utf-16")


def _refuse_escape(reading: Reading, position: int) -> NoReturn:
    """Name the first escape that YAML does not know; looked up in the raw text, since folding has moved it."""
    for match in re.compile(_ESCAPE, re.DOTALL).finditer(reading.text, position):
        try:
            if match[1] != "\n":
                _character(match)
        except (KeyError, ValueError, OverflowError):
            break
    digits = _DIGITS.get(match[1])
    message = f"unknown escape {shown(match[0])}"
    if digits:
        message = f"{shown(match[0])} takes {digits} hexadecimal digits"
    elif len(match[1]) > 1:
        message = f"{shown(match[0])} is no character"
    reading.fail("yaml-escape", match.start(), message, "write a backslash as \\\\, or use single quotes")
