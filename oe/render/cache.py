"""A listing of kept results as a table. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from oe.render.tables import table
from oe.text import clip, format_size

_HEADER = ("KEY", "SLOT", "AGE", "SIZE", "RUN")
_NUMBERS = frozenset({2, 3})
_KEY_DIGITS = 12
_LONGEST_SLOT = 30


class CacheRow(NamedTuple):
    """One kept result; `slot` and `run_id` are None for one that cannot be read."""

    key: str
    slot: str | None
    run_id: str | None
    age_seconds: float
    size_bytes: int


def cache_table(rows: Sequence[CacheRow]) -> list[str]:
    """Lines of at most 80 columns where run ids are of the usual length."""
    return table(_HEADER, [_cells(row) for row in rows], right=_NUMBERS)


def format_age(seconds: float) -> str:
    """`45s`, `12m`, `5h`, `30d`: one unit, rounded down; nothing is younger than now."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{max(0, int(seconds))}s"


def _cells(row: CacheRow) -> list[str]:
    slot = "(cannot be read)" if row.slot is None else clip(row.slot, _LONGEST_SLOT)
    return [row.key[:_KEY_DIGITS], slot, format_age(row.age_seconds), format_size(row.size_bytes), row.run_id or "-"]
