"""The tables of a report: units, attempts with their errors, tokens and money. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from oe.render.cost import cost_cell
from oe.render.markup import Markup, element, joined
from oe.render.page import folded, name_of, note, pill, section
from oe.render.report_value import TROUBLED, AttemptReport, ModelReport, Report, UnitReport, foremost
from oe.render.runs import format_count
from oe.text import clip, format_duration, plural
from oe.values import Json

_LONGEST_NAME = 120
_LONGEST_REMARK = 300
_LONGEST_ERROR = 4000
_OPEN_ATTEMPTS = 20
_NUMBER = "number"
_WIDE = "wide"


class _Column(NamedTuple):
    title: str
    style: str = ""


def unit_table(report: Report) -> Markup:
    """What became of each unit."""
    columns = [_Column("Node"), _Column("Kind"), _Column("Status"), _Column("Began", _NUMBER), _Column("Took", _NUMBER),
               _Column("Attempts", _NUMBER), _Column("Items", _NUMBER), _Column("Remark", _WIDE)]
    unused = {title for title, is_used in (("Items", any(unit.items is not None for unit in report.units)),
                                           ("Remark", any(unit.error for unit in report.units))) if not is_used}
    columns = [column for column in columns if column.title not in unused]
    first, rest = foremost(report.units)
    parts = [_table(columns, [_unit_cells(unit, columns) for unit in first])]
    if rest:
        others = _table(columns, [_unit_cells(unit, columns) for unit in rest])
        parts.append(folded(plural(len(rest), "other unit"), others))
    if report.units_left_out:
        whole = report.units_left_out + len(report.units)
        parts.append(note(f"{report.units_left_out:,} of {whole:,} units are left out: shown are those that failed, "
                          "the critical path, the slowest, and the first"))
    return section("Nodes", "nodes", *parts)


def attempt_table(report: Report) -> Markup:
    """Attempts: all of them, or those in trouble and the slowest."""
    if not report.attempts:
        return section("Attempts and errors", "attempts", note("no attempt has ended"))
    total = report.attempts_left_out + len(report.attempts)
    counts = f"attempts: {total:,}" + (f", in trouble: {report.faults:,}" if report.faults else "")
    if report.attempts_left_out:
        counts += (f". Shown are {len(report.attempts)}: the first in trouble, and the slowest; `oe inspect "
                   f"{report.head.run_id}` lists every event")
    parts = [note(counts)] if report.faults or report.attempts_left_out else []
    columns = [_Column("Slot"), _Column("Attempt", _NUMBER), _Column("Status"), _Column("Began", _NUMBER),
               _Column("Took", _NUMBER), _Column("Remark", _WIDE)]
    troubled = [attempt for attempt in report.attempts if attempt.status in TROUBLED]
    fine = [attempt for attempt in report.attempts if attempt.status not in TROUBLED]
    if not any(attempt.error or attempt.note for attempt in report.attempts):
        columns.pop()
    if troubled:
        parts.append(_table(columns, [_attempt_cells(attempt, columns) for attempt in troubled]))
    if fine:
        parts.append(folded(f"{len(fine)} without trouble",
                            _table(columns, [_attempt_cells(attempt, columns) for attempt in fine]),
                            is_open=len(report.attempts) <= _OPEN_ATTEMPTS))
    return section("Attempts and errors", "attempts", *parts)


def cost_table(report: Report) -> Markup | None:
    """Tokens and money by node and by model; None for a run that asked no model."""
    units = [unit for unit in report.units
             if unit.tokens_in or unit.tokens_out or unit.cost_usd or unit.unpriced_calls or unit.tokens_saved]
    if not units and not report.models:
        return None
    names = ("Tokens in", "Tokens out", "Share", "Cost", "Saved")
    columns = [_Column("Node"), *(_Column(name, _WIDE if name == "Share" else _NUMBER) for name in names)]
    whole = sum(unit.tokens_in + unit.tokens_out for unit in units)
    units.sort(key=lambda unit: (unit.cost_usd, unit.tokens_in + unit.tokens_out), reverse=True)
    parts = [_table(columns, [_cost_cells(unit, columns, whole) for unit in units])]
    if report.models:
        parts.append(_models(report.models))
    if any(unit.unpriced_calls for unit in units):
        parts.append(note("unpriced, and +: the price of a model is not known; OE_PRICES names a file of prices"))
    if report.units_left_out:
        parts.append(note("units that are left out of the list of nodes are left out here too"))
    return section("Tokens and cost", "cost", *parts)


def first_errors(report: Report, most: int = 3) -> Markup | None:
    """What went wrong first, for the top of the page."""
    failed = [unit for unit in report.units if unit.status == "failed"]
    if not failed:
        return None
    rows = [element("li", name_of(clip(unit.id, _LONGEST_NAME)), ": ",
                    name_of(clip(unit.error or "failed", _LONGEST_REMARK))) for unit in failed[:most]]
    more = [element("li", f"and {len(failed) - most} more, see ", element("a", "attempts", href="#attempts"))]
    return element("ul", *rows, *(more if len(failed) > most else []), class_="errors")


def figure_of(value: Json) -> float:
    """A number of the totals; 0 where it is none."""
    return value if isinstance(value, int | float) else 0


def _table(columns: Sequence[_Column], rows: Sequence[Sequence[str]]) -> Markup:
    head = element("tr", *(element("th", column.title, scope="col", class_=column.style or None)
                           for column in columns))
    body = [joined([Markup("\n"), element("tr", *cells)]) for cells in rows]
    return element("table", element("thead", head), element("tbody", *body), class_="cards")


def _cells(columns: Sequence[_Column], texts: dict[str, str]) -> list[Markup]:
    """Every cell carries its column's title: on a phone a row is a card. An empty one is left out there."""
    cells = [element("th", texts[columns[0].title], scope="row")]
    for column in columns[1:]:
        text = texts[column.title]
        style = f"{column.style}{'' if text and text != '-' else ' empty'}".strip()
        cells.append(element("td", text, data_label=column.title, class_=style or None))
    return cells


