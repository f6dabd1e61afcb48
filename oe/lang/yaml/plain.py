"""Plain scalars, over one or more lines, in blocks and in flow collections (YAML 1.2 §7.3.3)."""

from __future__ import annotations

import re

from oe.lang.yaml.reading import Reading, shown

FIRST = r"(?:[^ \t\n\-?:,\[\]{}#&*!|>'\"%@`]|[\-?:](?![ \t\n,\[\]{}]))"
"""What begins a plain scalar in a block and in a flow collection alike."""

BLOCK_REST = r"[^\n:#]*+(?>(?:(?::(?![ \t\n])|(?<![ \t\n])#)[^\n:#]*+)*)"
"""A plain scalar from its second character to the end of its line, in a block; white space may end it."""

FLOW_REST = r"[^\n:#,\[\]{}]*+(?>(?:(?::(?![ \t\n,\[\]{}])|(?<![ \t\n])#)[^\n:#,\[\]{}]*+)*)"
"""The same in a flow collection."""

_BLOCK_LINE = re.compile(BLOCK_REST)
_FLOW_LINE = re.compile(FLOW_REST)
_CONTINUATION = re.compile(r"(?:[ \t]*+\n)+( *+)[ \t]*+")
_RESERVED = {
    "@": "'@' cannot begin a value", "`": "'`' cannot begin a value", "%": "'%' cannot begin a value",
    ",": "',' cannot begin a value", "]": "']' without '['", "}": "'}' without '{'",
    "-": "'-' alone is no value here", "?": "'?' alone is no value here", ":": "':' without a key",
    "|": "a block cannot stand here", ">": "a block cannot stand here", "#": "expected a space before '#'",
}


def read_plain(reading: Reading, position: int, parent: int, *, flow: bool) -> tuple[str, int]:
    """The text of the plain scalar at `position`, lines folded, and the offset after its last character.

    Its further lines must be indented deeper than `parent`. It ends before a comment, before ': ', and in a flow
    collection before an indicator.
    """
    check_first(reading, position, flow=flow)
    text = reading.text
    pattern = _FLOW_LINE if flow else _BLOCK_LINE
    match = pattern.match(text, position + 1)
    assert match is not None  # the pattern matches the empty string
    first = text[position: match.end()].rstrip(" \t")
    end = position + len(first)
    if text[match.end()] != "\n":
        return first, end
    pieces = [first]
    stops = "#,[]{}" if flow else "#"
    while True:
        gap = _CONTINUATION.match(text, match.end())
        if gap is None or gap.end() == len(text) or len(gap[1]) <= parent:
            break
        start = gap.end()
        if text[start] in stops or (text[start] == ":" and text[start + 1] in (" \t\n,[]{}" if flow else " \t\n")):
            break
        match = pattern.match(text, start)
        assert match is not None  # as above
        line = text[start: match.end()].rstrip(" \t")
        pieces.append("\n" * (text.count("\n", gap.start(), gap.start(1)) - 1) or " ")
        pieces.append(line)
        end = start + len(line)
        if text[match.end()] != "\n":
            break
    return "".join(pieces), end


def check_first(reading: Reading, position: int, *, flow: bool) -> None:
    """Fail where the character at `position` cannot begin a plain scalar."""
    text = reading.text
    first = text[position]
    if first in "-?:":
        if text[position + 1] not in (" \t\n,[]{}" if flow else " \t\n"):
            return
    elif first not in "@`%,[]{}|>#":
        return
    hint = None if first in ",]}#" else f"quote the value if it begins with {shown(first)}"
    reading.fail("yaml-unexpected-character", position, _RESERVED[first], hint)
