"""Money as people read it, also where the prices of some calls are not known. Pure."""

from __future__ import annotations

from oe.text import plural
from oe.values import Json

UNPRICED = "unpriced"
"""Stands for the cost of calls none of which has a known price."""


def amount(usd: float) -> str:
    """`$0.0021`, `$1.20`: small sums in hundredths of a cent."""
    return f"${usd:.4f}" if usd < 0.1 else f"${usd:,.2f}"


def cost_cell(usd: Json, unpriced: Json) -> str:
    """For a table: `$1.20`; `$1.20+` where the prices of some calls are not known, `unpriced` where none is; `-` for
    nothing. `unpriced` counts those calls."""
    sum_usd = usd if isinstance(usd, int | float) else 0.0
    if not unpriced:
        return amount(sum_usd) if sum_usd else "-"
    return f"{amount(sum_usd)}+" if sum_usd else UNPRICED


def cost_words(usd: Json, unpriced: Json) -> str | None:
    """For a sentence: `$0.0123`, `$0.0123 and 2 unpriced calls`, `unpriced`; None for nothing."""
    cell = cost_cell(usd, unpriced)
    if cell == "-":
        return None
    return f"{cell[:-1]} and {plural(int(str(unpriced)), 'unpriced call')}" if cell.endswith("+") else cell
