"""A graph as SVG: boxes in layers, coloured by status where a run is shown. Pure; no script, nothing loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from oe.render.graph_groups import Group, groups_of, is_drawn_whole
from oe.render.graph_value import DrawnUnit, Outline, facts
from oe.render.layout import Box, Layout, Line, Size, lay_out
from oe.render.markup import Markup, element, joined, number
from oe.text import clip, neutralise, plural, width_of

_CHARACTER = 7.25
"""The width of a character of the fixed-width font at 12 pixels, as browsers choose it."""

_LINE_HEIGHT = 17
_PADDING = 10
_MARGIN = 8
_LONGEST_LINE = 30
_LONGEST_LABEL = 26
_MOST_MEMBERS = 8
_WORST = ("failed", "interrupted", "cancelled", "running", "retrying", "pending")
_WIDEST = 1100
"""A graph that is wider than this from top to bottom is drawn from left to right, if that is narrower."""


class Shown(NamedTuple):
    """What a run has to say of a unit: its status word, and one short text (time, items). `after` is the unit that it
    comes after on the critical path; `failed` says how many of its items did."""

    status: str
    text: str = ""
    is_critical: bool = False
    after: str | None = None
    failed: str = ""


class _Card(NamedTuple):
    """The contents of a box: (class, text) lines, the class of the box, the full text."""

    lines: Sequence[tuple[str, str]]
    style: str
    title: str


class _Lead(NamedTuple):
    """A line to be drawn: its class, its label, its full text."""

    line: Line
    style: str
    label: str
    title: str


def graph_svg(outline: Outline, shown: Mapping[str, Shown] | None = None, *, style: str | None = None) -> Markup:
    """The drawing. `shown` holds what a run made of the units; `style` makes it a file of its own with these rules."""
    cards, leads = _whole(outline, shown or {}) if is_drawn_whole(outline) else _grouped(outline, shown)
    sizes = [_size(card) for card in cards]
    lines = [lead.line for lead in leads]
    layout = lay_out(sizes, lines)
    is_sideways = False
    if layout.size.width > _WIDEST:
        beside = lay_out(sizes, lines, sideways=True)
        if beside.size.width < layout.size.width:
            layout, is_sideways = beside, True
    drawn = [_lead(lead, layout, place, is_sideways=is_sideways) for place, lead in enumerate(leads)]
    drawn += [_card(card, box) for card, box in zip(cards, layout.boxes, strict=True)]
    drawn += [_label(lead.label, box) for lead, box in zip(leads, layout.labels, strict=True) if box]
    width, height = layout.size.width + 2 * _MARGIN, layout.size.height + 2 * _MARGIN
    parts = [element("title", outline.name)]
    if style is not None:
        parts.append(Markup(f"<style>{style}</style>"))
    body = [Markup(f"\n{part}") for part in (*parts, *drawn)]
    return element("svg", *body, Markup("\n"), class_="graph", role="img", width=width, height=height,
                   viewBox=f"{-_MARGIN} {-_MARGIN} {number(width)} {number(height)}",
                   xmlns="http://www.w3.org/2000/svg" if style is not None else None)


def note_of(outline: Outline) -> str | None:
    """What the drawing leaves out, as a sentence; None where it shows every unit."""
    if is_drawn_whole(outline):
        return None
    groups, _ = groups_of(outline)
    return (f"{len(outline.units):,} units and {len(outline.arrows):,} edges are too many to be drawn one by one: each "
            f"box stands for a group of units ({len(groups)} in all); edges that others imply may be left out")


def _whole(outline: Outline, shown: Mapping[str, Shown]) -> tuple[list[_Card], list[_Lead]]:
    place = {unit.id: index for index, unit in enumerate(outline.units)}
    cards = [_unit(unit, shown.get(unit.id), outline) for unit in outline.units]
    leads = []
    for arrow in outline.arrows:
        label = "" if arrow.when is None else clip(_plain(arrow.when), _LONGEST_LABEL)
        size = Size(_width(label) + 8, _LINE_HEIGHT) if label else None
        target = shown.get(arrow.target)
        style = "edge critical" if target and target.after == arrow.source else "edge"
        title = f"{arrow.source} → {arrow.target}" + (f" when {arrow.when}" if arrow.when is not None else "")
        leads.append(_Lead(Line(place[arrow.source], place[arrow.target], size), style, label, title))
    return cards, leads


def _grouped(outline: Outline, shown: Mapping[str, Shown] | None) -> tuple[list[_Card], list[_Lead]]:
    groups, joints = groups_of(outline)
    leads = []
    for joint in joints:
        ends = (joint.target, joint.source) if joint.is_back else (joint.source, joint.target)
        label = plural(joint.edges, "edge") + (" back" if joint.is_back else "")
        leads.append(_Lead(Line(*ends, Size(_width(label) + 8, _LINE_HEIGHT)), "edge back" if joint.is_back else "edge",
                           label, f"{groups[joint.source].title} → {groups[joint.target].title}: {label}"))
    return [_group(group, shown) for group in groups], leads


def _unit(unit: DrawnUnit, shown: Shown | None, outline: Outline) -> _Card:
    lines = [("name", unit.id), ("kind", unit.kind)]
    for index, member in enumerate(unit.members[:_MOST_MEMBERS]):
        lines.append(("member", f"{'↻' if unit.type == 'loop' else index + 1} {member.id} · {member.kind}"))
    if len(unit.members) > _MOST_MEMBERS:
        lines.append(("member", f"… {len(unit.members) - _MOST_MEMBERS} more"))
    lines += [("fact", mark) for mark in facts(unit)[:3]]
    style = "unit"
    if shown is not None:
        lines.append(("status", f"{shown.status} {shown.text}".strip()))
        lines += [("count failed", shown.failed)] if shown.failed else []
        style += f" {shown.status}{' critical' if shown.is_critical else ''}"
    phase = [] if unit.phase is None else [f"phase {outline.phases.get(unit.phase, unit.phase)}"]
    title = "; ".join([f"{unit.id} ({unit.kind})", *facts(unit), *phase])
    return _Card(lines, style if unit.source is None else f"{style} many", title)


def _group(group: Group, shown: Mapping[str, Shown] | None) -> _Card:
    lines = [("name", group.title), ("kind", plural(len(group.units), "unit"))]
    style = "unit many"
    if shown is not None:
        counts = Counter(shown[unit.id].status if unit.id in shown else "pending" for unit in group.units)
        lines += [(f"count {status}", f"{count:,} {status}") for status, count in counts.most_common()]
        worst = next((each for each in _WORST if counts[each]), None)
        style += f" {worst or counts.most_common(1)[0][0]}"
    names = [unit.id for unit in group.units[:20]]
    return _Card(lines, style, clip(f"{group.title}: {', '.join(names)}{', …' if len(group.units) > 20 else ''}", 1000))


def _size(card: _Card) -> Size:
    widest = max(_width(clip(_plain(text), _LONGEST_LINE)) for _, text in card.lines)
    return Size(max(90.0, widest + 2 * _PADDING), len(card.lines) * _LINE_HEIGHT + _PADDING)


def _card(card: _Card, box: Box) -> Markup:
    drawn = [element("title", clip(_plain(card.title), 1000)),
             element("rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=6)]
    if "many" in card.style.split():
        drawn.insert(1, element("rect", x=box.x + 4, y=box.y + 4, width=box.width, height=box.height, rx=6))
    for place, (style, text) in enumerate(card.lines):
        drawn.append(element("text", clip(_plain(text), _LONGEST_LINE), class_=style, x=box.x + _PADDING,
                             y=box.y + _PADDING + 8 + place * _LINE_HEIGHT))
    return element("g", *drawn, class_=card.style)


def _lead(lead: _Lead, layout: Layout, place: int, *, is_sideways: bool) -> Markup:
    route = layout.routes[place]
    path = [f"M{_point(route[0])}"]
    for index in range(1, len(route)):
        end = route[index]
        if index % 2:
            path.append(f"L{_point(end)}")
            continue
        start = route[index - 1]
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        bends = ((middle[0], start[1]), (middle[0], end[1])) if is_sideways else ((start[0], middle[1]),
                                                                                (end[0], middle[1]))
        path.append(f"C{_point(bends[0])} {_point(bends[1])} {_point(end)}")
    return element("g", element("title", clip(_plain(lead.title), 1000)), element("path", d="".join(path)),
                   element("path", d=_head(route, lead, is_sideways=is_sideways), class_="head"), class_=lead.style)


def _head(route: Sequence[tuple[float, float]], lead: _Lead, *, is_sideways: bool) -> str:
    """A triangle at the end that the edge leads to."""
    is_back = lead.style.endswith("back")
    tip = route[0] if is_back else route[-1]
    away = 7 if is_back else -7
    if is_sideways:
        corners = ((tip[0] + away, tip[1] - 4), (tip[0] + away, tip[1] + 4))
    else:
        corners = ((tip[0] - 4, tip[1] + away), (tip[0] + 4, tip[1] + away))
    return f"M{_point(tip)}L{_point(corners[0])}L{_point(corners[1])}Z"


def _label(text: str, box: Box) -> Markup:
    return element("g", element("rect", x=box.x, y=box.y, width=box.width, height=box.height),
                   element("text", text, x=box.x + 4, y=box.y + 12), class_="label")


def _point(point: tuple[float, float]) -> str:
    return f"{number(point[0])} {number(point[1])}"


def _plain(text: str) -> str:
    return " ".join(neutralise(text).split())


def _width(text: str) -> float:
    return width_of(text) * _CHARACTER


def drawing_of(outline: Outline, style: str) -> str:
    """The drawing as a file of its own."""
    return joined([Markup('<?xml version="1.0" encoding="UTF-8"?>\n'), graph_svg(outline, style=style),
                   Markup("\n")])
