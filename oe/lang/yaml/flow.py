"""Flow collections, `[a, b]` and `{a: 1}` (YAML 1.2 §7.4).

Most entries are simple and on one line: one pattern reads such an entry whole. Whatever it does not match goes the
general way, which alone decides what is an error.
"""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from oe.lang.document import KEY_SHIFT
from oe.lang.yaml.anchors import Properties, close_anchor, open_anchor, read_alias, read_properties
from oe.lang.yaml.entries import MAX_KEY, NOT_STRINGS, Entries, Key, key_text, put, put_merge, refuse_complex_key
from oe.lang.yaml.plain import FIRST, FLOW_REST, read_plain
from oe.lang.yaml.quoted import read_quoted
from oe.lang.yaml.reading import Reading, shown
from oe.lang.yaml.scalars import check_collection_tag, resolve, resolve_tagged
from oe.values import Json

_VALUE = rf'({FIRST}{FLOW_REST})|"([^"\\\n]*+)" *+'
_ITEM = re.compile(f" *+(?:{_VALUE})[,\\]]")
_PAIR = re.compile(rf' *+(?:([A-Za-z_][\w./$-]*+): ++|"([^"\\\n]*+)": *+)(?:(?:{_VALUE})[,}}]|(?=([\[{{])))')
_SPACE = re.compile(r"(?>(?:[ \t]*+(?:(?<![^ \t\n])#[^\n]*+)?\n)*)( *+)[ \t]*+")
_AFTER_COLON = " \t\n,[]{}"


class _Node(NamedTuple):
    """A node of a flow collection as it was read; `quoted` where a ':' may follow it without a space."""

    value: Json
    start: int
    end: int
    quoted: bool
    is_merge: bool = False


def read_flow(reading: Reading, position: int, parent: int) -> tuple[Json, int]:
    """The collection whose bracket stands at `position`, and the offset after its closing bracket.

    Its further lines must be indented deeper than `parent`.
    """
    reading.enter(position)
    if reading.text.startswith("{%", position):
        refuse_complex_key(reading, position)
    if reading.text[position] == "[":
        items, end = _read_sequence(reading, position, parent)
        reading.depth -= 1
        return items, end
    values, end = _read_mapping(reading, position, parent)
    reading.depth -= 1
    return values, end


def _read_sequence(reading: Reading, opened: int, parent: int) -> tuple[list[Json], int]:
    text = reading.text
    items: list[Json] = []
    places: list[int] = []
    position = opened + 1
    while True:
        match = _ITEM.match(text, position)
        if match is not None:
            value, start = _simple_value(reading, match, 0)
            items.append(value)
            places.append(start)
            position = match.end()
            if text[position - 1] == "]":
                break
            continue
        position = _skip(reading, position, parent, opened)
        if text[position] != "]":
            value, start, position = _read_item(reading, position, parent, opened)
            items.append(value)
            places.append(start)
            position = _skip(reading, position, parent, opened)
        position += 1
        if text[position - 1] == "]":
            break
        if text[position - 1] != ",":
            _refuse_separator(reading, position - 1, opened)
    reading.places[id(items)] = places
    return items, position


def _read_mapping(reading: Reading, opened: int, parent: int) -> tuple[dict[str, Json], int]:
    text = reading.text
    values: dict[str, Json] = {}
    places: dict[str, int] = {}
    position = opened + 1
    while True:
        match = _PAIR.match(text, position)
        if match is not None:
            group = 2 if match[1] is None else 1
            key = match[group]
            offset = match.start(group) - (group == 2)
            position = match.end()
            if match.lastindex == 5:
                start = position
                value, position = read_flow(reading, position, parent)
                position = _skip(reading, position, parent, opened) + 1
            else:
                value, start = _simple_value(reading, match, 2)
            if key in values or (group == 1 and key in NOT_STRINGS):
                key = key_text(reading, Key(resolve(reading, key, offset) if group == 1 else key, offset), match.end(1))
                put(reading, (values, places), key, offset << KEY_SHIFT | start, value)
            else:
                values[key] = value
                places[key] = offset << KEY_SHIFT | start
        else:
            position = _skip(reading, position, parent, opened)
            if text[position] != "}":
                position = _read_entry(reading, position, parent, opened, (values, places))
            position += 1
        if text[position - 1] == "}":
            break
        if text[position - 1] != ",":
            _refuse_separator(reading, position - 1, opened)
    reading.places[id(values)] = places
    return values, position


def _simple_value(reading: Reading, match: re.Match[str], before: int) -> tuple[Json, int]:
    """The scalar that `_VALUE` matched, and its start; `before` groups of the pattern come first."""
    kind = match.lastindex or 0
    start = match.start(kind)
    if kind - before == 2:
        return match[kind], start - 1
    return resolve(reading, match[kind].rstrip(" \t"), start), start


def _read_item(reading: Reading, position: int, parent: int, opened: int) -> tuple[Json, int, int]:
    """An item of a sequence: a node, or a pair that stands for a mapping of one entry. Value, start, end."""
    text = reading.text
    _refuse_key_mark(reading, position)
    node = _read_node(reading, position, parent, opened)
    colon = node.end
    while text[colon] in " \t":
        colon += 1
    if text[colon] != ":" or not (node.quoted or text[colon + 1] in _AFTER_COLON):
        return node.value, node.start, node.end
    if isinstance(node.value, (dict, list)):
        refuse_complex_key(reading, position)
    if "\n" in text[position: colon] or colon - position > MAX_KEY:
        reading.fail("yaml-key-form", position, f"a key must be on one line and at most {MAX_KEY} characters long")
    values: dict[str, Json] = {}
    places: dict[str, int] = {}
    end = _finish_entry(reading, node, (colon + 1, parent, opened), (values, places))
    reading.places[id(values)] = places
    return values, position, end


