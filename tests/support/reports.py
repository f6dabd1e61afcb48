"""Reports of runs to be drawn: a success, a failure with everything in it, and texts that must stay texts."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any, cast

from oe.render.graph_value import Outline
from oe.render.report_value import (
    Artifact,
    AttemptReport,
    Bar,
    Critical,
    FieldReport,
    Head,
    ModelReport,
    Report,
    UnitReport,
    WriteReport,
)
from oe.render.value_lines import Bounds, added_lines, changed_lines, value_lines
from tests.support.graphs import everything

HOSTILE_VALUES = [
    "<script>alert(1)</script>", "</style><script>alert(1)</script>", "]]>", "--><img src=x onerror=alert(1)>", "\"'` onload=alert(1)",
    "' style='x", "&lt;b&gt; &amp; &#60;", "\x00\x01\x1b[31m\x7f\x9b", "\u202eabc\u2066 \u2028", "שלום", "\ud800 lone", "\ufffe\uffff",
    "javascript:alert(1)", "https://example.org/", "a" * 5000, "line\nline\ttab",
]


def keep(text: str) -> str:
    return text


def unit_report(unit_id: str, status: str = "success", **changes: Any) -> UnitReport:
    """A tool that was tried once, from second 0 to 1."""
    return UnitReport(unit_id, "tool", None, status, 0.0, 1.0, 1, None, 0, 0, 0, 0, 0.0, 0, 0, None,
                      [Bar(0.0, 1.0, status)], False)._replace(**changes)


def head(**changes: Any) -> Head:
    return Head("r-20000101-aaaaaa", "demo", "1.0.0", "success", None, "2000-01-01 00:00:00 UTC", "2000-01-01 00:00:04 UTC",
                "2000-01-01 00:01:00 UTC", 4.0, 1, {}, "0.0.0")._replace(**changes)


def report_of(outline: Outline, units: list[UnitReport], **changes: Any) -> Report:
    return Report(head(), outline, [(unit.id, unit.status) for unit in units], units, 0, [], None, [], [], 0, 0, [], 0,
                  [], [], [], 0)._replace(**changes)


def failing() -> Report:
    """Retries, failed items, tokens, diffs, artifacts and a resumption."""
    units = [
        unit_report("fetch", phase="get", is_critical=True),
        unit_report("review", "failed", kind="agent", start=1.0, end=3.0, attempts=4, items=3, items_failed=1, tokens_in=1200,
                    tokens_out=340, cost_usd=0.0123, unpriced_calls=0, error="1 of 3 items failed", is_critical=True,
                    bars=[Bar(1.0, 2.0, "success"), Bar(1.0, 3.0, "failed", is_narrow=True)]),
        unit_report("pipe", "cached", kind="pipeline", start=1.0, end=1.1, attempts=0, items=2, items_cached=2, tokens_saved=500, bars=[]),
        unit_report("again", kind="loop", start=1.2, end=2.0, attempts=3, items=3,
                    bars=[Bar(1.2, 1.4, "retrying"), Bar(1.5, 2.0, "success")]),
        unit_report("report", "skipped", start=3.0, end=3.0, attempts=0, error="predecessor failed: review", bars=[]),
    ]
    attempts = [
        AttemptReport("fetch", 1, "success", 0.0, 1.0, None, None),
        AttemptReport("review[1]", 1, "retrying", 1.0, 0.5, "BusyError: try\nlater", "tried again after 200ms"),
        AttemptReport("review[1]", 2, "failed", 2.0, 1.0, "ValueError: no", None),
        AttemptReport("pipe[0]/one", 1, "cached", 1.0, 0.0, None, "from r-19991231-bbbbbb"),
    ]
    fields = [
        FieldReport("notes", "array_append", True, value_lines(["one", "two"], keep, Bounds()),
                    [WriteReport("review[0]", 1, 2.0, added_lines(["two"], keep, Bounds()))], 3),
        FieldReport("rules", "last_wins", False, value_lines({"a": [1, {"b": 2}], "c": "x"}, keep, Bounds()),
                    [WriteReport("fetch", 2, 1.0, changed_lines({"a": 1, "c": "x"}, {"a": [1, {"b": 2}], "c": "x"}, keep, Bounds()))], 0),
        FieldReport("never", "set_once", False, None, [], 0),
    ]
    return report_of(everything(), units)._replace(
        head=head(status="partial", reason="something", parts=2,
                  totals={"tokens_in": 1200, "tokens_out": 340, "tokens_saved": 500, "cost_usd": 0.0123}),
        critical=Critical(["fetch", "review"], 3.0, 0.25), breaks=[2.5], attempts=attempts, attempts_left_out=7, faults=2, fields=fields,
        fields_left_out=1, models=[ModelReport("some-model", 3, 1200, 340, 0.0123, 1)], args=value_lines({"n": 1}, keep, Bounds()),
        artifacts=[Artifact("out/review.md", 2048)], artifacts_left_out=4, overall=[Bar(0.0, 3.0, "success")], units_left_out=2)


def with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """The same value with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): with_texts(each, change) for key, each in value.items()}
    if isinstance(value, tuple | list):
        parts = [with_texts(each, change) for each in value]
        return type(value)._make(parts) if hasattr(value, "_make") else type(value)(parts)
    return value


class Reading(HTMLParser):
    """A page as a browser takes it: its elements, their attributes, its text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.texts: list[str] = []
        self.others: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name in {"href", "src", "action", "xlink:href", "data"}:
                self.links.append(cast(str, value))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)
