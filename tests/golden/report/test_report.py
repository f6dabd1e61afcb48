"""Reports and drawings exactly as they are written. `UPDATE_GOLDEN=1` writes them anew, to be looked at in a browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from oe.render.graph_page import graph_page
from oe.render.graph_svg import drawing_of, graph_svg
from oe.render.graph_value import Arrow, Outline
from oe.render.report_page import report_page
from tests.support.graphs import everything, unit
from tests.support.reports import failing, report_of, unit_report

HERE = Path(__file__).parent
STYLE = "/* the style sheets */"


def small() -> Outline:
    return Outline("demo", "1.0.0", {}, [unit("one"), unit("two", depth=1)], [Arrow("one", "two", None)])


def success() -> str:
    units = [unit_report("one"), unit_report("two", start=1.0, end=4.0)]
    return report_page(report_of(small(), units), STYLE)


def grouped() -> str:
    """More units than can be drawn one by one; phase `late` leads back to `early` once."""
    units = [unit(f"n{number}", depth=number, phase="early" if number in (0, 1, 150) else "late") for number in range(200)]
    arrows = [Arrow(f"n{number}", f"n{number + 1}", None) for number in range(199)]
    return graph_svg(Outline("big", "1.0.0", {"early": "First", "late": "Last"}, units, arrows), style=STYLE)


CASES: dict[str, Callable[[], str]] = {
    "success.html": success,
    "failing.html": lambda: report_page(failing(), STYLE),
    "graph.html": lambda: graph_page(everything(), STYLE),
    "graph.svg": lambda: drawing_of(everything(), STYLE),
    "grouped.svg": grouped,
}


@pytest.mark.parametrize("name", CASES)
def test_a_page_is_written(name: str) -> None:
    text = CASES[name]()
    expected = HERE / name
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


def test_every_page_has_its_case() -> None:
    assert {path.name for path in HERE.iterdir() if path.suffix in {".html", ".svg"}} == set(CASES)
