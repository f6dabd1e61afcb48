"""Sorts marshalled code by kind, so that it compresses better: instructions, line tables, and a frame of all the rest.

Deflate finds less where the three alternate. `oe.archive.weave` puts them together again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from oe.archive import weave

INSTRUCTIONS, LINES = 0, 9
"""Which of the fields of a code object these two are, as marshal writes it after five numbers."""
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
        elif kind in b"sutaA":
            self._skip(self._number(4))
        elif kind in b"zZ":
            self._skip(self._number(1))
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


def sort_by_kind(data: bytes) -> tuple[bytes, ...]:
    """Frame, mark, column, mark, column, for `weave`: a mark stands in the frame where a piece of its column goes."""
    cuts = sorted(MarshalReader(data).cuts)
    marks = _unused_pairs(data)
    while True:
        first, second = next(marks), next(marks)
        marks_of = {LINES: first, INSTRUCTIONS: second}
        woven = (_frame(data, cuts, marks_of), first, _column(data, cuts, LINES, first),
                 second, _column(data, cuts, INSTRUCTIONS, second))
        if weave(*woven) == data:  # else a mark arose where two pieces met
            return woven


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
