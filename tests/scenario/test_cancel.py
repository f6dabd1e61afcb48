"""Ending one node, item or unit while the run goes on; progress; troubled clean-ups; what a snapshot shows meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from oe.lang.scope import MISSING
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.run.session import Session
from oe.state.snapshot import Scope
from tests.support.scenario import Meanwhile, Scenario, fails, gives

FANNED = """
state: {schema: {list: {type: array, default: [0, 1, 2, 3]}, out: {type: array, merge: array_append}}}
graph:
  nodes:
    - {id: wide, kind: step, for_each: {source: $.list, concurrency: 2}, writes: [out]}
    - {id: after, kind: step, needs: [wide]}
    - {id: beside, kind: step}
"""


def cancels(name: str, after: float, seen: list[list[str]] | None = None) -> Meanwhile:
    async def meanwhile(session: Session) -> None:
        await asyncio.sleep(after)
        ended = session.cancel(name)
        if seen is not None:
            seen.append(ended)
    return meanwhile


def looks(after: float, look: Callable[[Session], None]) -> Meanwhile:
    async def meanwhile(session: Session) -> None:
        await asyncio.sleep(after)
        look(session)
    return meanwhile


def test_a_cancelled_node_counts_as_failed_and_the_run_goes_on() -> None:
    scenario = Scenario("""
graph:
  nodes:
    - {id: slow, kind: step}
    - {id: after, kind: step, needs: [slow]}
    - {id: beside, kind: step}
""", {"slow": gives(after=100), "beside": gives(after=10)})
    result = scenario.run(concurrency=2, meanwhile=cancels("slow", 5))
    assert (result.status, [scenario.status(name) for name in ("slow", "after", "beside")]) == (
        "partial", ["cancelled", "skipped", "success"])
    assert [(event["slot"], event["reason"]) for event in scenario.events("node.cancelled")] == [("slow", "manual")]
    assert scenario.node("after")["reason"] == "predecessor failed: slow"


def test_an_item_alone_is_cancelled_and_the_others_go_on() -> None:
    async def script(request: Request, context: NodeContext) -> NodeOutput:
        await asyncio.sleep(100 if request.scope.item == 1 else 1)
        return NodeOutput({"out": [request.scope.item]}, MISSING, {})

    seen: list[list[str]] = []
    scenario = Scenario(FANNED, {"wide": script})
    result = scenario.run(concurrency=2, meanwhile=cancels("wide[1]", 5, seen))
    assert seen == [["wide[1]"]]
    assert result.state["out"] == [0, 2, 3]
    assert (result.status, scenario.status("wide"), scenario.status("after"), scenario.status("beside")) == (
        "partial", "failed", "skipped", "success")
    assert "first wide[1]: cancelled (manual)" in scenario.node("wide")["error"]


def test_a_unit_of_items_is_cancelled_as_a_whole() -> None:
    scenario = Scenario(FANNED, {"wide": gives({"out": [1]}, after=10)})
    result = scenario.run(concurrency=2, meanwhile=cancels("wide", 15))
    assert result.state["out"] == [1, 1]
    assert sorted((event["slot"], event["reason"]) for event in scenario.events("node.cancelled")) == [
        ("wide", "manual"), ("wide[2]", "manual"), ("wide[3]", "manual")]
    assert (result.status, scenario.status("wide"), scenario.status("after")) == ("partial", "cancelled", "skipped")


@pytest.mark.parametrize("name", ["rounds[0]/body", "body", "rounds"])
def test_a_body_that_is_cancelled_ends_its_loop(name: str) -> None:
    scenario = Scenario("""
graph:
  nodes: [{id: body, kind: step}, {id: beside, kind: step}]
  loops: [{id: rounds, body: body, max_iters: 3}]
""", {"body": gives(after=10)})
    result = scenario.run(concurrency=2, meanwhile=cancels(name, 5))
    assert (result.status, scenario.status("beside")) == ("partial", "success")
    assert scenario.status("rounds") == ("cancelled" if name == "rounds" else "failed")
    assert scenario.kind.calls.count("rounds[0]/body") == 1


def test_a_wait_for_the_next_attempt_is_cancelled() -> None:
    scenario = Scenario("""
graph:
  nodes: [{id: again, kind: step, on_error: {policy: retry, attempts: 3, base_ms: 60000, jitter: false}},
          {id: beside, kind: step}]
