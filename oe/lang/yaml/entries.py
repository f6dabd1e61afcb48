"""What a key of a mapping may be: a string, once, or the merge key. Blocks and flow collections share these rules."""

from __future__ import annotations

from typing import NoReturn, TypeAlias

from oe.lang.document import KEY_SHIFT, VALUE_MASK
from oe.lang.yaml.anchors import merge
from oe.lang.yaml.reading import Reading, shown
from oe.lang.yaml.scalars import WORDS
from oe.values import Json, kind_of

MAX_KEY = 1024
"""Characters from the start of a key to its colon (YAML 1.2 §7.4.2)."""

NOT_STRINGS = frozenset(word for word in WORDS if word[:1].isalpha())
"""Words that look like simple keys but are no strings."""


Entries: TypeAlias = "tuple[dict[str, Json], dict[str, int]]"
"""A mapping that is being read, and the places of its entries (as in `oe.lang.document.Places`)."""


class Key:
    """A key as it was read: its value, where it starts, and whether it is the plain `<<`."""

    __slots__ = ("is_merge", "offset", "value")

    def __init__(self, value: Json, offset: int, *, is_merge: bool = False) -> None:
        self.value = value
        self.offset = offset
        self.is_merge = is_merge


def key_text(reading: Reading, key: Key, end: int) -> str:
    """The key as a string; one that is none is reported."""
    if isinstance(key.value, str):
        return key.value
    written = reading.text[key.offset: end]
    hint = f'quote it: "{written}"' if written and '"' not in written else "write a string as key"
    reading.report("yaml-key-type", key.offset, f"key {shown(written)} is of type {kind_of(key.value)}, not a string",
                   hint)
    return written


def put(reading: Reading, into: Entries, key: str, place: int, value: Json) -> None:
    """Add an entry whose key may be there already: merged keys give way, others are reported."""
    values, places = into
    if key in values:
        merged = reading.merged.get(id(values))
        if merged is not None and key in merged[1]:
            merged[1].discard(key)
        else:
            line = reading.positions.span(places[key] >> KEY_SHIFT).line
            reading.report("yaml-duplicate-key", place >> KEY_SHIFT, f"key {shown(key)} is here a second time",
                           f"the first is on line {line}")
            return
    values[key] = value
    places[key] = place


def put_merge(reading: Reading, into: Entries, place: int, value: Json) -> None:
    """Add what `<<` names."""
    values, places = into
    if id(values) in reading.merged:
        reading.report("yaml-duplicate-key", place >> KEY_SHIFT, "key '<<' is here a second time",
                       "merge several with a list: '<<: [*one, *other]'")
        return
    reading.merged[id(values)] = values, set(merge(reading, values, places, value, place & VALUE_MASK))


def refuse_complex_key(reading: Reading, offset: int) -> NoReturn:
    """A collection as a key, or one marked with '?'; most often braces of a template that are not quoted."""
    text = reading.text
    if text.startswith("{{", offset):
        line_end = text.index("\n", offset)
        end = text.find("}}", offset, line_end)
        written = text[offset: end + 2] if end >= 0 else "{{ x }}"
        hint = f"quote it: '{written}'" if '"' in written else f'quote it: "{written}"'
        reading.fail("yaml-unquoted-template", offset, f"{shown(written)} is read as a mapping", hint)
    if text.startswith("{%", offset):
        reading.fail("yaml-unquoted-template", offset, "'{%' begins a mapping", "quote the value")
    if text[offset] == "?":
        reading.fail("yaml-complex-key", offset, "a complex key ('?') is not supported", "write 'key: value'")
    reading.fail("yaml-complex-key", offset, "a collection as a key is not supported", "a key is a string; quote it")
