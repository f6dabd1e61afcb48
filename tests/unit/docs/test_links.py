"""Every page of the documentation is found from docs/README.md, and every link leads to a page and a heading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCS = sorted(ROOT.glob("docs/**/*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *DOCS, *ROOT.glob("examples/*/README.md")])
_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)]*))?\)")
_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def text_of(page: Path) -> str:
    """The page without its blocks."""
    return _BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """What `#…` may name, as code hosts make it of headings."""
    headings = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_pages_and_headings(page: Path) -> None:
    for target, anchor in _LINK.findall(text_of(page)):
        if target.startswith("https://"):
            continue
        place = (page.parent / target).resolve() if target else page
        assert place.exists(), target
        assert place.is_relative_to(ROOT), target
        assert not anchor or anchor in anchors(place), f"{target}#{anchor}"


def test_the_index_names_every_page() -> None:
    index = ROOT / "docs/README.md"
    named = {(index.parent / target).resolve() for target, _ in _LINK.findall(text_of(index)) if target}
    assert [name_of(page) for page in DOCS if page not in named and page != index] == []


@pytest.mark.parametrize("page", DOCS, ids=name_of)
def test_a_page_begins_with_its_title(page: Path) -> None:
    assert re.match(r"# [A-Z][^\n]*\n\n\S", page.read_text(encoding="utf-8"))
