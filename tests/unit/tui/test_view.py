"""What keys do to a view: selection, folds, filters, search, and what they ask for."""

from __future__ import annotations

import pytest

from oe.app.watching import Picture
from oe.render.tree import render_tree
from oe.state.snapshot import Counts, Scope, Snapshot
from oe.text import width_of
from oe.tui.cells import ASCII, UNICODE, bar, fit, shown, wrapped
from oe.tui.rows import about, elapsed
from oe.tui.view import View, Wish
from tests.support import moments
from tests.support.screens import screen, typed
from tests.support.screens import shown as view_of
from tests.support.snapshots import finished, node, nodes, started, watched


def review() -> View:
    return view_of(Picture(moments.review()))


def names(view: View) -> list[str]:
    return [row.text for row in view.rows]


def selected(view: View) -> str | None:
    row = view.chosen()
    return row.text if row is not None else None


def test_the_selection_follows_what_began_last_until_a_key_moves_it() -> None:
    run = watched(nodes([node("one"), node("two"), node("three")])).apply(started("two", 1))
    view = view_of(Picture(run.snapshot(2)))
    assert selected(view) == "two"
    view.take(Picture(run.apply(finished("two", 2), started("three", 2)).snapshot(3)))
    assert selected(view) == "three"
    typed(view, "up")
    view.take(Picture(run.apply(finished("three", 3), started("one", 3)).snapshot(4)))
    assert selected(view) == "two"
    assert selected(typed(view, "F")) == "one"


@pytest.mark.parametrize(("keys", "name"), [
    (["home"], "fetch_diff"), (["end"], "score"), (["g", "down", "j"], "bug_review"), (["G", "k"], "audit_log"),
    (["home", "up"], "fetch_diff"), (["home", "page_down"], "score"), (["end", "page_up"], "fetch_diff")])
def test_the_selection_moves(keys: list[str], name: str) -> None:
    view = review()
    screen(view)
    assert selected(typed(view, *keys)) == name


def test_units_are_folded_and_the_selection_stays() -> None:
    view = typed(review(), "home", "down", "down")
    assert "bug_review[1]" in names(view)
    assert "bug_review[1]" not in names(typed(view, " "))
    assert (selected(view), "bug_review[1]" in names(typed(view, " "))) == ("bug_review", True)
    assert selected(typed(view, "down", "left")) == "bug_review"
    assert "bug_review[1]" not in names(typed(view, "left"))
    assert "bug_review[1]" in names(typed(view, "+"))
    assert "bug_review[1]" not in names(typed(view, "-"))


def test_statuses_are_filtered() -> None:
    view = review()
    found = [names(typed(view, "f")) for _ in range(5)]
    assert found == [["bug_review", "bug_review[1]", "summarize"], ["audit_log"], ["score"],
                     ["fetch_diff", "seed_dimensions"], names(review())]


def test_failed_items_are_failures() -> None:
    view = typed(view_of(Picture(moments.long_fan_out())), "f", "f")
    assert view.rows[0].text == "wide"


def test_items_that_were_cancelled_are_told() -> None:
    unit = Scope("wide", "unit", "tool", "cancelled", reason="user", counts=Counts(8, ok=5, cancelled=3))
    assert "".join(span.text for span in about(unit, 0.0, UNICODE)) == "8 items, 3 cancelled  user"
    run = Snapshot("r-1", 1.0, Scope("run", "run", "custom", "cancelled", parts=(unit,)))
    assert "`- cancelled wide (8 items, 3 cancelled, user)" in render_tree(run)


def test_the_longest_come_first() -> None:
    view = typed(review(), "s")
    units = [row for row in view.rows if row.depth == 0 and row.scope is not None]
    now = moments.review().taken_at
    times = [elapsed(row.scope, now) or -1.0 for row in units if row.scope is not None]
    assert times == sorted(times, reverse=True)
    assert units[0].text == "bug_review"


def test_names_are_found() -> None:
    view = typed(review(), "home", "/", "S", "enter")
    assert (selected(view), view.search, view.typing) == ("seed_dimensions", "S", None)
    assert selected(typed(view, "n", "n")) == "score"
    assert selected(typed(view, "N")) == "summarize"
    assert typed(view, "/", "x", "y", "backspace", "enter", "n").message == "'x' is not found"
    assert typed(view, "escape").search == ""


def test_keys_that_are_typed_do_nothing_else() -> None:
    view = typed(review(), "/", "q", "d", "c")
    assert (view.search, view.overlay, view.asking) == ("qdc", None, None)


def test_a_cancellation_is_asked_for_twice() -> None:
    view = typed(review(), "home", "down", "down", "down", "c")
    assert view.asking == Wish("cancel", "bug_review[1]")
    assert view.press("n") is None
    assert typed(view, "c").press("y") == Wish("cancel", "bug_review[1]")
    assert typed(view, "C").press("y") == Wish("cancel")
    assert typed(view, "home", "c").message == "this is not going on"


