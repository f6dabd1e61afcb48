"""Stops of every sort beside joins, clean-ups and retries: who still starts, what is left behind."""

from __future__ import annotations

import asyncio

import pytest

from oe.lang.scope import MISSING
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.run.session import Session
from oe.store.memory_cache import MemoryCache
from tests.support.scenario import Meanwhile, Scenario, Script, fails, gives


def stop_at(*moments: float) -> Meanwhile:
    """Asks the run to end at these times."""
    async def meanwhile(session: Session) -> None:
        for moment in moments:
            await asyncio.sleep(moment - asyncio.get_running_loop().time())
            session.stop("user")
    return meanwhile


def slow_to_leave(seconds: float, ended: list[float]) -> Script:
    """A node that takes a while to end when it is cancelled."""
    async def script(request: Request, context: NodeContext) -> NodeOutput:
        try:
            await asyncio.sleep(1000)
        finally:
            try:
                await asyncio.sleep(seconds)
            finally:
                ended.append(asyncio.get_running_loop().time())
        return NodeOutput({}, MISSING, {})
    return script


def started(scenario: Scenario, slot: str) -> list[str]:
    return [event["ts"] for event in scenario.events("node.started") if event["slot"] == slot]


def test_an_always_unit_waits_for_all_edges_when_a_run_is_failed() -> None:
    """Its edge from a unit that was skipped because of the failure is counted once, not twice."""
    ended: list[float] = []
    begun: list[float] = []

    async def clean(request: Request, context: NodeContext) -> NodeOutput:
        begun.append(asyncio.get_running_loop().time())
        return NodeOutput({}, MISSING, {})

    scenario = Scenario("""
graph:
  nodes:
    - {id: bad, kind: step, on_error: {policy: fail_run}}
    - {id: after, kind: step, needs: [bad]}
    - {id: long, kind: step}
    - {id: clean, kind: step, join: always, needs: [after, long]}
""", {"bad": fails(after=1), "long": slow_to_leave(5, ended), "clean": clean})
    assert scenario.run(concurrency=3).status == "failed"
    assert (ended, begun) == ([6.0], [6.0]), "the clean-up began while what it cleans up after was still going on"


def test_a_chain_of_always_units_ends_within_the_clean_up_time() -> None:
    scenario = Scenario("""
runtime: {cleanup_timeout: 10s}
graph:
  nodes:
    - {id: work, kind: step}
    - {id: one, kind: step, join: always, needs: [work]}
    - {id: two, kind: step, join: always, needs: [one]}
""", {"work": gives(after=100), "one": gives(after=15), "two": gives(after=5000)})
    scenario.run(meanwhile=stop_at(1))
    assert scenario.result is not None
    assert scenario.result.totals["duration_ms"] <= 11_000.0  # type: ignore[operator]


@pytest.mark.parametrize("edges", ["needs: [work]", "needs: [one]"])
def test_stopped_twice_no_further_always_unit_begins(edges: str) -> None:
    scenario = Scenario(f"""
graph:
  nodes:
    - {{id: work, kind: step}}
    - {{id: one, kind: step, join: always, needs: [work]}}
    - {{id: two, kind: step, join: always, {edges}}}
""", {"work": gives(after=100), "one": gives(after=20), "two": gives(after=20)})
    scenario.run(concurrency=1, meanwhile=stop_at(1, 2))
    assert started(scenario, "one")
    assert not started(scenario, "two"), "twice means now"


def test_a_deadline_after_a_stop_leaves_clean_ups_their_time() -> None:
    scenario = Scenario("""
runtime: {timeout: 10s, cleanup_timeout: 30s}
graph:
  nodes:
    - {id: bad, kind: step, on_error: {policy: fail_run}}
    - {id: clean, kind: step, join: always, needs: [bad]}
""", {"bad": fails(after=9), "clean": gives(after=5)})
    scenario.run()
    assert scenario.status("clean") == "success", "the clean-up had 30 s, and was ended after 1 s by the deadline"


