"""Adds the modules up: by package, by function, by who imports whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]

_COUNTS = ("lines", "functions", "classes")


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `totals`, `largest`, `longest_functions` and `most_imported`."""
    state, shown = inputs["_state"], inputs["shown"]
    measures = state["measures"]
    measured = {row["module"] for row in measures}
    return {
        "totals": count(measures) | {
            "not_parsed": [row["module"] for row in state["modules"] if row["module"] not in measured]},
        "largest": largest(measures)[:shown],
        "longest_functions": longest_functions(measures)[:shown],
        "most_imported": most_imported(measures)[:shown],
    }


def count(measures: Iterable[Row]) -> Row:
    """How many modules, lines, functions and classes there are."""
    totals = dict.fromkeys(("modules", *_COUNTS), 0)
    for row in measures:
        totals["modules"] += 1
        for name in _COUNTS:
            totals[name] += row[name]
    return totals


def largest(measures: Iterable[Row]) -> list[Row]:
    """Packages and top-level modules by lines."""
    packages: defaultdict[str, list[Row]] = defaultdict(list)
    for row in measures:
        packages[row["module"].partition(".")[0]].append(row)
    rows = [{"package": package} | count(members) for package, members in packages.items()]
    return sorted(rows, key=lambda row: (-row["lines"], row["package"]))


def longest_functions(measures: Iterable[Row]) -> list[Row]:
    """Functions by lines. Each module has named its own longest."""
    rows = [function for row in measures for function in row["longest"]]
    return sorted(rows, key=lambda row: (-row["lines"], row["function"], row["line"]))


def most_imported(measures: Iterable[Row]) -> list[Row]:
    """Modules by how many modules outside their package import them."""
    importers = Counter(name for row in measures for name in row["imports"])
    return [{"module": name, "importers": number}
            for name, number in sorted(importers.items(), key=lambda entry: (-entry[1], entry[0]))]
