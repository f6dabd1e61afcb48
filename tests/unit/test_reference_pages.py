"""The reference says what the program says."""

from __future__ import annotations

import pytest

from oe.state.events import EVENTS
from tests.support.reference import FOLDER, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), "run: python -m tests.support.reference"


def test_every_event_has_its_section() -> None:
    page = (FOLDER / "events.md").read_text(encoding="utf-8")
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == list(EVENTS)
