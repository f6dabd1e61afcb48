"""The way in: a text to a Document, every problem told (docs/reference/yaml.md)."""

from __future__ import annotations

from oe.lang.document import Document
from oe.lang.source import prepare
from oe.lang.yaml.blocks import ROOT, read_below, read_value
from oe.lang.yaml.lines import next_line, refuse_leftover
from oe.lang.yaml.reading import Reading
from oe.lang.yaml.stream import find_document
from oe.values import Json


def read_yaml(text: str | bytes, name: str = "<string>") -> Document:
    """The one document of a YAML text, None for an empty stream. Bytes are UTF-8, or UTF-16 with a byte-order mark.

    Aliases share the object that they name. Raises SpecError with the problems of a text that is not of the subset.
    """
    source = prepare(text, name, "yaml")
    ended = source.endswith("\n")
    reading = Reading(source if ended else source + "\n", name, open_end=not ended)
    frame = find_document(reading)
    if frame is None:
        return Document(name, source, None)
    if frame.end < len(reading.text):
        reading.text = reading.text[: frame.end]
        reading.open_end = False
    if frame.explicit:
        value, start, end = read_value(reading, frame.start, ROOT, -1)
    else:
        value, start, end = read_below(reading, frame.start, ROOT, 0)
    _, content, column = next_line(reading.text, end)
    if column >= 0:
        in_block = isinstance(value, (dict, list)) and reading.text[start] not in "[{"
        refuse_leftover(reading, content, column, reading.positions.span(start).column - 1 if in_block else 0)
    if reading.problems:
        reading.refuse()
    return Document(name, source, value, start=start, places=reading.places, warnings=tuple(reading.warnings))


def load_yaml(text: str | bytes, name: str = "<string>") -> Json:
    """The value alone: dict, list, str, int, float, bool and None. Raises SpecError on refusal."""
    return read_yaml(text, name).value
