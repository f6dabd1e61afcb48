"""Sorts marshalled code by kind, so that it compresses better: instructions, line tables, texts, a frame of the rest.

Deflate finds less where they alternate. Texts go to a table that the code of all versions of Python shares, in the
order of their first use, so that a code object needs little more than "the next one" of them. `oe.archive.load_group`
puts all of it together again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from oe.archive import weave, with_texts

INSTRUCTIONS, LINES = 0, 9
"""Which of the fields of a code object these two are, as marshal writes it after five numbers."""
TEXT = 100
"""What a text is among them."""
_SHORTEST_TEXT = 4
"""Characters; to point at a shorter one takes as much as itself."""
_FIRST_LINE, _FIELDS = 8, 11
_NOTHING_FOLLOWS = b"0NFTS."
_FIXED_SIZES = {b"i": 4, b"r": 4, b"g": 8, b"y": 16}


class Cut(NamedTuple):
    """Where one field's bytes stand in the marshalled data."""

    start: int
    end: int
    field: int


class MarshalReader:
    """Finds the fields of code objects in the data of `marshal.dumps`, version 4, as CPython 3.11 to 3.13 write it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self.cuts: list[Cut] = []
        self._read()
        if self._at != len(data):
            raise ValueError(f"marshalled data ends at {self._at}, not at {len(data)}")

    def _read(self) -> None:
        """One object, whatever it is."""
        kind = bytes([self._data[self._at] & 0x7F])  # the high bit says that others may refer to it
        self._at += 1
        if kind in _FIXED_SIZES:
            self._skip(_FIXED_SIZES[kind])
        elif kind == b"l":
            self._skip(2 * abs(self._number(4)))
        elif kind in b"st":
            self._skip(self._number(4))
        elif kind in b"uaAzZ":
            self._read_text(1 if kind in b"zZ" else 4)
        elif kind in b"(<>[)":
            for _ in range(self._number(1 if kind == b")" else 4)):
                self._read()
        elif kind == b"{":
            while self._data[self._at] != ord("0"):
                self._read()
            self._at += 1
        elif kind == b"c":
            self._read_code()
        elif kind not in _NOTHING_FOLLOWS:
            raise ValueError(f"marshal wrote the unknown kind {kind!r}")

    def _read_text(self, length_bytes: int) -> None:
        start = self._at
        size = self._number(length_bytes)
        self._skip(size)
        if size >= _SHORTEST_TEXT:
            self.cuts.append(Cut(start, self._at, TEXT))

    def _read_code(self) -> None:
        self._at += 5 * 4
        for field in range(_FIELDS):
            start = self._at
            if field == _FIRST_LINE:
                self._at += 4
                continue
            self._read()
            if field in (INSTRUCTIONS, LINES):
                self.cuts.append(Cut(start, self._at, field))

    def _skip(self, size: int) -> None:
        self._at += size

    def _number(self, size: int) -> int:
        self._at += size
        return int.from_bytes(self._data[self._at - size:self._at], "little", signed=size == 4)


class Sorted(NamedTuple):
    """Marshalled code, sorted. `frame` has a mark where a piece goes; `steps` are the differences between the places of
    its texts in the table; `columns` are mark and column in turns, for `weave`."""

    frame: bytes
    text_mark: bytes
    steps: tuple[int, ...]
    columns: tuple[bytes, ...]


class Texts:
    """The table of texts, in the order of their first use."""

    def __init__(self) -> None:
        self._places: dict[bytes, int] = {}

    def place(self, text: bytes) -> int:
        """Where the text stands."""
        return self._places.setdefault(text, len(self._places))

    def table(self) -> tuple[bytes, ...]:
        """All of them."""
        return tuple(self._places)


def sort_by_kind(data: bytes, texts: Texts) -> Sorted:
    """The data in parts; what `texts` lacks of its texts is added there."""
    cuts = sorted(MarshalReader(data).cuts)
    marks = _unused_pairs(data)
    places = [texts.place(data[cut.start:cut.end]) for cut in cuts if cut.field == TEXT]
    steps = tuple(place - before for before, place in zip([0, *places], places, strict=False))
    table = texts.table()
    while True:
        lines, instructions, text = next(marks), next(marks), next(marks)
        parts = Sorted(_frame(data, cuts, {LINES: lines, INSTRUCTIONS: instructions, TEXT: text}), text, steps,
                       (lines, _column(data, cuts, LINES, lines),
                        instructions, _column(data, cuts, INSTRUCTIONS, instructions)))
        if restored(parts, table) == data:  # else a mark arose where two pieces met
            return parts


def restored(parts: Sorted, table: tuple[bytes, ...]) -> bytes:
    """What `sort_by_kind` was given."""
    return weave(with_texts(parts.frame, parts.text_mark, parts.steps, table), *parts.columns)


def _frame(data: bytes, cuts: list[Cut], marks: dict[int, bytes]) -> bytes:
    pieces, at = [], 0
    for cut in cuts:
        pieces += [data[at:cut.start], marks[cut.field]]
        at = cut.end
    return b"".join([*pieces, data[at:]])


def _column(data: bytes, cuts: list[Cut], field: int, mark: bytes) -> bytes:
    return mark.join([data[cut.start:cut.end] for cut in cuts if cut.field == field] + [b""])


def _unused_pairs(data: bytes) -> Iterator[bytes]:
    return (pair for pair in map(bytes, product(range(255, -1, -1), repeat=2)) if pair not in data)