def _unit_cells(unit: UnitReport, columns: Sequence[_Column]) -> list[Markup]:
    took = "-"
    if unit.start is not None and unit.end is not None and unit.status != "skipped":
        took = format_duration(unit.end - unit.start)
    began = "-" if unit.start is None or unit.status == "skipped" else "+" + format_duration(unit.start)
    remark = name_of(clip(unit.error, _LONGEST_REMARK)) if unit.error else Markup("")
    return _cells(columns, {
        "Node": name_of(clip(unit.id, _LONGEST_NAME)), "Kind": unit.kind, "Status": pill(unit.status), "Began": began,
        "Took": took, "Attempts": f"{unit.attempts:,}" if unit.attempts else "-", "Items": _items(unit),
        "Remark": remark})


def _items(unit: UnitReport) -> str:
    if unit.items is None or unit.status == "skipped":
        return "-"
    parts = [f"{unit.items:,}"]
    if unit.items_failed:
        parts.append(f"{unit.items_failed:,} failed")
    if unit.items_cached:
        parts.append(f"{unit.items_cached:,} cached")
    return ", ".join(parts)


def _attempt_cells(attempt: AttemptReport, columns: Sequence[_Column]) -> list[Markup]:
    parts: list[str] = []
    if attempt.error:
        parts.append(element("pre", clip(attempt.error, _LONGEST_ERROR)))
    if attempt.note:
        parts.append(element("span", clip(attempt.note, _LONGEST_REMARK), class_="note"))
    return _cells(columns, {
        "Slot": name_of(clip(attempt.slot, _LONGEST_NAME)), "Attempt": str(attempt.attempt or "-"),
        "Status": pill(attempt.status), "Began": "+" + format_duration(attempt.start),
        "Took": format_duration(attempt.seconds), "Remark": joined(parts)})


def _cost_cells(unit: UnitReport, columns: Sequence[_Column], whole: int) -> list[Markup]:
    tokens = unit.tokens_in + unit.tokens_out
    share = element("svg", element("rect", x=0, y=2, width=f"{100 * tokens / (whole or 1):.1f}%", height=12, rx=2),
                    class_="bars share", width="100%", height=16, role="img",
                    aria_label=f"{100 * tokens / (whole or 1):.0f}%")
    return _cells(columns, {
        "Node": name_of(clip(unit.id, _LONGEST_NAME)), "Tokens in": format_count(unit.tokens_in),
        "Tokens out": format_count(unit.tokens_out), "Share": share,
        "Cost": cost_cell(unit.cost_usd, unit.unpriced_calls),
        "Saved": format_count(unit.tokens_saved) if unit.tokens_saved else "-"})


def _models(models: Sequence[ModelReport]) -> Markup:
    columns = [_Column("Model"), *(_Column(name, _NUMBER) for name in ("Calls", "Tokens in", "Tokens out", "Cost"))]
    return _table(columns, [_cells(columns, {
        "Model": name_of(clip(model.name, _LONGEST_NAME)), "Calls": str(model.calls),
        "Tokens in": format_count(model.tokens_in), "Tokens out": format_count(model.tokens_out),
        "Cost": cost_cell(model.cost_usd, model.unpriced_calls)}) for model in models[:50]])
