"""Block collections: mappings and sequences by indentation (YAML 1.2 §8.2), and the nodes in them.

The two loops read a line of the common forms with one pattern each. Whatever that does not match goes the general way,
which alone decides what is an error. Every function that reads a node returns the start of the first line after it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from oe.lang.document import KEY_SHIFT, VALUE_MASK
from oe.lang.yaml.anchors import Properties, close_anchor, join_properties, open_anchor, read_alias, read_properties
from oe.lang.yaml.block_scalars import read_block_scalar
from oe.lang.yaml.entries import MAX_KEY, NOT_STRINGS, Entries, Key, key_text, put, put_merge, refuse_complex_key
from oe.lang.yaml.flow import read_flow
from oe.lang.yaml.lines import end_of_value, is_entry, next_line, refuse_key_in_sequence, refuse_line, skip_white
from oe.lang.yaml.plain import BLOCK_REST, FIRST, read_plain
from oe.lang.yaml.quoted import read_quoted
from oe.lang.yaml.reading import Reading
from oe.lang.yaml.scalars import check_collection_tag, resolve, resolve_tagged
from oe.values import Json

_COMMENT = r" *+(?:(?<= )#[^\n]*+)?\n"
_SCALAR = (
    rf"({FIRST}{BLOCK_REST})(?:#[^\n]*+)?\n"
    r'|"([^"\\\n]*+)"' + _COMMENT + r"|(?=([\[{'\"|>]))"
)
_ENTRY = re.compile(rf"( *+)([A-Za-z_][\w./$-]{{0,{MAX_KEY - 1}}}+):(?: ++(?:{_SCALAR})|{_COMMENT})")
_ITEM = re.compile(rf"( *+)- ++(?:(?=([A-Za-z_][\w./$-]*+:[ \n]))|{_SCALAR})")
_ITEM_KEY = 2
_BELOW, _PLAIN, _QUOTED = 2, 3, 4  # the last group that matched; any other: a value of another form
_KEY = re.compile(
    r"(?>(?:(?:!<[^ \t\n>]*+>|[&!][^ \t\n,\[\]{}]*+)[ \t]++)*)"
    r"(\"(?>(?:[^\"\\\n]++|\\[^\n])*)\"|'(?>(?:[^'\n]++|'')*)'|\*[^ \t\n,\[\]{}]++(?=[ \t])"
    r"|(?:[^ \t\n\-?:,\[\]{}#&*!|>'\"%@`]|[\-?:](?![ \t\n]))" + BLOCK_REST + r"|)[ \t]*+:(?=[ \t\n])")


class Context(NamedTuple):
    """Where a node stands: its lines are deeper than `parent`, a sequence may begin at column `sequence_from`."""

    parent: int
    sequence_from: int
    properties: Properties | None = None
    """What an earlier line says about the node."""


ROOT = Context(-1, 0)
_Node = tuple[Json, int, int]
"""A value, where it starts, and the start of the line after it."""


def read_mapping(reading: Reading, position: int, indent: int) -> tuple[dict[str, Json], int]:
    """The mapping whose first key stands at `position`, in column `indent`."""
    text = reading.text
    values: dict[str, Json] = {}
    places: dict[str, int] = {}
    context = Context(indent, indent)
    reading.enter(position)
    lead, prefix = "", " " * indent  # the first key has its indentation behind it
    key, plain, started = "", -1, False  # `plain`: the last entry, where it may go on below
    while True:
        match = _ENTRY.match(text, position)
        if match is None or match[1] != lead or match[2] in values or match[2] in NOT_STRINGS:
            content = position
            if started:
                position, content = _resume(reading, position, indent, plain)
                if content < 0:
                    break
                if content == plain and places[key] >> KEY_SHIFT == plain:  # read again, as one of several lines
                    reading.withdraw(places[key] & VALUE_MASK)
                    del values[key], places[key]
            position = _read_entry(reading, content, context, (values, places))
            plain, lead, started = -1, prefix, True
            continue
        key, kind = match[2], match.lastindex
        offset, plain = match.start(2), -1
        position = match.end()
        value: Json
        if kind == _BELOW:
            value, start, position = read_below(reading, position, context, match.end(2) + 1)
        elif kind == _PLAIN:
            start, plain = match.start(kind), offset
            value = resolve(reading, match[kind].rstrip(" \t"), start)
        elif kind == _QUOTED:
            value, start = match[kind], match.start(kind) - 1
        else:
            value, start, position = _read_content(reading, position, context, -1)
        values[key] = value
        places[key] = offset << KEY_SHIFT | start
        lead, started = prefix, True
    reading.depth -= 1
    reading.places[id(values)] = places
    return values, position


def read_sequence(reading: Reading, position: int, indent: int) -> tuple[list[Json], int]:
    """The sequence whose first '-' stands at `position`, in column `indent`."""
    text = reading.text
    items: list[Json] = []
    places: list[int] = []
    context = Context(indent, indent + 1)
    reading.enter(position)
    lead, prefix = "", " " * indent
    plain = -1
    value: Json
    while True:
        match = _ITEM.match(text, position)
        if match is None or match[1] != lead:
            content = position
            if items:
                position, content = _resume(reading, position, indent, plain)
                if content < 0 or not is_entry(text, content):
                    break
                if content == plain:  # read again, as one of several lines
                    items.pop()
                    reading.withdraw(places.pop())
            value, start, position = _read_item(reading, content, context)
            plain = -1
        else:
            kind = match.lastindex
            dash, plain = match.end(1), -1
            start = position = match.end()
            if kind == _ITEM_KEY:
                value, position = read_mapping(reading, position, indent + position - dash)
            elif kind == _PLAIN:
                start, plain = match.start(kind), dash
                value = resolve(reading, match[kind].rstrip(" \t"), start)
            elif kind == _QUOTED:
                value, start = match[kind], match.start(kind) - 1
            else:
                value, start, position = _read_content(reading, position, context, indent + position - dash)
        items.append(value)
        places.append(start)
        lead = prefix
    reading.depth -= 1
    reading.places[id(items)] = places
    return items, position


def _resume(reading: Reading, position: int, indent: int, plain: int) -> tuple[int, int]:
    """Where a collection goes on: the start of the next line, and its first character; -1 where the collection ends.

    A deeper line can only be more of the value before it, which then is read again from `plain`.
    """
    line, content, column = next_line(reading.text, position)
    if column < indent:
        return line, -1
    if column > indent:
        if plain < 0:
            refuse_line(reading, content, column, indent)
        return line, plain
    return line, content


def _read_item(reading: Reading, dash: int, context: Context) -> _Node:
    """A sequence entry of any form. A collection may begin on its line, where spaces alone come before it."""
    text = reading.text
    content = skip_white(text, dash + 1)
    column = -1 if "\t" in text[dash: content] else context.parent + content - dash
    return read_value(reading, dash + 1, context, column)


def _read_entry(reading: Reading, content: int, context: Context, into: Entries) -> int:
    """An entry of a mapping, of any form, put under its key; the start of the line after it."""
    text = reading.text
    match = _KEY.match(text, content)
    if match is None:
        if text[content] in "?{[" and (text[content] != "?" or text[content + 1] in " \t\n"):
            refuse_complex_key(reading, content)
        refuse_line(reading, content, context.parent, context.parent)
    colon = match.end() - 1
    if colon - content > MAX_KEY:
        reading.fail("yaml-key-form", content, f"the key is longer than {MAX_KEY} characters")
    key = _read_key(reading, content, match)
    value, start, end = read_value(reading, colon + 1, context, -1)
    if key.is_merge:
        put_merge(reading, into, key.offset << KEY_SHIFT | start, value)
    else:
        put(reading, into, key_text(reading, key, colon), key.offset << KEY_SHIFT | start, value)
    return end


def _read_key(reading: Reading, position: int, match: re.Match[str]) -> Key:
    text, written, start = reading.text, match[1], match.start(1)
    properties = read_properties(reading, position)[0] if start > position else None
    if written[:1] in ("'", '"'):
        value: Json = read_quoted(reading, start, -1)[0]
    elif written[:1] == "*" and written != "*":
        value = read_alias(reading, start)[0]
        if properties:
            reading.fail("yaml-anchor", properties.start, "an alias takes neither an anchor nor a tag")
        if isinstance(value, (dict, list)):
            refuse_complex_key(reading, start)
    elif not written and not properties:
        reading.fail("yaml-key-type", start, "':' without a key", "write the key before ':'")
    else:
        written = written.rstrip(" \t")
        if not properties or not properties.tag:
            value = resolve(reading, written, start)
    if properties and properties.tag:
        value = resolve_tagged(reading, properties.tag, written if text[start] not in "'\"" else str(value), start)
    if properties and properties.anchor:
        close_anchor(reading, properties.anchor, value)
    return Key(value, start, is_merge=written == "<<" and not properties)


def read_value(reading: Reading, position: int, context: Context, column: int) -> _Node:
    """The node after an indicator that ends at `position`; its content, if on the same line, is in `column`.

    A column of -1 says that no block collection may begin on this line.
    """
    text = reading.text
    content = skip_white(text, position)
    if text[content] == "\n" or (text[content] == "#" and content > position):
        return read_below(reading, text.index("\n", content) + 1, context, position)
    return _read_content(reading, content, context, column)


def read_below(reading: Reading, line: int, context: Context, missing: int) -> _Node:
    """The node that begins on one of the lines from `line` on; where there is none, null at the offset `missing`."""
    text = reading.text
    start, content, column = next_line(text, line)
    if column > context.parent:
        if text[content] == "\t":
            return _read_content(reading, skip_white(text, content), context, -1)
        return _read_content(reading, content, context, column)
    if column >= context.sequence_from and is_entry(text, content):
        return _read_content(reading, content, context, column)
    tag = context.properties.tag if context.properties else None
    return resolve_tagged(reading, tag, "", missing) if tag else None, missing, start


def _read_content(reading: Reading, position: int, context: Context, column: int) -> _Node:
    """The node whose first character stands at `position`; a block collection only where `column` is not -1."""
    text = reading.text
    first = text[position]
    if first in "&!":
        return _read_with_properties(reading, position, context, column)
    tag = context.properties.tag if context.properties else None
    value: Json
    if column >= 0 and (is_entry(text, position) or _KEY.match(text, position)):
        if is_entry(text, position):
            value, end = read_sequence(reading, position, column)
            refuse_key_in_sequence(reading, end, column, context.parent)
        else:
            value, end = read_mapping(reading, position, column)
        if tag:
            check_collection_tag(reading, tag, value, position)
        return value, position, end
    if first in "[{":
        value, end = read_flow(reading, position, context.parent)
        if tag:
            check_collection_tag(reading, tag, value, position)
        return value, position, end_of_value(reading, position, end)
    if first == "*":
        if context.properties:
            reading.fail("yaml-anchor", context.properties.start, "an alias takes neither an anchor nor a tag")
        value, end = read_alias(reading, position)
        return value, position, end_of_value(reading, position, end)
    return _read_scalar(reading, position, context, tag)


def _read_scalar(reading: Reading, position: int, context: Context, tag: str | None) -> _Node:
    text = reading.text
    first = text[position]
    if first in "|>":
        content, end = read_block_scalar(reading, position, context.parent)
        return resolve_tagged(reading, tag, content, position) if tag else content, position, end
    if first in "\"'":
        content, end = read_quoted(reading, position, context.parent)
        end = end_of_value(reading, position, end)
        return resolve_tagged(reading, tag, content, position) if tag else content, position, end
    _refuse_out_of_place(reading, position)
    content, end = read_plain(reading, position, context.parent, flow=False)
    end = end_of_value(reading, position, end)
    value = resolve_tagged(reading, tag, content, position) if tag else resolve(reading, content, position)
    return value, position, end


def _refuse_out_of_place(reading: Reading, position: int) -> None:
    """Fail on an indicator of a block collection where none may begin."""
    text = reading.text
    if text[position] not in "-?" or text[position + 1] not in " \t\n":
        return
    if text[position] == "?":
        refuse_complex_key(reading, position)
    if text[position - 1] == "\t":
        reading.fail("yaml-tab-indent", position - 1, "a tab as indentation", "indent with spaces")
    reading.fail("yaml-indentation", position, "a sequence cannot begin here",
                 "put its first '-' on the next line, or quote the value")


def _read_with_properties(reading: Reading, position: int, context: Context, column: int) -> _Node:
    """A node with an anchor or a tag; before a key they belong to the key, which begins a mapping."""
    text = reading.text
    tag = context.properties.tag if context.properties else None
    if column >= 0 and _KEY.match(text, position):
        mapping, end = read_mapping(reading, position, column)
        if tag:
            check_collection_tag(reading, tag, mapping, position)
        return mapping, position, end
    properties, after = read_properties(reading, position)
    if context.properties:
        properties = join_properties(reading, context.properties, properties)
    if properties.anchor is not None:
        open_anchor(reading, properties.anchor)
    node = read_value(reading, after, context._replace(properties=properties), -1)
    if properties.anchor is not None:
        close_anchor(reading, properties.anchor, node[0])
    return node
