"""The page of the reference is the one that the tables make. `UPDATE_GOLDEN=1` writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

from oe.kinds import KINDS
from oe.spec.graph_levels import GRAPH_LEVELS
from oe.spec.reference_page import reference_page
from oe.spec.top_levels import TOP_LEVELS

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "spec.md"


def test_the_page_is_up_to_date() -> None:
    page = reference_page(KINDS.values())
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page


def test_every_level_kind_and_key_is_on_it() -> None:
    page = reference_page(KINDS.values())
    for level in (*TOP_LEVELS, *GRAPH_LEVELS):
        assert f"\n## {level.name}\n" in page
        assert all(f"\n| `{key.name}` |" in page for key in level.keys)
    assert all(f"\n## kind: {kind.name}\n" in page for kind in KINDS.values())


def test_links_lead_to_headings() -> None:
    page = reference_page(KINDS.values())
    for link in (part.partition(")")[0] for part in page.split("](#")[1:]):
        assert f"\n## {link}\n" in page