def _read_entry(reading: Reading, position: int, parent: int, opened: int, into: Entries) -> int:
    """An entry of a mapping, of any form; where the separator after it stands."""
    text = reading.text
    _refuse_key_mark(reading, position)
    if text[position] in "[{":
        refuse_complex_key(reading, opened if position == opened + 1 and text[position] == "{" else position)
    node = _read_node(reading, position, parent, opened)
    if isinstance(node.value, (dict, list)):
        refuse_complex_key(reading, position)
    after = _skip(reading, node.end, parent, opened)
    if text[after] == ":" and (node.quoted or text[after + 1] in _AFTER_COLON):
        after = _finish_entry(reading, node, (after + 1, parent, opened), into)
        return _skip(reading, after, parent, opened)
    key = key_text(reading, Key(node.value, node.start), node.end)
    put(reading, into, key, node.start << KEY_SHIFT | node.end, None)
    return after


def _finish_entry(reading: Reading, node: _Node, at: tuple[int, int, int], into: Entries) -> int:
    """The value after the colon, put under its key; the offset after it. `at` is where, parent, opening bracket."""
    position, parent, opened = at
    after = _skip(reading, position, parent, opened)
    if reading.text[after] in ",]}":
        value, start, end = None, position, after
    else:
        value, start, end, *_ = _read_node(reading, after, parent, opened)
    if node.is_merge:
        put_merge(reading, into, node.start << KEY_SHIFT | start, value)
    else:
        key = key_text(reading, Key(node.value, node.start), node.end)
        put(reading, into, key, node.start << KEY_SHIFT | start, value)
    return end


def _read_node(reading: Reading, position: int, parent: int, opened: int) -> _Node:
    """A node with its properties."""
    text = reading.text
    if text[position] not in "&!":
        return _read_content(reading, position, parent, None)
    properties, after = read_properties(reading, position)
    position = _skip(reading, after, parent, opened)
    if properties.anchor is not None:
        open_anchor(reading, properties.anchor)
    if text[position] in ",]}" or (text[position] == ":" and text[position + 1] in _AFTER_COLON):
        value = resolve_tagged(reading, properties.tag, "", after) if properties.tag else None
        node = _Node(value, after, after, False)
    else:
        node = _read_content(reading, position, parent, properties)
    if properties.anchor is not None:
        close_anchor(reading, properties.anchor, node.value)
    return node


def _read_content(reading: Reading, position: int, parent: int, properties: Properties | None) -> _Node:
    first = reading.text[position]
    tag = properties.tag if properties else None
    if first in "[{":
        value, end = read_flow(reading, position, parent)
        if tag:
            check_collection_tag(reading, tag, value, position)
        return _Node(value, position, end, True)
    if first == "*":
        if properties:
            reading.fail("yaml-anchor", properties.start, "an alias takes neither an anchor nor a tag")
        value, end = read_alias(reading, position)
        return _Node(value, position, end, False)
    if first in "\"'":
        text, end = read_quoted(reading, position, parent)
        return _Node(resolve_tagged(reading, tag, text, position) if tag else text, position, end, True)
    text, end = read_plain(reading, position, parent, flow=True)
    if tag:
        return _Node(resolve_tagged(reading, tag, text, position), position, end, False)
    return _Node(resolve(reading, text, position), position, end, False, text == "<<")


def _skip(reading: Reading, position: int, parent: int, opened: int) -> int:
    """The offset of the next character that is neither white space nor comment; the collection goes on there."""
    text = reading.text
    match = _SPACE.match(text, position)
    assert match is not None  # the pattern matches the empty string
    end = match.end()
    if end == len(text):
        reading.fail("yaml-unclosed-flow", opened, f"'{text[opened]}' is not closed")
    if match.start(1) == position or len(match[1]) > parent:
        return end
    if text[end] in "]}" and len(match[1]) == parent:
        return end
    if text[match.end(1)] == "\t":
        reading.fail("yaml-tab-indent", match.end(1), "a tab as indentation", "indent with spaces")
    return reading.fail("yaml-unclosed-flow", opened,
                        f"'{text[opened]}' is not closed before a line that is not indented",
                        "close it, or indent its further lines deeper than its key")


def _refuse_key_mark(reading: Reading, position: int) -> None:
    """Fail on '?', and on ':' without a key before it."""
    text = reading.text
    if text[position + 1] not in _AFTER_COLON:
        return
    if text[position] == "?":
        refuse_complex_key(reading, position)
    if text[position] == ":":
        reading.fail("yaml-key-type", position, "':' without a key", "write the key before ':'")


def _refuse_separator(reading: Reading, position: int, opened: int) -> NoReturn:
    text = reading.text
    closing = "]" if text[opened] == "[" else "}"
    if text[position] == "#":
        reading.fail("yaml-unexpected-character", position, "expected a space before '#'")
    reading.fail("yaml-flow-separator", position, f"expected ',' or '{closing}', found {shown(text[position])}",
                 f"the '{text[opened]}' on line {reading.positions.span(opened).line} is still open")
