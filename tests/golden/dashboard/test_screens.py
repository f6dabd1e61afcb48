"""Screens exactly as a person sees them: each case is a view of a moment of a run, its file what the terminal shows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from oe.app.watching import Picture, Section
from oe.render.findings import finding_lines
from oe.render.tree import render_tree
from oe.state.diagnosis import diagnose
from oe.text import neutralise, width_of
from oe.tui.cells import ASCII, UNICODE
from oe.tui.screen import Size, draw
from oe.tui.view import View
from tests.support import moments
from tests.support.screens import screen, shown, typed
from tests.support.snapshots import progress

HERE = Path(__file__).parent
DETAILS = [
    Section("attempts", ["1 retrying at 12:00:41 UTC (20.6s) TimeoutError: no answer", "2 success at 12:01:02 UTC (1.1s)"]),
    Section("inputs", ["args.who = \"world\"", "$item = {\"file\": \"a.py\"}", "$.diff = (12.1 KiB)"]),
    Section("output", ["bugs:", "  [", "    \"off by one\"", "  ]"]),
    Section("cache", ["key 9a08f0e5eb7effddc25efc772191be6fd6c5efa8be9b29474145331bc06db7ea", "run: there was no earlier result"]),
]


def live(case: Callable[[], moments.Snapshot], **more: object) -> View:
    snapshot = case()
    return shown(Picture(snapshot, slots=2, findings=diagnose(snapshot), **more))  # type: ignore[arg-type]


def over(case: Callable[[], moments.Snapshot]) -> View:
    return shown(Picture(case(), is_live=False, is_fresh=False, ended_at=1_795_176_000.0))


def with_log(view: View) -> View:
    view.log.extend(f"12:00:{second:02}.000  {kind:<15} fetch_diff attempt=1"
                    for second in range(20) for kind in ("node.started", "node.finished"))
    return view


def detailed(view: View) -> View:
    view.details = DETAILS
    return typed(view, "j", "j", "enter")


def streaming() -> moments.Snapshot:
    run = moments.watched(moments.nodes([moments.node("ask"), moments.node("next", "needs: [ask]")]))
    run.apply(moments.started("ask"), progress("ask", 1, None, "writing"), moments.Event(
        "node.output", 2, "ask", 1, data={"chunk": "The first line\nand then 漢字 and \x1b[31mno colour"}))
    return run.snapshot(3)


def far_streamed() -> moments.Snapshot:
    run = moments.watched(moments.nodes([moments.node("ask")]))
    run.apply(moments.started("ask"), moments.Event("node.output", 2, "ask", 1, data={
        "chunk": "The beginning is long gone. " * 9 + "What was said last stands at the end: 漢字."}))
    return run.snapshot(3)


def spending() -> moments.Snapshot:
    run = moments.watched(moments.nodes([moments.node("ask")]))
    run.apply(moments.started("ask"), *(
        moments.Event("budget.warning", 2, data={"budget": f"run {key}", "spent": 0.8 * limit, "limit": limit})
        for key, limit in (("usd", 0.5), ("tokens", 25_000_000), ("calls", 40))))
    return run.snapshot(3)


ERRORS = {"audit_log": "TimeoutError: no answer from audit.example.org:443 within 1s\nsecond line", "bug_review[1]": "429 too many",
          "score": "of somebody else"}


def dumped() -> View:
    view = live(moments.storm)
    view.show([*render_tree(moments.storm()).splitlines(), "", *finding_lines(diagnose(moments.storm()))])
    return view


CASES: dict[str, Callable[[], str]] = {
    **{f"{case.__name__}_80x24": (lambda case=case: screen(live(case))) for case in moments.CASES.values()},  # type: ignore[misc]
    "nothing_yet_80x24": lambda: screen(View()),
    "over_80x24": lambda: screen(with_log(over(moments.settled))),
    "costs_80x24": lambda: screen(live(moments.review, tokens=34_100, tokens_saved=950, cost_usd=0.0123, unpriced_calls=2)),
    "reading_80x24": lambda: screen(live(moments.review, reading=12_345)),
    "streaming_80x24": lambda: screen(live(streaming)),
    "far_streamed_80x24": lambda: screen(live(far_streamed)),
    "far_streamed_details_80x24": lambda: screen(typed(live(far_streamed), "enter")),
    "errors_80x24": lambda: screen(live(moments.review, errors=ERRORS)),
    "ascii_80x24": lambda: screen(with_log(live(streaming)), charset=ASCII),
    "folded_80x24": lambda: screen(typed(live(moments.nested), "-")),
    "failed_80x24": lambda: screen(typed(live(moments.review), "f", "f")),
    "longest_80x24": lambda: screen(typed(live(moments.review), "s")),
    "details_80x24": lambda: screen(with_log(detailed(live(moments.review)))),
    "details_120x40": lambda: screen(with_log(detailed(live(moments.review))), 120, 40),
    "large_log_120x40": lambda: screen(typed(with_log(live(moments.nested)), "l"), 120, 40),
    "filtered_log_80x24": lambda: screen(typed(with_log(live(moments.review)), "tab", "/", *"finished", "enter", "k")),
    "asking_80x24": lambda: screen(typed(live(moments.review), "home", "j", "j", "c")),
    "search_80x24": lambda: screen(typed(live(moments.review), "/", *"aud")),
    "help_80x24": lambda: screen(typed(live(moments.review), "?")),
    "help_40x12": lambda: screen(typed(live(moments.review), "?", "j", "j"), 40, 12),
    "help_end_40x12": lambda: screen(typed(live(moments.review), "?", "G"), 40, 12),
    "dump_60x20": lambda: screen(typed(dumped(), "G"), 60, 20),
    "narrow_40x12": lambda: screen(with_log(live(moments.long_fan_out)), 40, 12),
    "budgets_80x24": lambda: screen(live(spending)),
    "long_search_40x12": lambda: screen(
        typed(live(moments.review), "/", *"a name that is much longer than the screen is wide"), 40, 12),
    "dump_120x40": lambda: screen(dumped(), 120, 40),
    "tiny_20x5": lambda: screen(live(moments.review), 20, 5),
    "tiny_details_20x5": lambda: screen(detailed(live(moments.review)), 20, 5),
}


@pytest.mark.parametrize("name", CASES)
def test_a_screen(name: str) -> None:
    text = CASES[name]()
    expected = HERE / f"{name}.out"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


def test_every_file_has_its_case() -> None:
    assert {path.stem for path in HERE.glob("*.out")} == set(CASES)


@pytest.mark.parametrize("charset", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("size", [(1, 1), (7, 2), (20, 5), (40, 10), (80, 24), (109, 30), (110, 30), (200, 50)])
@pytest.mark.parametrize("case", moments.CASES)
def test_a_screen_has_the_size_of_the_terminal_and_steers_nothing(case: str, size: tuple[int, int], charset: object) -> None:
    view = detailed(with_log(live(moments.CASES[case])))
    lines = draw(view, 1_795_210_900.0, Size(*size), charset)  # type: ignore[arg-type]
    assert len(lines) == size[1]
    for line in lines:
        text = "".join(span.text for span in line)
        assert width_of(text) == size[0]
        assert neutralise(text).replace("\n", "") == text
        assert charset is UNICODE or text.isascii()
