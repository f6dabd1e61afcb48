"""Fan-outs: order, failures, bounds, resume — on a loop whose time jumps."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from oe.errors import NodeError
from oe.lang.scope import MISSING
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.run.session import Session
from tests.support.scenario import Scenario, fails, gives

TEXT = """
state:
  schema:
    names: {type: array, items: {type: string}, default: [a, b, c, d]}
    log: {type: array, merge: array_append, items: {type: string}}
graph:
  nodes:
    - {id: each, kind: step, reads: [names], writes: [log], args: {who: $item, at: $index}, for_each: FOR}
    - {id: after, kind: step, needs: each, reads: [log], args: {all: $inputs.each}}
"""


async def work(request: Request, context: NodeContext) -> NodeOutput:
    """Later items are faster; `names` must not be seen; c fails if told to."""
    index = request.args["at"]
    assert isinstance(index, int)
    assert "names" not in request.view
    await asyncio.sleep(10 - index)
    if request.args["who"] == "bad":
        raise NodeError("a bad one")
    return NodeOutput({"log": [str(request.args["who"])]}, {"n": index}, {})


def scenario(for_each: str = "{source: $.names, concurrency: 4}", names: str = "[a, b, c, d]") -> tuple[Scenario, list[Any]]:
    taken: list[Any] = []

    async def take(request: Request, context: NodeContext) -> NodeOutput:
        taken.append((request.args["all"], request.view.get("log")))
        return NodeOutput({}, MISSING, {})

    text = TEXT.replace("FOR", for_each).replace("[a, b, c, d]", names)
    return Scenario(text, {"each": work, "after": take}), taken


@pytest.mark.parametrize("width", [1, 2, 4, 64])
def test_outputs_are_folded_and_gathered_in_item_order(width: int) -> None:
    one, taken = scenario(f"{{source: $.names, concurrency: {width}}}")
    result = one.run()
    assert result.status == "success"
    assert result.state["log"] == ["a", "b", "c", "d"]
    assert taken == [([{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}], ["a", "b", "c", "d"])]
    assert one.node("each")["items"] == 4


def test_no_more_items_run_at_once_than_allowed() -> None:
    one, _ = scenario("{source: $.names, concurrency: 2}")
    result = one.run()
    assert result.totals["duration_ms"] == 10_000 + 8_000 - 1_000


def test_an_empty_list_finishes_with_zero_items() -> None:
    one, taken = scenario(names="[]")
    result = one.run()
    assert one.status("each") == "success"
    assert one.node("each")["items"] == 0
    finished = [event for event in one.events("node.finished") if event["slot"] == "each"]
    assert finished[0]["metrics"] == {"items": 0}
    assert result.status == "success"
    assert taken == [([], None)]


def test_a_source_that_is_no_list_fails_the_node() -> None:
    one, _ = scenario("{source: $args.given}")  # of undeclared arguments validation knows nothing
    one.run(args={"given": "a"})
    assert one.node("each")["error"] == "for_each needs a list, its source is a string"


def test_a_failed_item_lets_the_others_finish_and_then_fails_the_node() -> None:
    one, taken = scenario(names="[a, bad, c, d]")
    result = one.run()
    assert one.status("each") == "failed"
    assert one.node("each")["error"] == "1 of 4 items failed; first each[1]: a bad one"
    assert result.state["log"] == ["a", "c", "d"]
    assert taken == []


@pytest.mark.parametrize("width", [1, 4])
def test_of_several_failed_items_the_first_of_the_list_is_named(width: int) -> None:
    one, _ = scenario(f"{{source: $.names, concurrency: {width}}}", "[a, bad, bad, d]")
    one.run()
    assert one.node("each")["error"] == "2 of 4 items failed; first each[1]: a bad one"


@pytest.mark.parametrize(("minimum", "status"), [(3, "success"), (4, "failed")])
def test_min_success_decides_where_failures_are_tolerated(minimum: int, status: str) -> None:
    one, taken = scenario(f"{{source: $.names, on_item_error: continue, min_success: {minimum}}}", "[a, bad, c, d]")
    one.run()
    assert one.status("each") == status
    if status == "success":
        assert taken[0][0] == [{"n": 0}, None, {"n": 2}, {"n": 3}]
        finished = [event for event in one.events("node.finished") if event["slot"] == "each"]
        assert finished[0]["metrics"] == {"items": 4, "items_failed": 1, "failures": [1]}


@pytest.mark.parametrize("seconds", [0.5, 6.5, 7.5, 8.5, 9.5])
def test_an_interrupted_fan_out_resumes_item_by_item(seconds: float) -> None:
    undisturbed = scenario()[0].run().state
    one, _ = scenario()

    async def interrupt(session: Session) -> None:
        await asyncio.sleep(seconds)
        session.stop("user")

    assert one.run(meanwhile=interrupt).status == "cancelled"
    finished = {event["slot"] for event in one.events("node.finished")}
    result = one.resume()
    assert result.status == "success"
    assert result.state == undisturbed
    assert one.node("each")["items"] == 4
    for slot in finished:
        assert one.kind.calls.count(slot) == 1


def test_a_finished_fan_out_is_restored_whole() -> None:
    text = TEXT.replace("FOR", "{source: $.names}")
    one = Scenario(text, {"each": work, "after": gives()})
    calls = 0

    async def fail_once(request: Request, context: NodeContext) -> NodeOutput:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise NodeError("not yet")
        assert request.args["all"] == [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}]
        return NodeOutput({}, MISSING, {})

    one.kind.scripts = {"each": work, "after": fail_once}
    assert one.run().status == "partial"
    result = one.resume()
    assert result.status == "success"
    assert result.state["log"] == ["a", "b", "c", "d"]
    assert one.kind.calls.count("each[2]") == 1


def test_a_stop_reaches_a_finished_fan_out_that_is_being_restored() -> None:
    one = Scenario(f"""