def test_the_first_interrupt_after_a_failure_leaves_clean_ups_their_time() -> None:
    scenario = Scenario("""
graph:
  nodes:
    - {id: bad, kind: step, on_error: {policy: fail_run}}
    - {id: clean, kind: step, join: always, needs: [bad]}
""", {"bad": fails(after=1), "clean": gives(after=5)})
    scenario.run(meanwhile=stop_at(2))
    assert scenario.status("clean") == "success", "one Ctrl-C lets always units run; this was the first"


def test_a_cancelled_wait_for_a_retry_is_shown_as_cancelled() -> None:
    scenario = Scenario("""
graph:
  nodes:
    - {id: flaky, kind: step, on_error: {policy: retry, attempts: 5, base_ms: 60000, jitter: false}}
""", {"flaky": fails()})
    result = scenario.run(meanwhile=stop_at(5))
    assert result.status == "cancelled"
    assert scenario.status("flaky") == "cancelled", "the run is over, so nothing of it is running"
    assert [event["slot"] for event in scenario.events("node.cancelled")] == ["flaky"]


def test_a_stop_during_clean_ups_does_not_drop_the_rest_of_them() -> None:
    done: list[str] = []

    async def script(request: Request, context: NodeContext) -> NodeOutput:
        async def last() -> None:
            await asyncio.sleep(10)
            done.append("last")

        async def first() -> None:
            done.append("first")
        context.defer(first)
        context.defer(last)
        return NodeOutput({"x": 1}, MISSING, {})

    scenario = Scenario("""
state: {schema: {x: {type: integer}}}
graph:
  nodes:
    - {id: work, kind: step, writes: [x]}
""", {"work": script})
    scenario.run(meanwhile=stop_at(5))
    assert "first" in done, "a clean-up was never run"


def test_a_second_stop_cuts_clean_ups_short() -> None:
    ended: list[float] = []

    async def script(request: Request, context: NodeContext) -> NodeOutput:
        async def slow() -> None:
            try:
                await asyncio.sleep(25)
            finally:
                ended.append(asyncio.get_running_loop().time())
        context.defer(slow)
        await asyncio.sleep(1000)
        return NodeOutput({}, MISSING, {})

    scenario = Scenario("graph: {nodes: [{id: work, kind: step}]}", {"work": script})
    assert scenario.run(meanwhile=stop_at(5, 6)).status == "cancelled"
    assert ended == [6]
    assert "clean-up cut short" in scenario.node_logs.texts["work"]


def test_a_task_cancelled_twice_ends_what_it_runs_before_it_returns() -> None:
    ended: list[float] = []
    returned: list[float] = []
    scenario = Scenario("graph: {nodes: [{id: work, kind: step}]}", {"work": slow_to_leave(5, ended)})

    async def twice(session: Session) -> None:
        carrying = next(each for each in asyncio.all_tasks() if "main" in str(each.get_coro()))
        carrying.add_done_callback(lambda _: returned.append(asyncio.get_running_loop().time()))
        await asyncio.sleep(1)
        carrying.cancel()
        await asyncio.sleep(1)
        carrying.cancel()
    with pytest.raises(asyncio.CancelledError):
        scenario.run(meanwhile=twice)
    assert ended and returned and ended[0] <= returned[0], "the run's tasks outlived it"


def test_a_cancelled_task_commits_the_end_of_its_run() -> None:
    scenario = Scenario("graph: {nodes: [{id: work, kind: step}]}", {"work": gives(after=100)})

    async def cancel(session: Session) -> None:
        carrying = next(each for each in asyncio.all_tasks() if "main" in str(each.get_coro()))
        await asyncio.sleep(1)
        carrying.cancel()
    with pytest.raises(asyncio.CancelledError):
        scenario.run(meanwhile=cancel)
    run = scenario.store.find_run("r-1")
    assert run is not None
    assert run.status == "cancelled"
    assert [event["status"] for event in scenario.events("run.finished")] == ["cancelled"]


