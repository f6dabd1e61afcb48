"""A browser opens reports from disk: nothing is requested but the file, nothing complains, nothing is wider than a phone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser import Browser, browser
from tests.support.experiences import HELD, TOOL, write_experience
from tests.support.program import Program
from tests.support.software import debian_program

FAILING = """\
name: failing
version: 1.0.0
state: {schema: {rows: {type: array, merge: array_append}, "very_long_name_of_a_field_that_holds_a_text": {type: string}}}
graph:
  nodes:
    - {id: load, kind: tool, impl: ./tool.py:load, writes: [very_long_name_of_a_field_that_holds_a_text], cache: false}
    - {id: convert_every_row_of_the_table_that_was_loaded, kind: tool, impl: ./tool.py:convert, needs: [load], writes: [rows],
       for_each: {source: [1, 2, 3, 4]}, cache: false, on_error: {policy: retry, attempts: 2, base_ms: 1}}
    - {id: store, kind: tool, impl: ./tool.py:load, needs: [convert_every_row_of_the_table_that_was_loaded],
       writes: [very_long_name_of_a_field_that_holds_a_text], cache: false}
"""

FAILING_TOOL = """\
BAD = "<script>document.title = 'broken'; fetch('http://127.0.0.1:9/')</script><img src='http://127.0.0.1:9/x.png'>" + "w" * 400

def load(inputs, ctx):
    return {"very_long_name_of_a_field_that_holds_a_text": BAD + "\\x1b]0;x\\x07 \\u202e ]]>"}

def convert(inputs, ctx):
    if inputs["$item"] == 3:
        raise ValueError(BAD)
    return {"rows": [{BAD: inputs["$item"]}]}
"""


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(debian_program("chromium"), tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(params=["success", "failing", "graph"])
def page(request: pytest.FixtureRequest, program: Program, tmp_path: Path) -> Path:
    """A file that `oe` wrote."""
    is_failing = request.param != "success"
    folder = write_experience(tmp_path / "made", FAILING if is_failing else HELD, tool=FAILING_TOOL if is_failing else TOOL)
    file = tmp_path / "page.html"
    if request.param == "graph":
        file.write_text(program.run("graph", "--html", cwd=folder).stdout, encoding="utf-8")
        return file
    assert program.run("run", "--quiet", cwd=folder).exit_code == (8 if is_failing else 0)
    assert program.run("inspect", "--html", file, cwd=folder).exit_code == 0
    return file


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_opens_quietly_and_fits(chromium: Browser, page: Path, width: int, scheme: str) -> None:
    chromium.open(page, width=width, scheme=scheme)
    assert (chromium.requests, chromium.troubles) == ([page.as_uri()], [])
    assert chromium.evaluate("document.documentElement.scrollWidth") <= width
    assert chromium.evaluate("document.title") != "broken"
    assert chromium.evaluate("document.querySelectorAll('script, img, iframe, link, [style], [onerror], [onload]').length") == 0
    assert chromium.evaluate("document.querySelector('svg.graph .unit rect').getBBox().width") > 50
    ground = json.loads(chromium.evaluate("JSON.stringify(getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number))"))
    assert (sum(ground) > 600) == (scheme == "light"), "the style sheet is applied, in its scheme"


def test_text_stays_in_its_box(chromium: Browser, page: Path) -> None:
    chromium.open(page, width=1280)
    outside = chromium.evaluate("""[...document.querySelectorAll('svg.graph .unit')].flatMap(unit => {
        const box = unit.querySelector('rect:last-of-type').getBoundingClientRect();
        return [...unit.querySelectorAll('text')].filter(text => text.getBoundingClientRect().right > box.right + 6)
            .map(text => text.textContent);
    })""")
    assert outside == []


def test_the_policy_stops_what_would_get_in(chromium: Browser, page: Path) -> None:
    """The second wall: even markup that was let in could do nothing."""
    text = page.read_text(encoding="utf-8")
    attack = "<script>document.title = 'broken'</script><img src='http://127.0.0.1:9/x.png'><p style='color: red' id='attack'>x</p>"
    broken = page.with_name("broken.html")
    broken.write_text(text.replace("<main>", f"<main>{attack}", 1), encoding="utf-8")
    chromium.open(broken, width=1280)
    assert chromium.evaluate("document.title") != "broken"
    assert chromium.evaluate("getComputedStyle(document.getElementById('attack')).color") != "rgb(255, 0, 0)"
    assert len(chromium.troubles) >= 3


def test_a_page_prints(chromium: Browser, page: Path, tmp_path: Path) -> None:
    chromium.open(page, width=1280, scheme="dark")
    chromium.print_to(tmp_path / "page.pdf")
    data = (tmp_path / "page.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert b"/URI" not in data, "no link leads out"
