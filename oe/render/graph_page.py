"""A graph as a page of its own. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from oe.render.graph_svg import graph_svg, note_of
from oe.render.graph_value import Outline, facts
from oe.render.markup import Markup, element, joined, lines_of
from oe.render.page import figure, name_of, note, page
from oe.text import clip, plural

_MOST_ROWS = 2000
_LONGEST_FACTS = 300


def graph_page(outline: Outline, style: str) -> str:
    """The drawing, and the units as a table."""
    counts = f"{plural(len(outline.units), 'unit')}, {plural(len(outline.arrows), 'edge')}"
    left_out = note_of(outline)
    body = [
        element("header", element("h1", outline.name, " ", element("small", outline.version)), element("p", counts)),
        *([note(left_out)] if left_out else []),
        figure(graph_svg(outline), "the graph"),
        element("h2", "Units"),
        _table(outline),
    ]
    if len(outline.units) > _MOST_ROWS:
        body.append(note(f"{plural(len(outline.units) - _MOST_ROWS, 'unit')} left out"))
    return page(f"{outline.name} {outline.version}: graph", style, [element("main", lines_of(body))])


def _table(outline: Outline) -> Markup:
    incoming: dict[str, list[str]] = {}
    for arrow in outline.arrows:
        text = arrow.source if arrow.when is None else f"{arrow.source} (when {arrow.when})"
        incoming.setdefault(arrow.target, []).append(text)
    head = element("tr", *(element("th", text, scope="col") for text in ("Unit", "Depth", "Kind", "After", "Details")))
    return element("table", element("thead", head), element("tbody", *_rows(outline, incoming)), class_="cards")


def _rows(outline: Outline, incoming: dict[str, list[str]]) -> Iterator[Markup]:
    for unit in sorted(outline.units, key=lambda unit: unit.depth)[:_MOST_ROWS]:
        details = facts(unit)
        if unit.members:
            details.insert(0, ", ".join(f"{each.id} ({each.kind})" for each in unit.members))
        if unit.phase is not None:
            details.append(f"phase {outline.phases.get(unit.phase, unit.phase)}")
        after = clip(", ".join(incoming.get(unit.id, [])), _LONGEST_FACTS)
        yield joined([Markup("\n"), element(
            "tr", element("th", name_of(clip(unit.id, 120)), scope="row"),
            element("td", str(unit.depth), data_label="Depth"), element("td", unit.kind, data_label="Kind"),
            element("td", name_of(after), data_label="After", class_="wide" if after else "empty"),
            element("td", name_of(clip("; ".join(details), _LONGEST_FACTS)), data_label="Details",
                    class_="wide" if details else "empty"))])
