"""The timeline of a report: a row a unit, a bar where it worked, the critical path marked. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, count
from typing import TypeAlias

from oe.render.markup import Markup, element, joined
from oe.render.page import folded, name_of, note, pill, section
from oe.render.report_value import TROUBLED, Bar, Critical, Report, UnitReport, foremost
from oe.text import clip, format_duration, plural

_MOST_NAMES = 40
_NARROWEST = 0.35
_STEPS = (1, 2, 5)
_CLOCK_STEPS = (10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200)
_DAY = 86400
_OPEN = {"running": "running", "retrying": "retrying", "interrupted": "cut off"}
"""What is said of units that have not ended, in the room of a time."""

_Scale: TypeAlias = "tuple[float, Sequence[float]]"
"""The seconds that the axis covers, and where the run was resumed."""

_COLUMNS = element("colgroup", *(element("col", class_=name) for name in ("names", "bars", "times")))


def timeline(report: Report) -> Markup:
    """The section; units that never began have no row."""
    begun = [unit for unit in report.units if unit.start is not None and unit.status != "skipped"]
    if not begun:
        return section("Timeline", "timeline", note("nothing has been started"))
    seconds = max(report.head.seconds, 0.001)
    scale, overall = (seconds, report.breaks), []
    if report.overall:
        overall = [_row(element("i", "all nodes"), report.overall, format_duration(seconds), scale)]
    first, rest = foremost(begun)
    parts = [_rows([*overall, *(_unit_row(unit, scale) for unit in first)], scale)]
    if rest:
        parts.append(folded(plural(len(rest), "other unit"), _rows([_unit_row(unit, scale) for unit in rest], scale)))
    statuses = dict.fromkeys(bar.status for unit in begun for bar in unit.bars)
    parts.insert(0, element("p", *(joined([pill(status), " "]) for status in statuses), class_="key"))
    if report.critical is not None:
        parts.insert(0, _path(report.critical))
    if report.units_left_out:
        parts.append(note(f"{report.units_left_out:,} more units are left out of the list"))
    if report.breaks:
        parts.append(note(f"dashed lines: the run was resumed there ({plural(len(report.breaks), 'time')}); the time "
                          "in between is left out"))
    return section("Timeline", "timeline", *parts)


def _rows(rows: Sequence[Markup], scale: _Scale) -> Markup:
    return element("table", _COLUMNS, element("tbody", _axis(*scale), *rows), class_="timeline")


def _path(critical: Critical) -> Markup:
    names = list(critical.units)
    shown = names if len(names) <= _MOST_NAMES else [*names[:_MOST_NAMES - 10], *names[-10:]]
    parts: list[str] = []
    for place, name in enumerate(shown):
        if place:
            parts.append(" → ")
        if len(shown) < len(names) and place == _MOST_NAMES - 10:
            parts.append(f"… {len(names) - len(shown)} more … → ")
        parts.append(name_of(clip(name, 60)))
    waiting = f", {format_duration(critical.waiting)} of it waiting" if critical.waiting >= 0.001 else ""
    return element("p", element("b", "Critical path"), f" ({format_duration(critical.seconds)}{waiting}): ", *parts)


def _unit_row(unit: UnitReport, scale: _Scale) -> Markup:
    took = _OPEN.get(unit.status, "-")
    if unit.end is not None:
        took = format_duration(max(0.0, unit.end - (unit.start or 0.0)))
    return _row(name_of(clip(unit.id, 60)), unit.bars, took, scale, is_critical=unit.is_critical)


def _row(name: Markup, bars: Sequence[Bar], took: str, scale: _Scale, *, is_critical: bool = False) -> Markup:
    seconds, breaks = scale
    first = min((bar.start for bar in bars), default=0.0)
    drawing = element("svg", *_break_lines(breaks, seconds), *_bars(bars, seconds), class_="bars", width="100%",
                      height=16, role="img", aria_label=f"from {format_duration(first)}, {took}")
    return joined([Markup("\n"), element(
        "tr", element("th", name, scope="row"), element("td", drawing, class_="track"),
        element("td", took, class_="number"), class_="critical" if is_critical else None)])


def _bars(bars: Sequence[Bar], seconds: float) -> Iterator[Markup]:
    for bar in sorted(bars, key=lambda bar: bar.status in TROUBLED):  # items work at the same time; none may hide these
        width = max(_NARROWEST, 100 * (bar.end - bar.start) / seconds)
        left = min(100 * bar.start / seconds, 100 - width)
        yield element("rect", element("title", f"{bar.status}, {format_duration(bar.end - bar.start)} "
                                               f"from {format_duration(bar.start)}"),
                      x=f"{left:.2f}%", y=11 if bar.is_narrow else 2, width=f"{width:.2f}%",
                      height=4 if bar.is_narrow else 12, rx=1 if bar.is_narrow else 2, class_=bar.status)


def _axis(seconds: float, breaks: Sequence[float]) -> Markup:
    step = _step(seconds)
    shapes = list(_break_lines(breaks, seconds))
    for tick in range(int(seconds / step + 1e-9) + 1):
        share = 100 * tick * step / seconds
        anchor = "start" if share < 8 else "end" if share > 92 else "middle"
        shapes.append(element("line", x1=f"{share:.2f}%", x2=f"{share:.2f}%", y1=14, y2=18))
        shapes.append(element("text", format_duration(tick * step) if tick else "0", x=f"{share:.2f}%", y=11,
                              text_anchor=anchor))
    drawing = element("svg", *shapes, class_="axis", width="100%", height=18, aria_hidden="true")
    return joined([Markup("\n"), element("tr", element("th", ""), element("td", drawing, class_="track"),
                                         element("td", ""), class_="axis")])


def _break_lines(breaks: Sequence[float], seconds: float) -> Iterator[Markup]:
    for place in breaks[:100]:
        share = f"{100 * place / seconds:.2f}%"
        yield element("line", x1=share, x2=share, y1=0, y2=18, class_="break")


def _step(seconds: float) -> float:
    """A round number of which so few make the whole that their texts fit on a phone: of hours three, of less five."""
    most = 5 if seconds < 3600 else 3
    fine = (factor * 10.0 ** power for power in range(-6, 1) for factor in _STEPS)
    days = (_DAY * factor * 10.0 ** power for power in count() for factor in _STEPS)
    return next(step for step in chain(fine, _CLOCK_STEPS, days) if seconds / step <= most)
