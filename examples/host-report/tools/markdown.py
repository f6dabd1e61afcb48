"""Markdown of values that may hold anything: names with `|`, backticks, line ends or terminal escapes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def code(value: str) -> str:
    """The value as it is, in a code span. Inside a table a bar is escaped even there."""
    shown = visible(value)
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if shown.startswith("`") or shown.endswith("`") or not shown.strip() else ""
    return f"{fence}{padding}{shown}{padding}{fence}".replace("|", r"\|")


def text(value: str) -> str:
    """The value as plain text of a table or paragraph."""
    return re.sub(r"([\\`*<>|\[\]])", r"\\\1", visible(value))


def visible(value: str) -> str:
    """The value on one line, control characters written as escapes."""
    return "".join(character if character.isprintable() else character.encode("unicode_escape").decode()
                   for character in value)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a head that ends in ':' makes its column right-aligned. Cells are Markdown already."""
    lines = [_line([head.removesuffix(":") for head in heads]),
             _line(["---:" if head.endswith(":") else "---" for head in heads])]
    return "\n".join(lines + [_line(row) for row in rows]) + "\n"


def size(size_bytes: int) -> str:
    """The size in the unit that leaves one to four digits before the point."""
    amount = float(size_bytes)
    for unit in _UNITS:
        if amount < 1024 or unit == _UNITS[-1]:
            break
        amount /= 1024
    return f"{amount:.1f} {unit}" if unit != "B" else f"{size_bytes} B"


def duration(seconds: int) -> str:
    """Days, hours and minutes, the largest two that are not zero."""
    parts = ((seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"))
    return " ".join([f"{amount} {unit}" for amount, unit in parts if amount][:2]) or f"{seconds} s"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
