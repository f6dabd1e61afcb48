"""The page of the format has every level, kind and key; that it is up to date is tested with the other pages."""

from __future__ import annotations

from oe.kinds import KINDS
from oe.spec.graph_levels import GRAPH_LEVELS
from oe.spec.top_levels import TOP_LEVELS
from tests.support.format_page import reference_page


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
