"""docs/reference/reports.md says what a report holds and what it leaves out."""

from __future__ import annotations

import re
from pathlib import Path

from oe.app import report_fields, report_units, reporting
from oe.render import graph_groups
from tests.support.pages import Page

PAGE = Page("reports.md")
RENDER = Path(graph_groups.__file__).parent


def test_the_parts_are_those_of_the_program() -> None:
    titles = {title for path in RENDER.glob("report*.py")
              for title in re.findall(r'section\("([^"]+)"', path.read_text(encoding="utf-8"))}
    assert {part for row in PAGE.rows("part", "what it holds") for part in row[0].split(", ")} == titles | {"head"}


def test_the_bounds_are_those_of_the_program() -> None:
    text = " ".join(PAGE.text.split())
    for sentence in (
            f"Beyond {graph_groups.MOST_UNITS} units", f"at most {reporting.MOST_UNITS} units",
            f"{report_units.MOST_ATTEMPTS} attempts (of more, the first {report_units._MOST_TROUBLED} in trouble and the slowest "
            f"{report_units._MOST_SLOW})", f"{report_fields._MOST_FIELDS} fields with {report_fields._MOST_WRITES} writes each"):
        assert sentence in text
