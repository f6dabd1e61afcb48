"""Compares the totals of each month with what accounting expects."""

from __future__ import annotations

from collections import Counter
from typing import Any


class MismatchError(Exception):
    """The totals and accounting's figures are too far apart."""


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `reconciliation`, or fails with the months that differ."""
    state = inputs["_state"]
    differences = compare(state["totals"]["by_region_and_month"], state["expected"])
    off = {month: cents for month, cents in differences.items() if abs(cents) > inputs["tolerance_cents"]}
    if off:
        listed = ", ".join(f"{month} by {cents:+d} cents" for month, cents in sorted(off.items()))
        raise MismatchError(f"the totals differ from accounting's figures: {listed}")
    return {"reconciliation": {"months": len(differences), "difference_cents": sum(map(abs, differences.values()))}}


def compare(rows: list[dict[str, Any]], expected: dict[str, int]) -> dict[str, int]:
    """Total less expected, by month; a month that one side lacks counts as nothing there."""
    found = Counter[str]()
    for row in rows:
        found[row["month"]] += row["revenue_cents"]
    return {month: found[month] - expected.get(month, 0) for month in {*found, *expected}}
