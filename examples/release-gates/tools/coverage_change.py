"""Checks how test coverage changed, from two reports in the JSON form of coverage.py (`coverage json`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple


class Lines(NamedTuple):
    """How many lines there are, and how many of them tests reach."""

    covered: int
    total: int

    @property
    def percent(self) -> float:
        """Unrounded, so that a drop cannot hide in the rounding; nothing to cover is all covered."""
        return 100 * self.covered / self.total if self.total else 100.0


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `coverage`."""
    folder = Path(ctx.folder, inputs["package"])
    before, after = (read_report(folder / f"coverage-{moment}.json") for moment in ("before", "after"))
    return {"coverage": compare(before, after, float(inputs["minimum"]), float(inputs["allowed_drop"]))}


def read_report(file: Path) -> dict[str, Lines]:
    """Lines by source file."""
    report = json.loads(file.read_text(encoding="utf-8"))
    summaries = {name: measured["summary"] for name, measured in report["files"].items()}
    return {name: Lines(summary["covered_lines"], summary["num_statements"]) for name, summary in summaries.items()}


def compare(before: dict[str, Lines], after: dict[str, Lines], minimum: float,
            allowed_drop: float) -> dict[str, list[str]]:
    """Facts and problems: the whole must not sink too far or too low, and a new file not start too low."""
    old, new = in_all(before), in_all(after)
    problems = []
    if old.percent - new.percent > allowed_drop:
        worst = ", ".join(sunk(before, after)[:3])
        problems.append(f"coverage sank from {old.percent:.1f}% to {new.percent:.1f}%, allowed are {allowed_drop:g} "
                        f"points: {worst}")
    if new.percent < minimum:
        problems.append(f"coverage is {new.percent:.1f}%, below {minimum:g}%")
    problems += [f"the new file {name} has {lines.percent:.1f}%, below {minimum:g}%"
                 for name, lines in sorted(after.items()) if name not in before and lines.percent < minimum]
    facts = [f"{new.percent:.1f}% of {new.total} lines, before {old.percent:.1f}% of {old.total}"]
    return {"facts": facts, "problems": problems}


def in_all(report: dict[str, Lines]) -> Lines:
    """The sum over all files."""
    return Lines(sum(lines.covered for lines in report.values()), sum(lines.total for lines in report.values()))


def sunk(before: dict[str, Lines], after: dict[str, Lines]) -> list[str]:
    """The files with more uncovered lines than before, most of them first."""
    more = {name: (lines.total - lines.covered) - (old.total - old.covered)
            for name, lines in after.items() for old in [before.get(name, Lines(0, 0))]}
    return [f"{name} has {count} more uncovered lines"
            for name, count in sorted(more.items(), key=lambda item: (-item[1], item[0])) if count > 0]
