"""Every page of the reference is found from docs/README.md, and every link in it leads to a page and a heading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.pages import REFERENCE

PAGES = sorted(REFERENCE.glob("*.md"))
_LINK = re.compile(r"\]\(([^)#]*)(?:#([^)]*))?\)")
_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def text_of(page: Path) -> str:
    """The page without its blocks."""
    return _BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """What `#…` may name, as code hosts make it of headings."""
    headings = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_to_pages_and_headings(page: Path) -> None:
    for target, anchor in _LINK.findall(text_of(page)):
        place = (page.parent / target).resolve() if target else page
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), f"{target}#{anchor}"


def test_the_index_names_every_page() -> None:
    index = text_of(REFERENCE.parent / "README.md")
    assert {target for target, _ in _LINK.findall(index) if target.startswith("reference/")} == {
        f"reference/{page.name}" for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_begins_with_its_title(page: Path) -> None:
    assert re.match(r"# [A-Z][^\n]*\n\n\S", page.read_text(encoding="utf-8"))
