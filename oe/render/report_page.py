"""The report of a run as one HTML page. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from oe.render.cost import cost_words
from oe.render.graph_svg import Shown, graph_svg, note_of
from oe.render.markup import Markup, element, joined, lines_of
from oe.render.page import figure, folded, name_of, note, page, pill, section
from oe.render.report_tables import attempt_table, cost_table, figure_of, first_errors, unit_table
from oe.render.report_timeline import timeline
from oe.render.report_value import FieldReport, Report, UnitReport, WriteReport
from oe.render.runs import format_count
from oe.render.value_lines import ValueLine
from oe.text import clip, format_duration, format_size, plural

_OPEN_WRITES = 3
_SIGNS = {"+": "added", "-": "removed", "…": "left"}


def report_page(report: Report, style: str) -> str:
    """The page."""
    head = report.head
    sections = [_graph(report), timeline(report), unit_table(report), attempt_table(report), _state(report),
                cost_table(report), _arguments(report), _artifacts(report)]
    body = [_header(report), element("main", lines_of(filter(None, sections))), _footer(report)]
    return page(f"{head.name}: {head.status} ({head.run_id})", style, body)


def _header(report: Report) -> Markup:
    head = report.head
    parts = [element("h1", name_of(head.name), " ", element("small", head.version), " ", pill(head.status)),
             element("p", element("code", head.run_id), *([f" · {clip(head.reason, 300)}"] if head.reason else []))]
    return element("header", *parts, element("dl", *_summary(report)), *filter(None, [first_errors(report)]))


def _summary(report: Report) -> Iterator[Markup]:
    head, totals = report.head, report.head.totals
    counts = Counter(status for _, status in report.statuses)
    nodes = ", ".join(f"{count:,} {status}" for status, count in counts.most_common())
    yield _fact("Started", head.started)
    not_yet = "no, its process is gone" if head.status == "interrupted" else f"not yet, as of {head.made}"
    yield _fact("Ended", head.finished or not_yet)
    yield _fact("Took", format_duration(head.seconds) + (f" in {head.parts} parts" if head.parts > 1 else ""))
    yield _fact("Nodes", f"{len(report.statuses):,}: {nodes}" if nodes else "0")
    tokens_in, tokens_out = figure_of(totals.get("tokens_in")), figure_of(totals.get("tokens_out"))
    if tokens_in or tokens_out:
        yield _fact("Tokens", f"{format_count(tokens_in)} in, {format_count(tokens_out)} out")
    if figure_of(totals.get("tokens_saved")):
        yield _fact("Saved", f"{format_count(figure_of(totals.get('tokens_saved')))} tokens")
    cost = cost_words(totals.get("cost_usd"), totals.get("unpriced_calls"))
    if cost is not None:
        yield _fact("Cost", cost)


def _fact(name: str, text: str) -> Markup:
    return joined([Markup("\n"), element("div", element("dt", name), element("dd", text))])


def _graph(report: Report) -> Markup:
    by_id = {unit.id: unit for unit in report.units}
    path = report.critical.units if report.critical else ()
    before = dict(pairwise(reversed(path)))
    shown = {unit_id: _shown(status, by_id[unit_id], before.get(unit_id)) if unit_id in by_id else Shown(status)
             for unit_id, status in report.statuses}
    left_out = note_of(report.outline)
    statuses = dict.fromkeys(status for _, status in report.statuses)
    key = element("p", *(joined([pill(status), " "]) for status in statuses), class_="key")
    return section("Graph", "graph", *([note(left_out)] if left_out else []), key,
                   figure(graph_svg(report.outline, shown), "the graph of the run"))


def _shown(status: str, unit: UnitReport, after: str | None) -> Shown:
    failed = f"{plural(unit.items_failed, 'item')} failed" if unit.items_failed else ""
    return Shown(status, _remark(unit), unit.is_critical, after, failed)


def _remark(unit: UnitReport) -> str:
    if unit.start is None or unit.end is None or unit.status == "skipped":
        return ""
    items = "" if unit.items is None else f" · {format_count(unit.items)}×"
    return format_duration(unit.end - unit.start) + items


def _state(report: Report) -> Markup:
    if not report.fields:
        return section("State", "state", note("no field has a value"))
    parts: list[str] = [_field(field) for field in report.fields]
    if report.fields_left_out:
        parts.append(note(f"{plural(report.fields_left_out, 'field')} left out"))
    return section("State", "state", *parts)


def _field(field: FieldReport) -> Markup:
    rules = [field.merge, *(["persists"] if field.is_persistent else [])]
    value = _lines(field.value) if field.value is not None else note("no value")
    writes = len(field.writes) + field.writes_left_out
    parts = [element("h3", name_of(clip(field.name, 120)), " ", element("small", ", ".join(rules))), value]
    if writes:
        left_out = f", {field.writes_left_out} of them left out" if field.writes_left_out else ""
        by = f", by {clip(field.writes[0].slot, 120)}" if writes == len(field.writes) == 1 else ""
        parts.append(folded(plural(writes, "write") + by + left_out, *(_write(write) for write in field.writes),
                            is_open=1 < writes <= _OPEN_WRITES))
    return element("div", *parts, class_="field")


def _write(write: WriteReport) -> Markup:
    attempt = f" (attempt {write.attempt})" if write.attempt > 1 else ""
    return element("div", element("p", name_of(clip(write.slot, 120)), f"{attempt} at +{format_duration(write.at)}"),
                   _lines(write.lines), class_="write")


def _lines(lines: Sequence[ValueLine]) -> Markup:
    """Lines with their signs, which say without colour what came and what went."""
    shown = []
    has_signs = any(line.sign in {"+", "-"} for line in lines)
    for line in lines:
        sign = f"{line.sign} " if has_signs or line.sign == "…" else ""
        style = _SIGNS.get(line.sign)
        shown.append(element("span", f"{sign}{line.text}", class_=style) if style else joined([f"{sign}{line.text}"]))
    return element("pre", lines_of(shown))


def _arguments(report: Report) -> Markup | None:
    return section("Arguments", "arguments", _lines(report.args)) if report.args else None


def _artifacts(report: Report) -> Markup | None:
    if not report.artifacts:
        return None
    rows = [element("li", name_of(clip(each.path, 300)), f" ({format_size(each.size_bytes)})")
            for each in report.artifacts]
    more = [note(f"{report.artifacts_left_out} more are left out")] if report.artifacts_left_out else []
    return section("Artifacts", "artifacts", element("ul", *rows), *more)


def _footer(report: Report) -> Markup:
    return element("footer", element("p", f"Made {report.head.made} by oe {report.head.oe_version}. Times are UTC, "
                                          "“+” counts from the beginning of the run. This file loads nothing."))
