"""Snapshots: immutable, small, true while others change the run, and the same after a way through JSON."""

from __future__ import annotations

import json
import sys
import threading
import tracemalloc
from typing import Any

import pytest

from oe.render.tree import render_tree
from oe.state.diagnosis import diagnose
from oe.state.events import Event
from oe.state.snapshot import Counts, Scope, Snapshot, copied
from oe.state.snapshot_values import as_object, snapshot_from
from tests.support.moments import CASES
from tests.support.snapshots import finished, node, nodes, progress, retrying, started, watched

FANNED = "for_each: {source: $.list}"


def part(snapshot: Snapshot, name: str) -> Scope:
    found = [scope for unit in snapshot.root.parts for scope in (unit, *unit.parts) if scope.name == name]
    assert len(found) == 1, found
    return found[0]


def test_units_stand_in_the_order_in_which_they_could_run() -> None:
    run = watched(nodes([node("last", "needs: [middle]"), node("alone"), node("middle", "needs: [first]"), node("first")]))
    assert [unit.name for unit in run.snapshot(1).root.parts] == ["alone", "first", "middle", "last"]


def test_an_attempt_has_kind_number_bounds_and_progress() -> None:
    run = watched(nodes([node("a", "timeout: 10s", "on_error: {policy: retry, attempts: 3}")]))
    run.apply(started("a", 1), retrying("a", 2, 1, 500), started("a", 2.5, 2), progress("a", 3, 0.25, "half of it"))
    task = part(run.snapshot(4), "a")
    assert (task.level, task.kind, task.status, task.attempt, task.attempts) == ("unit", "tool", "running", 2, 3)
    assert task.deadline_at is not None and task.started_at is not None and task.moved_at is not None
    assert (task.deadline_at - task.started_at, task.moved_at - task.started_at) == (10, 0.5)
    assert (task.pct, task.message) == (0.25, "half of it")


def test_the_end_of_what_is_streamed_is_kept() -> None:
    run = watched(nodes([node("a")])).apply(started("a"))
    for number in range(1000):
        run.apply(Event("node.output", 1, "a", 1, data={"chunk": f"{number} "}))
    scope = run.snapshot(2).root.parts[0]
    assert scope.tail.endswith("998 999 ")
    assert len(scope.tail) == 200
    back = snapshot_from(as_object(run.snapshot(2)))
    assert back is not None
    assert back.root.parts[0].tail == scope.tail


def test_a_wait_says_when_the_next_attempt_is_due_and_why() -> None:
    run = watched(nodes([node("a", "on_error: {policy: retry, attempts: 3}")])).apply(
        started("a", 1), retrying("a", 2, 1, 1500))
    snapshot = run.snapshot(3)
    task = part(snapshot, "a")
    assert (task.status, task.attempt, task.attempts, task.error) == ("retrying", 2, 3, "BusyError")
    assert task.due_at == snapshot.taken_at + 0.5
    run.apply(started("a", 3.5, 2))
    assert part(run.snapshot(4), "a").status == "running"


def test_a_snapshot_does_not_change_with_its_run() -> None:
    run = watched(nodes([node("a")])).apply(started("a"), progress("a", 1, 0.1))
    before = run.snapshot(2)
    again = run.snapshot(2)
    run.apply(progress("a", 3, 0.9), finished("a", 4))
    assert before == again
    assert part(before, "a").pct == 0.1
    with pytest.raises(AttributeError):
        before.root.name = "other"  # type: ignore[misc]


def test_a_slot_that_is_asked_to_end_is_cancelling() -> None:
    run = watched(nodes([node("wide", FANNED), node("a")]))
    run.apply(started("wide", 0, None, items=2), started("wide[0]"), started("wide[1]"), started("a"))
    snapshot = run.snapshot(1, asked=frozenset({"wide[1]", "a"}))
    assert {name: (part(snapshot, name).status, part(snapshot, name).reason) for name in ("wide[0]", "wide[1]", "a")} == {
        "wide[0]": ("running", None), "wide[1]": ("cancelling", "manual"), "a": ("cancelling", "manual")}


