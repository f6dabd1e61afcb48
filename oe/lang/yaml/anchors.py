"""Node properties, aliases and merges: what is written once and stands in several places.

Aliases share the object they name. Each use is charged with the size of what it stands for, so that a short text cannot
unfold into a huge value.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import NamedTuple

from oe.lang.document import KEY_SHIFT
from oe.lang.source import MAX_DEPTH
from oe.lang.yaml.reading import Reading, Shared, shown
from oe.lang.yaml.scalars import TAGS, UNSPECIFIC
from oe.text import did_you_mean
from oe.values import Json

MAX_EXPANSION = 250_000
"""What all aliases of a text may stand for together, in values; 64 characters of a string count as one more."""

_PROPERTY = re.compile(r"&([^ \t\n,\[\]{}]++)|!<([^ \t\n>]*)>|(![^ \t\n,\[\]{}]*)")
_ALIAS = re.compile(r"\*([^ \t\n,\[\]{}]++)")


class Properties(NamedTuple):
    """What may stand before a value: an anchor and a tag."""

    start: int
    anchor: str | None
    tag: str | None


def read_properties(reading: Reading, position: int) -> tuple[Properties, int]:
    """The properties that start at `position`, and the offset after the last of them."""
    start = position
    anchor = tag = None
    text = reading.text
    while text[position] in "&!":
        match = _PROPERTY.match(text, position)
        if match is None:
            reading.fail("yaml-anchor", position, "'&' without a name", "quote the value if it begins with '&'")
        if match[1] is not None:
            if anchor is not None:
                reading.fail("yaml-anchor", position, "a second anchor for one value")
            anchor = match[1]
        else:
            if tag is not None:
                reading.fail("yaml-tag", position, "a second tag for one value")
            tag = _core_tag(reading, position, match)
        position = match.end()
        if text[position] not in " \t\n,]}":
            reading.fail("yaml-anchor" if match[1] else "yaml-tag", position,
                         f"expected a space after {shown(match[0])}")
        after = position
        while text[position] in " \t":
            position += 1
    return Properties(start, anchor, tag), after


def join_properties(reading: Reading, outer: Properties, inner: Properties) -> Properties:
    """The properties of one value that stand on two lines."""
    if outer.anchor is not None and inner.anchor is not None:
        reading.fail("yaml-anchor", inner.start, "a second anchor for one value")
    if outer.tag is not None and inner.tag is not None:
        reading.fail("yaml-tag", inner.start, "a second tag for one value")
    return Properties(inner.start, inner.anchor, outer.tag or inner.tag)


def _core_tag(reading: Reading, position: int, match: re.Match[str]) -> str:
    written = match[0]
    if written == "!":
        return UNSPECIFIC
    full = match[2] if match[2] is not None else f"tag:yaml.org,2002:{written[2:]}" if written[:2] == "!!" else ""
    name = TAGS.get(full)
    if name is None:
        reading.fail("yaml-tag", position, f"tag {shown(written)} is not supported",
                     "known are " + ", ".join(f"!!{name}" for name in TAGS.values()) if written[:2] == "!!"
                     else "quote the value if it begins with '!'")
    return name


def open_anchor(reading: Reading, name: str) -> None:
    """From here on the name means the value that is being read: an alias to it would go in a circle."""
    reading.shared[name] = None


def close_anchor(reading: Reading, name: str, value: Json) -> None:
    """The value of an anchor is complete."""
    reading.shared[name] = Shared(value, *_measure(reading.measured, value))


def read_alias(reading: Reading, position: int) -> tuple[Json, int]:
    """The value that the alias at `position` stands for, and the offset after it."""
    match = _ALIAS.match(reading.text, position)
    if match is None:
        reading.fail("yaml-unknown-alias", position, "'*' without a name", "quote the value if it begins with '*'")
    name = match[1]
    if name not in reading.shared:
        known = [anchor for anchor in islice(reading.shared, 1000) if len(anchor) <= 80]
        reading.fail("yaml-unknown-alias", position, f"no anchor {shown('&' + name)} before this alias",
                     did_you_mean(name, known) or "quote the value if it begins with '*'")
    shared = reading.shared[name]
    if shared is None:
        reading.fail("yaml-alias-cycle", position, f"alias {shown('*' + name)} stands inside the value that it names")
    if reading.depth + shared.depth > MAX_DEPTH:
        reading.fail("yaml-depth", position, f"with this alias nested deeper than {MAX_DEPTH} levels")
    reading.expansion += shared.size
    if reading.expansion > MAX_EXPANSION:
        reading.fail("yaml-alias-expansion", position,
                     f"the aliases of this text stand for more than {MAX_EXPANSION} values")
    return shared.value, match.end()


def _measure(measured: dict[int, tuple[int, int]], value: Json) -> tuple[int, int]:
    """Size and depth of a value. Recurses over what is new alone, which is as deep as the text is nested."""
    if isinstance(value, str):
        return 1 + len(value) // 64, 0
    if not isinstance(value, (dict, list)):
        return 1, 0
    if id(value) in measured:
        return measured[id(value)]
    size, depth = 1, 0
    for child in value.values() if isinstance(value, dict) else value:
        child_size, child_depth = _measure(measured, child)
        size += child_size
        depth = max(depth, child_depth)
    measured[id(value)] = size, depth + 1
    return size, depth + 1


def merge(reading: Reading, values: dict[str, Json], places: dict[str, int], source: Json,
          offset: int) -> list[str]:
    """Add the entries of what `<<` names to a mapping: those it has already stay. The keys that were added."""
    sources = source if isinstance(source, list) else [source]
    added = []
    for mapping in sources:
        if not isinstance(mapping, dict):
            reading.fail("yaml-merge", offset, "'<<' takes a mapping or a list of mappings",
                         "write '<<: *name', or quote the key if it is not a merge")
        its_places = reading.places[id(mapping)]
        for key, value in mapping.items():
            if key not in values:
                values[key] = value
                places[key] = its_places[key] if isinstance(its_places, dict) else offset << KEY_SHIFT | offset
                added.append(key)
    return added
