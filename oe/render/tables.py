"""Rows as an aligned table of plain text. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from oe.text import neutralise, width_of

_GAP = "  "


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> list[str]:
    """Header and rows as lines, each column as wide as its widest cell; columns in `right` are aligned to the right.

    Cells are text of the program or of a user: what could steer a terminal is made visible.
    """
    cells = [list(header), *([neutralise(cell).replace("\n", " ") for cell in row] for row in rows)]
    widths = [max(width_of(row[column]) for row in cells) for column in range(len(header))]
    return [_GAP.join(_padded(cell, width, is_right=column in right)
                      for column, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip() for row in cells]


def _padded(cell: str, width: int, *, is_right: bool) -> str:
    blanks = " " * (width - width_of(cell))
    return blanks + cell if is_right else cell + blanks
