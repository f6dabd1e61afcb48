"""Events and listings as text: one line each, aligned, harmless, never failing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oe.render.cost import cost_cell, cost_words
from oe.render.events import event_line
from oe.render.runs import format_count, runs_table
from oe.render.tables import table
from oe.state.events import Event, as_object
from oe.text import neutralise

TIME = 1_795_210_801.25


def line_of(kind: str, slot: str | None = None, attempt: int | None = None, **data: Any) -> str:
    return event_line(as_object(Event(kind, TIME, slot, attempt, data=data), "r-1", 1))


@pytest.mark.parametrize(("line", "text"), [
    (line_of("node.started", "fetch_diff[3]", 1), "21:40:01.250  node.started     fetch_diff[3] attempt=1"),
    (line_of("run.finished", status="success"), "21:40:01.250  run.finished     status=success"),
    (line_of("node.ready", "a"), "21:40:01.250  node.ready       a"),
    (line_of("node.failed", "a", 2, error='it "broke"\nhere'),
     '21:40:01.250  node.failed      a attempt=2 error="it \\"broke\\"\\nhere"'),
    (line_of("run.started", args={"a": [1, None]}), '21:40:01.250  run.started      args={"a":[1,null]}'),
    (line_of("node.activity", "a", activity="\x1b[2J"), "21:40:01.250  node.activity    a activity=\\x1b[2J"),
    (line_of("node.output", "a", chunk="x" * 500), f"21:40:01.250  node.output      a chunk={'x' * 199}…"),
    (line_of("node.progress", "a", 1, pct=0.1 + 0.2, data={"n": 0.5}),
     '21:40:01.250  node.progress    a attempt=1 pct=0.3 data={"n":0.5}'),
    (line_of("node.progress", "a", 1, pct=float("inf"), data=[float("nan")]),
     "21:40:01.250  node.progress    a attempt=1 pct=inf data=[nan]"),
    (event_line({}), ""),
])
def test_an_event_is_one_line(line: str, text: str) -> None:
    assert line == text


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner)
                    | st.dictionaries(st.text(), inner), max_leaves=5)


@given(st.dictionaries(st.sampled_from(["type", "ts", "slot", "attempt", "error", "args"]) | st.text(), JSON))
def test_whatever_a_log_holds_gives_one_harmless_line(record: dict[str, Any]) -> None:
    line = event_line(record)
    assert "\n" not in line
    assert neutralise(line) == line


def run(**changes: Any) -> dict[str, Any]:
    totals = {"ok": 3, "failed": 1, "tokens_in": 1200, "tokens_out": 34, "cost_usd": 0.126}
    return {"run_id": "r-20261120-7f3a9c", "status": "interrupted", "started_at": "2026-11-20T21:40:01.250Z",
            "duration_ms": 754_000.0, "totals": totals} | changes


@pytest.mark.parametrize(("usd", "unpriced", "cell", "words", "listed"), [
    (0.0, 0, "-", None, "-"),
    (0.0123, 0, "$0.0123", "$0.0123", "$0.01"),
    (0.0021, 1, "$0.0021+", "$0.0021 and 1 unpriced call", "<$0.01+"),
    (1234.5, 0, "$1,234.50", "$1,234.50", "$1234.50"),
    (None, 3, "unpriced", "unpriced", "?"),
    (0.5, 1, "$0.50+", "$0.50 and 1 unpriced call", "$0.50+"),
    (None, None, "-", None, "-"),
])
def test_money_says_where_prices_are_not_known(usd: float | None, unpriced: int | None, cell: str, words: str | None,
                                               listed: str) -> None:
    assert (cost_cell(usd, unpriced), cost_words(usd, unpriced)) == (cell, words)
    totals = {"cost_usd": usd, "unpriced_calls": unpriced}
    assert runs_table([run(totals=totals)])[1].split()[-1] == listed


def test_a_listing_fits_80_columns() -> None:
    lines = runs_table([run(), run(run_id="r-1", status="running", duration_ms=None, totals={})])
    assert lines == [
        "RUN                STATUS       STARTED (UTC)      TIME  OK  FAIL  TOKENS   COST",
        "r-20261120-7f3a9c  interrupted  2026-11-20 21:40  12:34   3     1    1.2k  $0.13",
        "r-1                running      2026-11-20 21:40      -   -     -       -      -"]
    assert max(map(len, lines)) <= 80


def test_a_listing_that_would_be_too_wide_leaves_out_the_year() -> None:
    lines = runs_table([run(duration_ms=3_723_000, totals={"ok": 120, "failed": 3, "tokens_in": 1_200_000, "cost_usd": 12.34})])
    assert lines == [
        "RUN                STATUS       STARTED UTC     TIME   OK  FAIL  TOKENS    COST",
        "r-20261120-7f3a9c  interrupted  11-20 21:40  1:02:03  120     3    1.2M  $12.34"]
    assert max(map(len, lines)) <= 80


def test_cells_cannot_steer_the_terminal() -> None:
    assert table(["A", "B"], [["\x1b[2J", "x\ny"]]) == ["A        B", "\\x1b[2J  x y"]


@pytest.mark.parametrize(("number", "text"), [
    (0, "0"), (950, "950"), (999, "999"), (1000, "1.0k"), (1234, "1.2k"), (9960, "10k"), (34_567, "35k"), (999_600, "1.0M"),
    (1_234_567, "1.2M"), (5_000_000_000, "5G"),
])
def test_counts_are_short(number: int, text: str) -> None:
    assert format_count(number) == text