def test_a_node_that_cancels_its_own_task_does_not_leave_a_success() -> None:
    async def script(request: Request, context: NodeContext) -> NodeOutput:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(1)
        return NodeOutput({}, MISSING, {})

    scenario = Scenario("""
graph:
  nodes:
    - {id: odd, kind: step}
    - {id: after, kind: step, needs: [odd]}
    - {id: other, kind: step}
""", {"odd": script})
    assert scenario.run().status != "success"


def test_a_node_that_swallows_its_cancellation_cannot_hold_a_run_that_was_stopped_twice() -> None:
    async def stubborn(request: Request, context: NodeContext) -> NodeOutput:
        until = asyncio.get_running_loop().time() + 3600
        while asyncio.get_running_loop().time() < until:
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                continue
        return NodeOutput({}, MISSING, {})

    scenario = Scenario("graph: {nodes: [{id: work, kind: step}]}", {"work": stubborn})
    result = scenario.run(meanwhile=stop_at(1, 2))
    assert result.totals["duration_ms"] < 120_000  # type: ignore[operator]


def test_a_stop_reaches_a_fan_out_that_is_all_cached() -> None:
    scenario = Scenario("""
state: {schema: {n: {type: array}}}
graph:
  nodes:
    - {id: list, kind: step, writes: [n], cache: false}
    - {id: each, kind: step, needs: [list], for_each: {source: $.n}}
""", {"list": gives({"n": list(range(500))})})
    scenario.cache = MemoryCache()
    scenario.run()

    async def stop(session: Session) -> None:
        while session.state.units["each"].status == "pending":
            await asyncio.sleep(0)
        session.stop("user")
    result = scenario.run(meanwhile=stop)
    assert result.status == "cancelled"
    assert len(scenario.events("node.cached")) < 500, "a stop waited for every item"


def test_a_stop_reaches_a_loop_whose_body_has_nothing_to_do() -> None:
    """Without `max_iters` it would hang for ever, and no signal could end it."""
    scenario = Scenario("""
graph:
  nodes:
    - {id: step, kind: step, when: "1 > 2"}
  loops:
    - {id: again, body: [step], until: "1 > 2", max_iters: 3000}
""")

    async def stop(session: Session) -> None:
        while session.state.units["again"].status == "pending":
            await asyncio.sleep(0)
        session.stop("user")
    assert scenario.run(meanwhile=stop).status == "cancelled"


def test_what_was_left_behind_commits_nothing_when_it_ends_after_all() -> None:
    async def deaf(request: Request, context: NodeContext) -> NodeOutput:
        until = asyncio.get_running_loop().time() + 100
        while (left := until - asyncio.get_running_loop().time()) > 0:
            try:
                await asyncio.sleep(left)
            except asyncio.CancelledError:
                continue
        return NodeOutput({"n": 1}, MISSING, {})

    async def meanwhile(session: Session) -> None:
        await stop_at(5, 6)(session)
        await asyncio.sleep(200)

    scenario = Scenario("state: {schema: {n: {type: integer}}}\n"
                        "graph: {nodes: [{id: deaf, kind: step, writes: [n]}]}", {"deaf": deaf})
    assert scenario.run(meanwhile=meanwhile).status == "cancelled"
    assert [(outcome.slot, outcome.status) for outcome in scenario.store.journal("r-1")] == [("deaf", "cancelled")]
    assert scenario.events()[-1]["type"] == "run.finished"


def test_a_failure_in_answer_to_a_stop_is_not_tried_again() -> None:
    ended: list[float] = []

    async def sulky(request: Request, context: NodeContext) -> NodeOutput:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            ended.append(asyncio.get_running_loop().time())
            raise ValueError("not now") from None
        return NodeOutput({}, MISSING, {})

    scenario = Scenario("""
graph:
  nodes:
    - {id: sulky, kind: step, on_error: {policy: retry, attempts: 3, base_ms: 20000, jitter: false}}
""", {"sulky": sulky})
    assert scenario.run(meanwhile=stop_at(5)).status == "cancelled"
    assert ended == [5]
    assert scenario.status("sulky") == "cancelled"
