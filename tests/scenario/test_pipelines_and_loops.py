"""Pipelines and loops as units: streaming, views, failures, resume in the middle — on a loop whose time jumps."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from oe.errors import NodeError
from oe.lang.scope import MISSING
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.run.session import Session
from oe.store.memory_cache import MemoryCache
from tests.support.scenario import Scenario, Script, gives

PIPE = """
state:
  schema:
    words: {type: array, items: {type: string}, default: [ant, bee, cat]}
    log: {type: array, merge: array_append, items: {type: string}}
graph:
  nodes:
    - {id: load, kind: step, args: {word: $item}, writes: [log]}
    - {id: shout, kind: step, args: {was: $prev, at: $index}, writes: [log], reads: [log]}
    - {id: after, kind: step, needs: pipe, reads: [log], args: {all: $inputs.pipe}}
  pipelines:
    - {id: pipe, items: $.words, stages: [load, shout], concurrency: WIDTH, on_item_error: ERROR}
"""


def pipe(width: int = 3, error: str = "fail", bad: str = "") -> tuple[Scenario, list[Any]]:
    seen: list[Any] = []

    async def load(request: Request, context: NodeContext) -> NodeOutput:
        await asyncio.sleep({"ant": 9, "bee": 1}.get(str(request.args["word"]), 5))
        if request.args["word"] == bad:
            raise NodeError("cannot load")
        return NodeOutput({"log": [f"loaded {request.args['word']}"]}, {"w": request.args["word"]}, {})

    async def shout(request: Request, context: NodeContext) -> NodeOutput:
        was = request.args["was"]
        assert isinstance(was, dict)
        assert request.view["log"] == [f"loaded {was['w']}"]
        await asyncio.sleep(1)
        return NodeOutput({"log": [f"{was['w']}!"]}, MISSING, {})

    async def after(request: Request, context: NodeContext) -> NodeOutput:
        seen.append((request.args["all"], request.view.get("log")))
        return NodeOutput({}, MISSING, {})

    text = PIPE.replace("WIDTH", str(width)).replace("ERROR", error)
    return Scenario(text, {"load": load, "shout": shout, "after": after}), seen


@pytest.mark.parametrize("width", [1, 3])
def test_items_stream_and_are_folded_by_item_then_stage(width: int) -> None:
    scenario, seen = pipe(width)
    result = scenario.run()
    assert result.status == "success"
    log = ["loaded ant", "ant!", "loaded bee", "bee!", "loaded cat", "cat!"]
    assert result.state["log"] == log
    assert seen == [([{"log": ["ant!"]}, {"log": ["bee!"]}, {"log": ["cat!"]}], log)]
    if width == 3:
        assert scenario.kind.calls[:4] == ["pipe[0]/load", "pipe[1]/load", "pipe[2]/load", "pipe[1]/shout"]


@pytest.mark.parametrize(("error", "status", "log"), [
    ("fail", "failed", ["loaded ant", "ant!", "loaded cat", "cat!"]),
    ("continue", "success", ["loaded ant", "ant!", "loaded cat", "cat!"]),
])
def test_a_failed_stage_drops_its_item(error: str, status: str, log: list[str]) -> None:
    scenario, seen = pipe(3, error, bad="bee")
    result = scenario.run()
    assert scenario.status("pipe") == status
    assert result.state["log"] == log
    if status == "failed":
        assert scenario.node("pipe")["error"] == "1 of 3 items failed; first pipe[1]: load: cannot load"
    else:
        assert seen[0][0] == [{"log": ["ant!"]}, None, {"log": ["cat!"]}]


@pytest.mark.parametrize("seconds", [0.5, 1.5, 5.5, 9.5])
def test_an_interrupted_pipeline_resumes_in_the_middle(seconds: float) -> None:
    undisturbed = pipe()[0].run().state
    scenario, _ = pipe()

    async def interrupt(session: Session) -> None:
        await asyncio.sleep(seconds)
        session.stop("user")

    assert scenario.run(meanwhile=interrupt).status == "cancelled"
    finished = [event["slot"] for event in scenario.events("node.finished")]
    result = scenario.resume()
    assert result.status == "success"
    assert result.state == undisturbed
    assert all(scenario.kind.calls.count(slot) == 1 for slot in finished if "/" in slot)


def test_a_second_run_of_a_pipeline_is_all_cache() -> None:
    scenario, _ = pipe()
    scenario.cache = MemoryCache()
    scenario.run()
    scenario.kind.calls.clear()
    assert scenario.run().status == "success"
    assert scenario.kind.calls == []


LOOP = """
state:
  schema:
    n: {type: integer, default: 0}
    log: {type: array, merge: array_append, items: {type: integer}}