def test_nothing_of_a_run_that_is_over_is_cancelled() -> None:
    view = view_of(Picture(moments.settled(), is_live=False))
    for key in ("c", "C"):
        assert (view.press(key), view.asking, view.message) == (None, None, "the run is not going on")


def test_leaving_and_the_dump_are_asked_for() -> None:
    assert review().press("q") == Wish("leave")
    assert review().press("d") == Wish("dump")


def test_an_overlay_is_scrolled_and_closed() -> None:
    view = review()
    view.show([f"line {number}" for number in range(100)])
    screen(view)
    assert "line 99" in screen(typed(view, "G"))
    assert "line 98" in screen(typed(view, "k")).splitlines()[-2]
    assert "line 0" in screen(typed(view, "home"))
    assert typed(view, "x").overlay is None


def test_the_log_is_bounded_filtered_and_scrolled() -> None:
    view = review()
    view.log.extend(f"line {number}" for number in range(6000))
    assert len(view.log) == 5000
    assert view.log_lines(2) == ["line 5998", "line 5999"]
    typed(view, "tab", "k")
    assert view.log_lines(2) == ["line 5997", "line 5998"]
    typed(view, "/", "9", "9", "9", "enter", "G")
    assert view.log_lines(5) == ["line 1999", "line 2999", "line 3999", "line 4999", "line 5999"]


def test_a_log_that_is_scrolled_back_stands_still() -> None:
    view = review()
    view.tell([f"line {number}" for number in range(100)])
    typed(view, "tab", "k", "k")
    assert view.log_lines(2) == ["line 96", "line 97"]
    view.tell(["line 100", "line 101"])
    assert view.log_lines(2) == ["line 96", "line 97"]
    typed(view, "/", "9", "enter", "G", "k")
    view.tell(["line 102", "line 109"])
    assert view.log_lines(1) == ["line 98"]
    assert view.log_lines(1) == ["line 98"]
    assert typed(view, "G").log_lines(1) == ["line 109"]


def test_a_page_of_the_log_is_what_the_log_shows() -> None:
    view = review()
    view.tell([f"line {number:03}" for number in range(100)])
    screen(typed(view, "tab"))
    seen = view.log_lines(view.pages["log"])
    assert seen[-1] == "line 099"
    above = typed(view, "page_up").log_lines(view.pages["log"])
    assert int(above[-1][5:]) == int(seen[0][5:]) - 1


def test_a_view_without_a_run_takes_every_key() -> None:
    view = View()
    for key in ("up", "enter", "tab", "f", "s", "F", "-", "+", "n", "c", "C", "left", " ", "G", "escape", "?", "x"):
        assert view.press(key) is None
    screen(view)


def test_every_key_of_the_help_does_something() -> None:
    for key in ("j", "enter", "tab", "/", "-", "f", "F", "s", "l", "c", "C", "d", "q", "?"):
        view = review()
        before = screen(view)
        assert view.press(key) is not None or screen(view) != before, key


@pytest.mark.parametrize(("text", "width", "cells"), [
    ("abc", 5, "abc  "), ("abcdef", 4, "abc…"), ("漢字", 5, "漢字 "), ("漢字漢", 4, "漢… "), ("é", 2, "é "), ("abc", 0, ""),
    ("e\u0301x", 2, "e\u0301x"), ("\u0928\u0941x", 2, "\u0928\u0941x"), ("\u26a0\ufe0fx", 2, "\u26a0\ufe0fx"),
    ("\u1112\u1161\u11abx", 3, "\u1112\u1161\u11abx"), ("a\xadb", 3, "a\xadb"), ("a\u200db", 2, "a\u200db")])
def test_text_fits_cells(text: str, width: int, cells: str) -> None:
    assert fit(text, width, UNICODE) == cells
    assert width_of(cells) == width


def test_text_is_wrapped_by_cells() -> None:
    assert list(wrapped("漢字漢字ab", 4)) == ["漢字", "漢字", "ab"]
    assert list(wrapped("", 4)) == [""]
    assert list(wrapped("one two three", 8)) == ["one two", "three"]
    assert list(wrapped("one two", 7)) == ["one two"]
    assert list(wrapped("a very-long-word-without-blanks", 10)) == ["a very-lon", "g-word-wit", "hout-blank", "s"]
    assert len(list(wrapped("x" * 1000, 1))) == 8


def test_text_is_harmless() -> None:
    assert shown("a\x1b[2Jb\tc\nd", UNICODE) == "a\\x1b[2Jb c d"
    assert shown("naïve 漢", ASCII) == "na?ve ?"


def test_bars_stay_within_their_width() -> None:
    assert [bar(share, 4, ASCII) for share in (-1, 0, 0.5, 1, 7)] == ["[....]", "[....]", "[##..]", "[####]", "[####]"]