state: {{schema: {{n: {{type: array, default: {list(range(500))}}}}}}}
graph:
  nodes:
    - {{id: each, kind: step, for_each: {{source: $.n}}}}
    - {{id: bad, kind: step, needs: [each]}}
""", {"bad": fails(times=1)})
    one.run()

    async def stop(session: Session) -> None:
        while session.state.units["each"].items is None:
            await asyncio.sleep(0)
        session.stop("user")
    assert one.resume(meanwhile=stop).status == "cancelled"
    assert one.node("each")["items"] < 500  # type: ignore[operator]
    assert one.resume().status == "success"
    assert one.node("each")["items"] == 500
    assert len(one.kind.calls) == 500 + 2, "items were carried out twice"


def test_items_that_failed_for_good_are_tried_again_only_where_the_unit_would_not_succeed() -> None:
    text = """
state: {schema: {n: {type: array, default: [0, 1, 2]}}}
graph:
  nodes:
    - {id: each, kind: step, for_each: {source: $.n, on_item_error: RULE}}
    - {id: bad, kind: step, needs: [each]}
"""

    async def odd(request: Request, context: NodeContext) -> NodeOutput:
        if request.scope.item == 1:
            raise NodeError("odd")
        return NodeOutput({}, MISSING, {})

    def resumed(rule: str) -> Scenario:
        one = Scenario(text.replace("RULE", "continue"), {"each": odd, "bad": fails()})
        one.run()
        other = Scenario(text.replace("RULE", rule), one.kind.scripts)
        other.store, other.logs, other._count = one.store, one.logs, one._count
        other.resume()
        return other

    same = resumed("continue")
    assert same.kind.calls == ["bad"]
    assert (same.status("each"), same.node("each")["items_failed"]) == ("success", 1)
    stricter = resumed("continue, min_success: 3")
    assert stricter.kind.calls == ["each[1]"]
    assert (stricter.status("each"), stricter.node("each")["items_failed"]) == ("failed", 1)


def test_ten_thousand_items_start_no_more_tasks_than_may_run() -> None:
    most = 0

    async def count(request: Request, context: NodeContext) -> NodeOutput:
        nonlocal most
        most = max(most, len(asyncio.all_tasks()))
        await asyncio.sleep(0.001)
        return NodeOutput({}, MISSING, {})

    one = Scenario("""
args: {many: {type: array}}
graph:
  nodes:
    - {id: each, kind: step, for_each: {source: $args.many, concurrency: 8}}
""", {"each": count})
    assert one.run(args={"many": list(range(10_000))}).status == "success"
    assert most < 20
