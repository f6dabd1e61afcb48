"""Lines of a run that goes on: what is told of a unit with items."""

from __future__ import annotations

import pytest

from oe.render.progress import FAILURES, TOLD, event_line
from oe.state.run_state import UnitState
from oe.values import JsonObject

FINISHED: JsonObject = {"type": "node.finished", "slot": "each", "duration_ms": 1500.0}


@pytest.mark.parametrize(("items", "failed", "cached", "whole", "line"), [
    (None, 0, 0, False, "ok        each (1.5s)"),
    (1, 0, 0, False, "ok        each (1.5s): 1 item"),
    (5000, 2, 17, False, "ok        each (1.5s): 5,000 items, 2 failed, 17 cached"),
    (3, 0, 3, True, "cached    each (1.5s): 3 items"),
])
def test_a_line_says_what_came_of_the_items(items: int | None, failed: int, cached: int, whole: bool,
                                            line: str) -> None:
    unit = UnitState("each")
    unit.items, unit.item_failures, unit.items_cached, unit.cached = items, failed, cached, whole
    assert event_line(FINISHED, unit) == line


def test_the_start_of_a_failure_is_not_mixed_with_its_items() -> None:
    unit = UnitState("each")
    unit.items = 3
    assert event_line({"type": "node.failed", "slot": "each", "error": "no"}, unit) == "failed    each: no"


def test_a_loop_of_which_nothing_had_to_run_is_told_as_cached() -> None:
    unit = UnitState("loop")
    assert event_line({"type": "node.finished", "slot": "loop"}, unit) == "ok        loop"
    unit.cached = True
    assert event_line({"type": "node.finished", "slot": "loop"}, unit) == "cached    loop"


def test_a_value_that_does_not_reach_the_workspace_is_warned_of_also_when_quiet() -> None:
    conflict = {"type": "state.conflict", "field": "title"}
    assert event_line(conflict) == "warning: the workspace keeps the value that 'title' (set_once) had already"
    assert event_line({**conflict, "experience": "child/experience.yaml"}) == (
        "warning: the workspace of child/experience.yaml keeps the value that 'title' (set_once) had already")
    assert "state.conflict" in TOLD & FAILURES
