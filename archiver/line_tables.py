"""Shortens the line tables of code objects: the compiler makes an entry for each instruction, one a line tells as much.

The format is in CPython's Objects/locations.md: an entry is a byte with a kind and a number of code units, at most 8,
then a signed difference of lines for the kind without columns; the bytes after the first are below 128.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType

_NO_COLUMNS, _NO_LINE = 13, 15
_SAME_LINE = b"\0"
_MOST_UNITS = 8


def shorten_line_tables(code: CodeType) -> CodeType:
    """The same code, that within it too, with shorter line tables. Raises ValueError where the table has columns."""
    constants = tuple(shorten_line_tables(each) if isinstance(each, CodeType) else each for each in code.co_consts)
    shorter = code.replace(co_linetable=_shortened(code.co_linetable), co_consts=constants)
    if _line_of_each_instruction(shorter) != _line_of_each_instruction(code):
        raise ValueError(f"the lines of '{code.co_qualname}' in {code.co_filename} do not survive")
    return shorter


def _shortened(table: bytes) -> bytes:
    merged: list[tuple[int, int, bytes]] = []
    for kind, units, difference in _entries(table):
        if merged and kind == merged[-1][0] and difference in (_SAME_LINE, b""):
            _, before, to_the_first = merged.pop()
            merged.append((kind, before + units, to_the_first))
        else:
            merged.append((kind, units, difference))
    return b"".join(_written(*entry) for entry in merged)


def _entries(table: bytes) -> Iterator[tuple[int, int, bytes]]:
    starts = [at for at, byte in enumerate(table) if byte & 0x80]
    for start, end in zip(starts, [*starts[1:], len(table)], strict=True):
        kind = table[start] >> 3 & 0xF
        if kind not in (_NO_COLUMNS, _NO_LINE):
            raise ValueError(f"a line table has an entry of kind {kind}: compile with -X no_debug_ranges")
        yield kind, (table[start] & 0x7) + 1, table[start + 1:end]


def _written(kind: int, units: int, difference: bytes) -> bytes:
    entries = []
    while units > 0:
        length = min(units, _MOST_UNITS)
        entries.append(bytes([0x80 | kind << 3 | length - 1]) + difference)
        units -= length
        difference = _SAME_LINE if kind == _NO_COLUMNS else b""
    return b"".join(entries)


def _line_of_each_instruction(code: CodeType) -> list[int | None]:
    return [line for start, end, line in code.co_lines() for _ in range(start, end, 2)]
