"""From a character of a string value to its offset in the text it was read from, for YAML and JSON alike.

Strings are read far more often than positions inside them are asked for, so nothing is kept for this: the scalar's
text is walked again.
"""

from __future__ import annotations

import re
from itertools import takewhile

_DOUBLE = re.compile(
    r'\\(?:x[0-9a-fA-F]{2}|u[dD][89abAB]..\\u[dD][c-fC-F]..|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\n[ \t]*|.)'
    r'|[ \t]*\n\s*|[^\\"\n]', re.DOTALL)
_WHITE = re.compile(r"[ \t\n]*")
_SINGLE = re.compile(r"''|[ \t]*\n\s*|[^'\n]")


def offset_inside(text: str, start: int, value: str, index: int) -> int:
    """The offset of character `index` of `value`, a string whose scalar begins at offset `start` of the text."""
    index = max(0, min(index, len(value)))
    first = text[start: start + 1]
    if first == '"':
        return _inside_quotes(_DOUBLE, text, start + 1, index)
    if first == "'":
        return _inside_quotes(_SINGLE, text, start + 1, index)
    if first == "*":
        return start
    if first in ("|", ">"):
        return _along_lines(text, text.find("\n", start) + 1, value, index)
    return start + index if text.startswith(value, start) else _along_lines(text, start, value, index)


def _inside_quotes(pattern: re.Pattern[str], text: str, position: int, index: int) -> int:
    """Walk the characters of a quoted scalar: one match is one character, a line break as many as it folds to."""
    while match := pattern.match(text, position):
        breaks = match[0].count("\n")
        width = breaks - 1 if breaks and match[0][0] == "\\" else max(1, breaks - 1)
        if width > index:
            break
        index -= width
        position = match.end()
    return position


def _along_lines(text: str, start: int, value: str, index: int) -> int:
    """Follow a scalar of several lines: but for white space every line of the text is next in the value."""
    offset, cursor = start, 0
    while start < len(text) and cursor < len(value):
        end = text.find("\n", start)
        line = text[start: end if end >= 0 else len(text)]
        piece = line.strip(" \t")
        if not piece:
            start += len(line) + 1
            continue
        white = _WHITE.match(value, cursor)
        begin = white.end() if white else cursor
        if not value.startswith(piece, begin):  # a comment ends it
            pairs = zip(piece, value[begin: begin + len(piece)], strict=False)
            piece = piece[: sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))]
        content = start + len(line) - len(line.lstrip(" \t"))
        if index < begin:
            return offset if "\n" in value[index:begin] else max(start, content - (begin - index))
        offset, cursor = content + len(piece), begin + len(piece)
        if index <= cursor:
            return content + index - begin
        start += len(line) + 1
    return offset