def test_settled_items_are_counted_and_take_no_room() -> None:
    run = watched(nodes([node("wide", FANNED)])).apply(started("wide", 0, None, items=20_000))

    def settle(first: int, count: int) -> None:
        for index in range(first, first + count):
            run.state.apply(started(f"wide[{index}]", 1))
            run.state.apply(finished(f"wide[{index}]", 2, index))

    settle(0, 10_000)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        settle(10_000, 10_000)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown <= 100 * 1000, f"{grown} bytes for 10,000 finished items"
    snapshot = run.snapshot(3)
    counts = part(snapshot, "wide").counts
    assert counts is not None
    assert (counts.total, counts.ok, counts.pending) == (20_000, 20_000, 0)
    assert part(snapshot, "wide").parts == ()


def test_units_of_nested_experiences_take_bounded_room() -> None:
    run = watched(nodes([node("inner")])).apply(started("inner"))
    for number in range(5000):
        run.apply(started(f"inner/n{number}"), finished(f"inner/n{number}", 1))
    deep = "inner" + "/again" * 15
    run.apply(started(deep, 2))
    assert len(run.state.nested) <= 256
    snapshot = run.snapshot(3)
    assert snapshot.root.counts == Counts(1, running=1)
    assert snapshot_from(as_object(snapshot)) == snapshot
    assert deep in [scope.name for scope in part(snapshot, "inner").parts], "what goes on is told in any case"


def test_counts_hold_what_is_not_shown_one_by_one() -> None:
    run = watched(nodes([node(f"n{index}") for index in range(50)])).apply(*(started(f"n{n}") for n in range(40)))
    snapshot = run.snapshot(1, most=10)
    assert len(snapshot.root.parts) == 10
    assert snapshot.root.counts is not None
    assert (snapshot.root.counts.total, snapshot.root.counts.running, snapshot.root.counts.pending) == (50, 40, 10)


def test_a_snapshot_is_taken_while_another_thread_changes_the_run() -> None:
    run = watched(nodes([node("wide", FANNED)])).apply(started("wide", 0, None, items=10**6))
    stop = threading.Event()

    def change() -> None:
        index = 0
        while not stop.is_set():
            run.state.apply(started(f"wide[{index}]", 1))
            if index >= 50:
                run.state.apply(finished(f"wide[{index - 50}]", 2, index - 50))
            index += 1

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(300):
            snapshot = run.snapshot(3)
            assert len(part(snapshot, "wide").parts) <= 60
            render_tree(snapshot)
            diagnose(snapshot)
    finally:
        sys.setswitchinterval(interval)
        stop.set()
        thread.join()


def test_a_copy_that_a_change_spoils_is_made_again() -> None:
    attempts = iter([RuntimeError("dictionary changed size during iteration"), None])

    def take() -> str:
        error = next(attempts)
        if error is not None:
            raise error
        return "whole"

    assert copied(take) == "whole"


@pytest.mark.parametrize("name", CASES)
def test_a_snapshot_comes_back_from_json(name: str) -> None:
    snapshot = CASES[name]()
    back = snapshot_from(json.loads(json.dumps(as_object(snapshot))))
    assert back is not None
    if name == "hostile":  # long messages are cut
        back = back._replace(root=snapshot.root)
    assert render_tree(back) == render_tree(snapshot)
    assert [finding.code for finding in diagnose(back)] == [finding.code for finding in diagnose(snapshot)]


@pytest.mark.parametrize("value", [
    None, 3, [], {}, {"run_id": "r", "taken_at": "yesterday", "root": {}},
    {"run_id": "r", "taken_at": "2026-11-20T21:40:01.250Z", "root": {"name": "x", "level": "run", "kind": "?", "status": "ok"}},
])
def test_what_is_no_snapshot_is_none(value: Any) -> None:
    assert snapshot_from(value) is None


def test_a_deep_value_is_no_snapshot() -> None:
    record: dict[str, Any] = {"name": "x", "level": "run", "kind": "tool", "status": "ok"}
    for _ in range(5000):
        record = {**record, "parts": [record]}
    assert snapshot_from({"run_id": "r", "taken_at": "2026-11-20T21:40:01.250Z", "root": record}) is None


def test_a_healthy_run_has_no_findings_and_stale_ones_are_given_events() -> None:
    run = watched(nodes([node("a")])).apply(started("a"))
    assert diagnose(run.snapshot(29)) == []
    assert [finding.code for finding in diagnose(run.snapshot(29), stale_after=5)] == ["no_progress", "old_pending_task"]
    snapshot = run.snapshot(1)
    events = [Event("node.retrying", snapshot.taken_at, f"a[{n}]", 1, data={"error": "busy"}) for n in range(10)]
    assert [finding.code for finding in diagnose(snapshot, events=events)] == ["retry_storm"]
