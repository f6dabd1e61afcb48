"""Reports and drawings, whatever is in them: inert, bounded, and saying what is left out."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from xml.etree import ElementTree

import pytest

from oe.render.graph_groups import MOST_UNITS, groups_of, is_drawn_whole
from oe.render.graph_page import graph_page
from oe.render.graph_svg import drawing_of
from oe.render.graph_value import Arrow, Outline
from oe.render.markup import Markup, element, escaped
from oe.render.page import page
from oe.render.report_page import report_page
from oe.render.report_timeline import timeline
from oe.render.value_lines import Bounds, ValueLine, added_lines, changed_lines, value_lines
from oe.text import clip
from oe.values import Json
from tests.support.graphs import everything, hostile, unit
from tests.support.reports import HOSTILE_VALUES, Reading, failing, head, keep, report_of, unit_report, with_texts

STYLE = "p { color: red; }"
TAGS = {"html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "h1", "h2", "h3", "p", "small", "span",
        "bdi", "b", "i", "a", "code", "pre", "dl", "dt", "dd", "div", "ul", "li", "table", "colgroup", "col", "thead", "tbody", "tr", "th",
        "td", "details", "summary", "svg", "g", "rect", "path", "line", "text"}
ATTRIBUTES = {"charset", "http-equiv", "content", "name", "lang", "class", "id", "href", "scope", "data-label", "open", "tabindex", "role",
              "aria-label", "aria-hidden", "x", "y", "x1", "x2", "y1", "y2", "rx", "d", "width", "height", "viewbox", "text-anchor"}


def pages(outline: Outline, change: Callable[[str], str]) -> list[str]:
    statuses = [(unit_id, status) for unit_id, status in failing().statuses]
    changed = with_texts(failing()._replace(outline=outline), change)._replace(outline=outline)
    same_units = [each._replace(id=known.id) for each, known in zip(changed.units, failing().units, strict=True)]
    return [report_page(changed, STYLE), report_page(changed._replace(units=same_units, statuses=statuses), STYLE),
            graph_page(outline, STYLE)]


@pytest.mark.parametrize("value", HOSTILE_VALUES)
def test_a_value_is_nothing_but_text(value: str) -> None:
    named = with_texts(everything(), lambda text: text if text in {"node", "loop", "pipeline"} else f"{text}{value}")
    for text in pages(named, lambda text: f"{text}{value}"):
        reading = Reading(text)
        assert reading.tags <= TAGS
        assert reading.attributes <= ATTRIBUTES
        assert reading.links == [link for link in reading.links if re.fullmatch("#[a-z]+", link)]
        assert reading.others == []
        assert text.count("<style>") == text.count("</style>") == 1
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]", text)
        text.encode()


@pytest.mark.parametrize("outline", [everything(), hostile()], ids=["everything", "hostile"])
def test_a_drawing_is_well_formed_and_shows_its_texts(outline: Outline) -> None:
    root = ElementTree.fromstring(drawing_of(outline, STYLE).encode())
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    for each in outline.units:
        assert clip(each.id, 30) in texts
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))


@pytest.mark.parametrize("value", HOSTILE_VALUES)
def test_a_drawing_of_hostile_texts_is_well_formed(value: str) -> None:
    named = with_texts(everything(), lambda text: text if text in {"node", "loop", "pipeline"} else f"{text}{value}")
    ElementTree.fromstring(drawing_of(named, STYLE).encode())


def test_escaped_text_is_the_same_to_a_reader() -> None:
    for text in ("<b>&amp;</b>", "\"quoted\" 'single'", "]]>", "a\nb"):
        assert "".join(Reading(f"<p>{escaped(text)}</p>").texts) == text
    assert element("a", "<", Markup("<b>"), title='"<') == '<a title="&quot;&lt;">&lt;<b></a>'
    assert escaped("\x1b[1m\ufffe") == "\\x1b[1m\\ufffe"


def test_the_policy_names_the_style_sheet_alone() -> None:
    digest = b64encode(sha256(STYLE.encode()).digest()).decode()
    assert (f"content=\"default-src &#x27;none&#x27;; style-src &#x27;sha256-{digest}&#x27;; "
            "base-uri &#x27;none&#x27;; form-action &#x27;none&#x27;\"") in page("t", STYLE, [])


def test_a_report_says_what_it_leaves_out() -> None:
    text = "".join(Reading(report_page(failing(), STYLE)).texts)
    for remark in ("2 more units are left out", "2 of 7 units are left out", "attempts: 11, in trouble: 2. Shown are 4", "1 field left out",
                   "4 writes, 3 of them left out", "4 more are left out", "the run was resumed there (1 time)"):
        assert remark in text


def test_a_run_that_began_nothing_has_a_report() -> None:
    units = [unit_report(name, "pending", start=None, end=None, attempts=0, bars=[]) for name in ("one", "two")]
    text = "".join(Reading(report_page(report_of(Outline("x", "1.0.0", {}, [unit("one"), unit("two")], []), units), STYLE)).texts)
    assert "nothing has been started" in text
    assert "2: 2 pending" in text


def chain(length: int, phases: int = 0) -> Outline:
    units = [unit(f"n{number}", depth=number, phase=f"p{number * phases // length}" if phases else None) for number in range(length)]
    return Outline("chain", "1.0.0", {}, units, [Arrow(f"n{number}", f"n{number + 1}", None) for number in range(length - 1)])


def test_a_hundred_units_are_drawn_one_by_one_and_more_in_groups() -> None:
    assert is_drawn_whole(chain(MOST_UNITS))
    assert not is_drawn_whole(chain(MOST_UNITS + 1))
    groups, joints = groups_of(chain(1000, phases=5))
    assert [(group.title, len(group.units)) for group in groups] == [(f"p{number}", 200) for number in range(5)]
    assert [(joint.source, joint.target, joint.edges, joint.is_back) for joint in joints] == [(n, n + 1, 1, False) for n in range(4)]


def test_units_without_phases_and_too_many_phases_are_grouped_by_depth() -> None:
    for outline in (chain(1000), chain(1000, phases=1), chain(1000, phases=500)):
        groups, _ = groups_of(outline)
        assert [group.title for group in groups][:2] == ["depth 0 to 49", "depth 50 to 99"]
        assert sum(len(group.units) for group in groups) == 1000
    wide = Outline("wide", "1.0.0", {}, [unit(f"n{number}") for number in range(500)], [])
    assert [group.title for group in groups_of(wide)[0]] == ["depth 0"]


def test_a_dense_graph_is_not_drawn_line_by_line() -> None:
    units = [unit(f"n{number}", depth=number) for number in range(90)]
    arrows = [Arrow(f"n{one}", f"n{two}", None) for two in range(90) for one in range(two)]
    outline = Outline("dense", "1.0.0", {}, units, arrows)
    assert not is_drawn_whole(outline)
    assert len(drawing_of(outline, STYLE)) < 100_000


def test_a_wide_graph_is_drawn_from_left_to_right() -> None:
    wide = Outline("wide", "1.0.0", {}, [unit("a"), *(unit(f"b{number}", depth=1) for number in range(40))],
                   [Arrow("a", f"b{number}", None) for number in range(40)])
    root = ElementTree.fromstring(drawing_of(wide, STYLE).encode())
    assert float(root.attrib["height"]) > float(root.attrib["width"])


@pytest.mark.parametrize(("before", "after", "lines"), [
    (1, 2, ["-1", "+2"]),
    ("a\nb\nc\nd", "a\nb\nx\nd", [" a", " b", "-c", "+x", " d"]),
    ({"a": 1}, {"a": 1}, [" the same value"]),
    ([1, 2], [], ["-[1, 2]", "+[]"]),
    ({}, None, ["-{}", "+null"]),
    (1, [[2]], ["-1", "+[", "+  [2]", "+]"]),
    ({"a": 1, "b": 2}, {"a": 1, "b": [[3]]}, [" {", '   "a": 1,', '-  "b": 2', '+  "b": [', "+    [3]", "+  ]", " }"]),
    ([[1], [2]], [[1], [2], {"c": [[3]]}], [
        "   [1],", "   [2],", "+  {", '+    "c": [', "+      [3]", "+    ]", "+  }", " ]"]),
    ("one,", "one", ["-one,", "+one"]),
])
def test_what_changed(before: Json, after: Json, lines: list[str]) -> None:
    assert [f"{line.sign}{line.text}" for line in changed_lines(before, after, keep, Bounds())] == lines


def test_values_are_bounded_in_lines_and_width() -> None:
    deep: Json = 0
    for _ in range(100_000):
        deep = [deep, 1]
    assert len(value_lines(deep, keep, Bounds(10, 50))) == 11
    long = list(range(1_000_000))
    assert value_lines(long, keep, Bounds(3)) == [ValueLine(" ", "["), ValueLine(" ", "  0,"), ValueLine(" ", "  1,"),
                                                  ValueLine("…", "more is left out")]
    assert len(added_lines(long, keep, Bounds(3))) == 4
    assert len(changed_lines(long, [0], keep, Bounds(20))) <= 22
    assert all(len(line.text) <= 50 for line in value_lines({"x" * 1000: "y" * 1000}, keep, Bounds(5, 50)))


def test_a_value_that_is_shown_whole_is_json() -> None:
    value: Json = {"a": [1, {"b": [[], {}, [None]]}, "x" * 80], "": {"c": {"d": [True, 1.5]}, "e": ["f" * 80]}, "g": {}}
    assert json.loads("\n".join(line.text for line in value_lines(value, keep, Bounds()))) == value


def test_a_secret_is_redacted_before_it_can_be_cut() -> None:
    def redact(text: str) -> str:
        return text.replace("sesame-open", "***")

    values: list[Json] = ["x" * 45 + "sesame-open", {"k": "x" * 30 + "sesame-open"}, ["sesame-open"], {"sesame-open": 1}]
    for value in values:
        shown = [*value_lines(value, redact, Bounds(9, 50)), *added_lines([value], redact, Bounds(9, 50)),
                 *changed_lines(value, [value], redact, Bounds(9, 50))]
        assert not any("sesame" in line.text for line in shown)


@pytest.mark.parametrize(("seconds", "marks"), [
    (8.9, ["0", "2.0s", "4.0s", "6.0s", "8.0s"]), (59.0, ["0", "15.0s", "30.0s", "45.0s"]),
    (299.0, ["0", "01:00", "02:00", "03:00", "04:00"]), (7200.0, ["0", "1:00:00", "2:00:00"])])
def test_the_axis_is_marked_in_round_numbers(seconds: float, marks: list[str]) -> None:
    report = report_of(chain(1), [unit_report("n0", end=seconds)], head=head(seconds=seconds))
    axis = timeline(report).partition('class="axis"')[2].partition("</svg>")[0]
    assert re.findall(r"<text[^>]*>([^<]*)</text>", axis) == marks


def test_a_report_of_many_units_shows_first_what_a_reader_looks_for() -> None:
    units = [unit_report(f"n{number}", "failed" if number == 70 else "success", is_critical=number == 80) for number in range(90)]
    text = report_page(report_of(chain(90), units), STYLE)
    for anchor in ("timeline", "nodes"):
        at_once, _, rest = text.partition(f'id="{anchor}"')[2].partition("</section>")[0].partition("<details>")
        assert re.findall(r'scope="row"><bdi class="name">(\w+)', at_once) == ["n70", "n80"]
        assert rest.startswith("<summary>88 other units</summary>")
        assert rest.count('scope="row"') == 88
