"""The reference says what the program says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oe.state.events import EVENTS
from tests.support.reference import FOLDER, PAGES
from tests.support.shapes import tables

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), "run: python -m tests.support.reference"


def test_every_event_has_its_section() -> None:
    page = (FOLDER / "events.md").read_text(encoding="utf-8")
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == list(EVENTS)


def test_every_variable_of_the_product_is_on_the_page() -> None:
    page = (FOLDER / "environment.md").read_text(encoding="utf-8")
    named = {name for path in (ROOT / "oe").rglob("*.py")
             for name in re.findall(r"\"((?:OE|OPENAI|ANTHROPIC)_[A-Z_]+[A-Z])\"", path.read_text(encoding="utf-8"))}
    assert len(named) > 12
    assert sorted(name for name in named if re.search(rf"\b{name}\b", page) is None) == []


def test_every_shape_of_the_json_page_is_held_against_real_output() -> None:
    checked = {heading for path in (ROOT / "tests").rglob("test_*.py")
               for heading in re.findall(r"check_shape\(.*\"([a-z \-]+)\"\)", path.read_text(encoding="utf-8"))}
    assert sorted({heading for heading in tables() if "." not in heading} - checked) == []