graph:
  nodes:
    - {id: add, kind: step, reads: [n], writes: [n]}
    - {id: note, kind: step, reads: [n, log], writes: [log], args: {round: $iter}}
    - {id: after, kind: step, needs: rounds, reads: [n]}
  loops:
    - {id: rounds, body: [add, note], until: $.n >= 3, BOUND}
"""


def rounds(bound: str = "max_iters: 10", scripts: dict[str, Script] | None = None) -> Scenario:
    async def add(request: Request, context: NodeContext) -> NodeOutput:
        n = request.view["n"]
        assert isinstance(n, int)
        await asyncio.sleep(1)
        return NodeOutput({"n": n + 1}, MISSING, {})

    async def note(request: Request, context: NodeContext) -> NodeOutput:
        n, log = request.view["n"], request.view.get("log", [])
        assert request.args["round"] == n - 1  # type: ignore[operator]
        assert log == list(range(1, n))  # type: ignore[arg-type]
        await asyncio.sleep(1)
        return NodeOutput({"log": [n]}, {"n": n}, {})

    return Scenario(LOOP.replace("BOUND", bound), {"add": add, "note": note, **(scripts or {})})


def test_a_loop_runs_until_its_condition_holds() -> None:
    scenario = rounds()
    result = scenario.run()
    assert result.status == "success"
    assert result.state == {"n": 3, "log": [1, 2, 3]}
    assert scenario.kind.calls == [f"rounds[{i}]/{name}" for i in range(3) for name in ("add", "note")] + ["after"]
    assert scenario.events("loop.exhausted") == []


@pytest.mark.parametrize(("rule", "status"), [("continue", "success"), ("fail", "failed")])
def test_a_bound_that_is_reached_is_an_event_and_follows_its_rule(rule: str, status: str) -> None:
    scenario = rounds(f"max_iters: 2, on_exhausted: {rule}")
    result = scenario.run()
    assert scenario.status("rounds") == status
    assert result.state == {"n": 2, "log": [1, 2]}
    if rule == "continue":
        assert scenario.events("loop.exhausted")[0]["iterations"] == 2


def test_a_failed_body_ends_the_loop_as_failed() -> None:
    async def fail_late(request: Request, context: NodeContext) -> NodeOutput:
        if request.view["n"] == 2:
            raise NodeError("no more")
        return NodeOutput({"log": [1]}, MISSING, {})

    scenario = rounds(scripts={"note": fail_late})
    scenario.run()
    assert scenario.node("rounds")["error"] == "rounds[1]/note: no more"
    assert scenario.status("after") == "skipped"


@pytest.mark.parametrize("seconds", [0.5, 1.5, 2.5, 4.5])
def test_an_interrupted_loop_resumes_in_the_middle(seconds: float) -> None:
    scenario = rounds()

    async def interrupt(session: Session) -> None:
        await asyncio.sleep(seconds)
        session.stop("user")

    assert scenario.run(meanwhile=interrupt).status == "cancelled"
    finished = [event["slot"] for event in scenario.events("node.finished")]
    result = scenario.resume()
    assert result.status == "success"
    assert result.state == {"n": 3, "log": [1, 2, 3]}
    assert all(scenario.kind.calls.count(slot) == 1 for slot in finished if "/" in slot)


def test_a_loop_that_is_behind_is_restored_and_what_failed_after_it_runs() -> None:
    scenario = rounds(scripts={"after": gives()})
    count = 0

    async def fail_once(request: Request, context: NodeContext) -> NodeOutput:
        nonlocal count
        count += 1
        if count == 1:
            raise NodeError("not yet")
        return NodeOutput({}, MISSING, {})

    scenario.kind.scripts = dict(scenario.kind.scripts) | {"after": fail_once}
    assert scenario.run().status == "partial"
    scenario.kind.calls.clear()
    assert scenario.resume().status == "success"
    assert scenario.kind.calls == ["after"]
