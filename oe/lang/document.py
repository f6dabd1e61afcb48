"""A parsed text: plain values, and where in the text each of them stands. Both readers (YAML, JSON) produce it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import TypeAlias

from oe.diagnostics import Problem, Span
from oe.values import Json

Path: TypeAlias = "tuple[str | int, ...]"
"""The way from the top to a value: keys and indexes."""

Places: TypeAlias = "dict[int, dict[str, int] | list[int]]"
"""id of a container -> offsets of its parts: for a mapping key -> `offset of key << KEY_SHIFT | offset of value`, for a
sequence the offset of each item. Offsets are code points from the start of the text. Two offsets in one number, since
the garbage collector walks tuples, again and again while a long text is read, but not numbers."""

KEY_SHIFT = 32
VALUE_MASK = (1 << KEY_SHIFT) - 1


class Positions:
    """The lines of a text, found when first asked for."""

    __slots__ = ("_line_starts", "_text", "name")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._text = text
        self._line_starts: list[int] | None = None

    def span(self, offset: int) -> Span:
        """The position of an offset into the text."""
        if self._line_starts is None:
            self._line_starts = line_starts(self._text)
        line = bisect_right(self._line_starts, offset)
        return Span(self.name, line, offset - self._line_starts[line - 1] + 1)


class Document:
    """One text with its value. The value consists of plain dict, list, str, int, float, bool and None."""

    def __init__(self, name: str, text: str, value: Json, *, start: int = 0,
                 places: Places | Callable[[], Places] | None = None, warnings: tuple[Problem, ...] = ()) -> None:
        """`start` is the offset of the value itself. `places` may be a function, called when first needed."""
        self.name = name
        self.text = text
        self.value = value
        self.warnings = warnings
        self._start = start
        self._places = {} if places is None else places
        self._positions = Positions(name, text)

    def span(self, path: Path, *, key: bool = False) -> Span:
        """Where the value at `path` starts, or with `key` its key. A path that leads nowhere gives its deepest part."""
        return self.span_at(self.offset(path, key=key))

    def span_inside(self, path: Path, index: int) -> Span:
        """Where character `index` of the string at `path` stands: exact but for folds and escapes it cannot follow,
        where it is the nearest place before it."""
        from oe.lang.scalar_offsets import offset_inside  # only on the way to an error

        value, offset = self._find(path)
        return self.span_at(offset_inside(self.text, offset, value, index) if isinstance(value, str) else offset)

    def offset(self, path: Path, *, key: bool = False) -> int:
        """As `span`, as an offset into the text."""
        return self._find(path, key=key)[1]

    def span_at(self, offset: int) -> Span:
        """The position of an offset into the text."""
        return self._positions.span(offset)

    def _find(self, path: Path, *, key: bool = False) -> tuple[Json, int]:
        if callable(self._places):
            self._places = self._places()
        value, offset = self.value, self._start
        for depth, step in enumerate(path):
            places = self._places.get(id(value))
            if isinstance(places, dict) and isinstance(value, dict) and step in places:
                place = places[str(step)]
                offset = place >> KEY_SHIFT if key and depth == len(path) - 1 else place & VALUE_MASK
                value = value[step]
            elif isinstance(places, list) and isinstance(value, list) and isinstance(step, int) and step < len(places):
                offset = places[step]
                value = value[step]
            else:
                return None, offset
        return value, offset


def line_starts(text: str) -> list[int]:
    """The offset at which each line of the text starts; lines end with LF, CRLF or CR."""
    starts = [0]
    position = 0
    for line in text.replace("\r\n", "\n\n").replace("\r", "\n").split("\n") if "\r" in text else text.split("\n"):
        position += len(line) + 1
        starts.append(position)
    starts.pop()
    if "\r\n" not in text:
        return starts
    return [start for start in starts if not (start and text[start - 1: start + 1] == "\r\n")]