""", {"again": fails()})
    scenario.run(concurrency=2, meanwhile=cancels("again", 5))
    assert (scenario.status("again"), scenario.kind.calls.count("again")) == ("cancelled", 1)


def test_a_node_that_swallows_its_cancellation_ends_as_it_likes_and_harms_nothing() -> None:
    async def stubborn(request: Request, context: NodeContext) -> NodeOutput:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            await asyncio.sleep(1)
        return NodeOutput({}, MISSING, {})

    scenario = Scenario(FANNED, {"wide": stubborn})
    result = scenario.run(concurrency=2, meanwhile=cancels("wide[0]", 5))
    assert (result.status, scenario.status("wide")) == ("success", "success")


def test_what_is_not_going_on_cannot_be_cancelled() -> None:
    scenario = Scenario(FANNED, {"beside": gives(after=10)})
    for name in ("after", "nothing", "wide[7]", ""):
        seen: list[list[str]] = []
        assert scenario.run(concurrency=2, meanwhile=cancels(name, 5, seen)).status == "success"
        assert seen == [[]]


def test_a_stop_after_a_cancel_is_a_stop() -> None:
    async def stubborn(request: Request, context: NodeContext) -> NodeOutput:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(2)
        return NodeOutput({}, MISSING, {})

    def both(session: Session) -> None:
        session.cancel("wide[0]")
        session.stop("user")

    scenario = Scenario(FANNED, {"wide": stubborn})
    assert scenario.run(concurrency=2, meanwhile=looks(5, both)).status == "cancelled"
    assert scenario.status("wide") == "cancelled"


def test_a_snapshot_shows_what_goes_on_and_what_is_being_cancelled() -> None:
    found: list[Scope] = []

    async def slow(request: Request, context: NodeContext) -> NodeOutput:
        context.report(0.5, "half", None)
        for _ in range(3):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(100)
        return NodeOutput({}, MISSING, {})

    async def meanwhile(session: Session) -> None:
        await asyncio.sleep(5)
        found.append(session.snapshot().root)
        session.cancel("slow")
        await asyncio.sleep(1)
        found.append(session.snapshot().root)
        session.stop("user")
        await asyncio.sleep(1)
        found.append(session.snapshot().root)
        session.stop("user")

    scenario = Scenario("""
runtime: {timeout: 1h}
graph: {nodes: [{id: slow, kind: step, timeout: 200s}, {id: b, kind: step}]}
""", {"slow": slow, "b": gives(after=50)})
    scenario.run(concurrency=2, meanwhile=meanwhile)
    first, second, third = found
    assert (first.name, first.status, first.parts[0].status, first.parts[0].pct) == ("scenario", "running", "running", 0.5)
    assert first.deadline_at is not None and first.started_at is not None
    assert first.deadline_at - first.started_at == 3600
    assert [(part.status, part.reason) for part in second.parts] == [("cancelling", "manual"), ("running", None)]
    assert (third.status, third.reason) == ("cancelling", "user")


def test_the_last_of_many_reports_is_told_and_few_are_written() -> None:
    async def script(request: Request, context: NodeContext) -> NodeOutput:
        for step in range(100):
            context.report(step / 200, f"step {step}", None)
            await asyncio.sleep(0.01)
        await asyncio.sleep(10)
        return NodeOutput({}, MISSING, {})

    seen: list[Any] = []
    scenario = Scenario("graph: {nodes: [{id: a, kind: step}]}", {"a": script})
    scenario.run(meanwhile=looks(5, lambda session: seen.append(session.state.active["a"].message)))
    assert seen == ["step 99"]
    told = [event["message"] for event in scenario.events("node.progress")]
    assert told[0] == "step 0"
    assert told[-1] == "step 99"
    assert len(told) <= 6


def test_a_report_of_all_is_told_at_once() -> None:
    async def script(request: Request, context: NodeContext) -> NodeOutput:
        context.report(0.1, None, None)
        context.report(1.0, None, None)
        await asyncio.sleep(0)
        return NodeOutput({}, MISSING, {})

    scenario = Scenario("graph: {nodes: [{id: a, kind: step}]}", {"a": script})
    scenario.run()
    assert [event["pct"] for event in scenario.events("node.progress")] == [0.1, 1.0]


def test_secrets_in_a_report_are_blanked_wherever_it_is_shown() -> None:
    async def script(request: Request, context: NodeContext) -> NodeOutput:
        context.report(0.5, "with hunter22", {"password": "hunter22", "rest": 1})
        context.activity("saying hunter22")
        await asyncio.sleep(1)
        return NodeOutput({}, MISSING, {})

    seen: list[Any] = []
    scenario = Scenario("graph: {nodes: [{id: a, kind: step}]}", {"a": script})
    scenario.secrets = ["hunter22"]
    scenario.run(meanwhile=looks(0.5, lambda session: seen.append(session.snapshot())))
    assert "hunter22" not in str(seen)
    assert "[redacted]" in str(seen)
    told = [record["data"] for record in scenario.shown if record["type"] == "node.progress"]
    assert told == [{"password": "[redacted]", "rest": 1}]


def test_a_clean_up_that_hangs_is_seen_by_the_diagnosis() -> None:
    async def script(request: Request, context: NodeContext) -> NodeOutput:
        context.defer(lambda: asyncio.sleep(1000))
        return NodeOutput({}, MISSING, {})

    seen: list[Any] = []
    scenario = Scenario("runtime: {cleanup_timeout: 3s}\ngraph: {nodes: [{id: a, kind: step}, {id: b, kind: step}]}",
                        {"a": script, "b": gives(after=10)})
    scenario.run(concurrency=2, meanwhile=looks(5, lambda session: seen.extend(session.snapshot().recent)))
    assert [(each.type, each.slot) for each in seen] == [("cleanup_timeout", "a")]
    assert scenario.events("node.activity")[0]["activity"] == "clean-up timed out after 3s"
