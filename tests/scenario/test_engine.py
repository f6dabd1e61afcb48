"""What a user of a graph notices: order, failures, retries, time-outs, stops — on a loop whose time jumps."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from oe.errors import ExitCode
from oe.lang.scope import MISSING
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.run.session import Session
from tests.support.scenario import Scenario, Script, fails, gives

STATE = "state:\n  schema:\n    x: {type: integer}\n    log: {type: array, merge: array_append, items: {type: string}}\n"


def sees(field: str, seen: list[Any]) -> Script:
    async def script(request: Request, context: NodeContext) -> NodeOutput:
        seen.append(request.view.get(field))
        return NodeOutput({}, MISSING, {})
    return script


def test_a_unit_starts_as_soon_as_its_own_inputs_are_there() -> None:
    scenario = Scenario("""
graph:
  nodes:
    - {id: slow, kind: step}
    - {id: fast, kind: step}
    - {id: after_fast, kind: step, needs: fast}
""", {"slow": gives(after=10), "fast": gives(after=1)})
    scenario.run(concurrency=2)
    ends = [event["slot"] for event in scenario.events("node.finished")]
    assert ends == ["fast", "after_fast", "slow"]


def test_ready_units_start_in_the_order_of_the_file() -> None:
    scenario = Scenario("graph:\n  nodes:\n" + "".join(f"    - {{id: n{i}, kind: step}}\n" for i in (3, 1, 2)))
    scenario.run()
    assert scenario.kind.calls == ["n3", "n1", "n2"]


def test_pipelines_and_loops_before_the_nodes_of_the_file_are_before_them_in_its_order() -> None:
    scenario = Scenario("""
state: {schema: {n: {type: string}}}
graph:
  loops: [{id: loop, body: [again], max_iters: 1}]
  pipelines: [{id: pipe, items: [1], stages: [stage]}]
  nodes: [{id: again, kind: step}, {id: node, kind: step, writes: [n]}, {id: stage, kind: step, writes: [n]}]
""", {"node": gives({"n": "node"}), "stage": gives({"n": "stage"})})
    assert scenario.run().state == {"n": "node"}, "the last in the file wins"
    assert scenario.kind.calls == ["loop[0]/again", "pipe[0]/stage", "node"]


def test_a_view_holds_ancestors_and_never_a_sibling() -> None:
    seen: list[Any] = []
    scenario = Scenario(STATE + """
graph:
  nodes:
    - {id: first, kind: step, writes: [x]}
    - {id: sibling, kind: step, needs: first, writes: [log]}
    - {id: reader, kind: step, needs: first, reads: [x]}
""", {"first": gives({"x": 7}), "sibling": gives({"log": ["s"]}), "reader": sees("x", seen)})
    result = scenario.run(concurrency=1)
    assert seen == [7]
    assert result.state == {"x": 7, "log": ["s"]}


def test_appends_are_folded_in_topological_order_whatever_the_timing() -> None:
    text = STATE + """
graph:
  nodes:
    - {id: a, kind: step, writes: [log]}
    - {id: b, kind: step, writes: [log]}
    - {id: c, kind: step, writes: [log]}
"""
    scripts = {"a": gives({"log": ["a"]}, after=3), "b": gives({"log": ["b"]}, after=2), "c": gives({"log": ["c1", "c2"]})}
    for concurrency in (1, 3):
        assert Scenario(text, scripts).run(concurrency=concurrency).state["log"] == ["a", "b", "c1", "c2"]


def test_an_edge_output_reaches_the_successors_arguments() -> None:
    got: list[Any] = []

    async def take(request: Request, context: NodeContext) -> NodeOutput:
        got.append(request.args)
        return NodeOutput({}, MISSING, {})

    scenario = Scenario("""
args:
  who: {type: string, default: me}
graph:
  nodes:
    - {id: fetch-diff, kind: step}
    - {id: use, kind: step, needs: fetch-diff, args: {size: "$inputs['fetch-diff'].size", who: $args.who, n: 1}}
""", {"fetch-diff": gives(edge={"size": 3}), "use": take})
    scenario.run(args={"who": "you"})
    assert got == [{"size": 3, "who": "you", "n": 1}]


def test_the_condition_of_an_edge_sees_what_its_source_wrote() -> None:
    scenario = Scenario("""
state: {schema: {n: {type: integer}}}
graph:
  nodes:
    - {id: count, kind: step, writes: [n]}
    - {id: many, kind: step}
    - {id: few, kind: step}
  edges:
    - {from: count, to: many, when: $.n > 10}
    - {from: count, to: few, when: $.n <= 10}
""", {"count": gives({"n": 11})})
    assert scenario.run().status == "success"
    assert scenario.kind.calls == ["count", "many"]


def test_a_missing_value_fails_the_node_and_names_the_nearest() -> None:
    scenario = Scenario("""
graph:
  nodes:
    - {id: a, kind: step}
    - {id: b, kind: step, needs: a, args: {v: $inputs.a.sise}}
""", {"a": gives(edge={"size": 3})})
    result = scenario.run()
    assert result.status == "partial"
    assert "size" in scenario.node("b")["error"]


@pytest.mark.parametrize(("policy", "statuses", "status"), [
    ("skip", ("failed", "skipped", "success"), "partial"),
    ("fail_run", ("failed", "skipped", "pending"), "failed"),
])
def test_a_failure_follows_its_policy(policy: str, statuses: tuple[str, ...], status: str) -> None:
    scenario = Scenario(f"""
graph:
  nodes:
    - {{id: a, kind: step, on_error: {{policy: {policy}}}}}
    - {{id: b, kind: step, needs: a}}
    - {{id: c, kind: step}}
""", {"a": fails("it broke")})
    result = scenario.run(concurrency=1)
    assert result.status == status
    assert (scenario.status("a"), scenario.status("b"), scenario.status("c")) == statuses
    assert scenario.node("a")["error"] == "it broke"
    if policy == "skip":
        assert scenario.node("b")["reason"] == "predecessor failed: a"


def test_fail_run_cancels_what_runs_and_still_runs_always_units() -> None:
    scenario = Scenario("""
graph:
  nodes:
    - {id: a, kind: step, on_error: {policy: fail_run}}
    - {id: slow, kind: step}
    - {id: cleanup, kind: step, needs: [a, slow], join: always}
    - {id: report, kind: step, needs: cleanup, join: always}
""", {"a": fails(after=1), "slow": gives(after=100)})
    result = scenario.run(concurrency=2)
    assert result.status == "failed"
    assert result.exit_code is ExitCode.FAILED
    assert scenario.status("slow") == "cancelled"
    assert scenario.events("node.cancelled")[0]["reason"] == "sibling_failed"
    assert (scenario.status("cleanup"), scenario.status("report")) == ("success", "success")


def test_continue_goes_on_with_the_output_given() -> None:
    seen: list[Any] = []
    scenario = Scenario(STATE + """
graph:
  nodes:
    - {id: a, kind: step, writes: [x], on_error: {policy: continue, output: {state_delta: {x: -1}, edge_output: none}}}
    - {id: b, kind: step, needs: a, reads: [x]}
""", {"a": fails("gone"), "b": sees("x", seen)})
    result = scenario.run()
    assert result.status == "success"
    assert seen == [-1]
    node = scenario.node("a")
    assert node["status"] == "success"
    assert node["fallback"] is True
    assert node["error"] == "gone"


def test_a_retry_waits_longer_each_time_and_counts_attempts() -> None:
    scenario = Scenario("""
graph:
  nodes:
    - {id: a, kind: step, on_error: {policy: retry, attempts: 4, base_ms: 1000, max_ms: 3000, jitter: false}}
""", {"a": fails(times=3)})
    result = scenario.run()
    assert result.status == "success"
    assert [event["delay_ms"] for event in scenario.events("node.retrying")] == [1000, 2000, 3000]
    assert scenario.node("a")["attempts"] == 4
    assert result.totals["duration_ms"] == 6000


@pytest.mark.parametrize(("extra", "script", "attempts"), [
    ("", fails(retryable=False), 1),
    (", retry_on: [TimeoutError]", fails(name="ValueError"), 1),
    (", retry_on: [ValueError]", fails(name="ValueError"), 2),
    (", retry_on: [node-failed]", fails(name="ValueError"), 2),
])
def test_only_what_may_help_is_retried(extra: str, script: Script, attempts: int) -> None:
    scenario = Scenario(f"""
graph:
  nodes:
    - {{id: a, kind: step, on_error: {{policy: retry, attempts: 2{extra}}}}}
""", {"a": script})
    scenario.run()
    assert scenario.node("a")["attempts"] == attempts


def test_a_timeout_is_a_failure_that_can_be_retried() -> None:
    scenario = Scenario("""
graph:
  nodes:
    - {id: a, kind: step, timeout: 3s, on_error: {policy: retry, attempts: 2, jitter: false, base_ms: 1000}}
""", {"a": gives(after=5)})
    result = scenario.run()
    assert result.status == "failed"
    assert "timeout" in scenario.node("a")["error"]
    assert result.totals["duration_ms"] == 7000


def test_a_deadline_ends_the_run_as_failed_and_lets_always_units_run() -> None:
    scenario = Scenario("""
runtime: {timeout: 10s, cleanup_timeout: 5s}
graph:
  nodes:
    - {id: a, kind: step}
    - {id: b, kind: step, needs: a}
    - {id: cleanup, kind: step, needs: b, join: always}
    - {id: stuck, kind: step, needs: cleanup, join: always}
""", {"a": gives(after=60), "cleanup": gives(after=1), "stuck": gives(after=600)})
    result = scenario.run()
    assert (result.status, result.reason, result.exit_code) == ("failed", "deadline", ExitCode.FAILED)
    assert [scenario.status(unit) for unit in ("a", "b", "cleanup", "stuck")] == [
        "cancelled", "pending", "success", "cancelled"]
    assert result.totals["duration_ms"] == 15000


def test_an_interrupted_run_resumes_without_doing_anything_twice() -> None:
    text = STATE + """
graph:
  nodes:
    - {id: a, kind: step, writes: [log]}
    - {id: b, kind: step, needs: a, writes: [log]}
    - {id: c, kind: step, needs: b, writes: [log]}
"""
    scripts = {name: gives({"log": [name]}, after=10) for name in "abc"}
    undisturbed = Scenario(text, scripts).run()
    scenario = Scenario(text, scripts)

    async def interrupt(session: Session) -> None:
        await asyncio.sleep(15)
        session.stop("user")

    result = scenario.run(meanwhile=interrupt)
    assert (result.status, result.exit_code) == ("cancelled", ExitCode.CANCELLED)
    assert result.state == {"log": ["a"]}
    resumed = scenario.resume()
    assert resumed.status == "success"
    assert resumed.state == undisturbed.state
    assert scenario.kind.calls == ["a", "b", "b", "c"]
    assert [event["seq"] for event in scenario.events()] == list(range(1, len(scenario.events()) + 1))


@pytest.mark.parametrize("first", ["skip", "when"])
def test_a_resumed_run_decides_skips_anew(first: str) -> None:
    scenario = Scenario("""
graph:
  nodes:
    - {id: a, kind: step}
    - {id: b, kind: step, needs: a}
    - {id: never, kind: step, when: 1 == 2}
""", {"a": fails(times=1)})
    assert scenario.run().status == "failed"
    assert scenario.status("b") == "skipped"
    assert scenario.resume().status == "success"
    assert scenario.status("b") == "success"
    assert scenario.status("never") == "skipped"
    assert len([event for event in scenario.events("node.skipped") if event["slot"] == "never"]) == 1


def test_twice_stopped_means_now() -> None:
    scenario = Scenario("""
graph:
  nodes:
    - {id: a, kind: step}
    - {id: cleanup, kind: step, needs: a, join: always}
""", {"a": gives(after=100), "cleanup": gives(after=20)})

    async def interrupt(session: Session) -> None:
        for _ in range(2):
            await asyncio.sleep(5)
            session.stop("user")

    result = scenario.run(meanwhile=interrupt)
    assert result.status == "cancelled"
    assert scenario.status("cleanup") == "cancelled"
    assert result.totals["duration_ms"] == 10000


@pytest.mark.parametrize(("delta", "what"), [
    ({"y": 1}, "'y', which is not in its writes"),
    ({"log": ["a"]}, "'log', which is not in its writes"),
    ({"x": "one"}, "invalid value for state field 'x'"),
])
def test_a_write_that_is_not_allowed_fails_the_node_and_names_the_line(delta: dict[str, Any], what: str) -> None:
    scenario = Scenario(STATE + "graph:\n  nodes:\n    - {id: a, kind: step, writes: [x]}\n", {"a": gives(delta)})
    result = scenario.run()
    assert result.status == "failed"
    assert what in scenario.node("a")["error"]
    assert scenario.node("a")["error"].startswith("scenario.yaml:9:")
    assert result.state == {}


def test_set_once_takes_an_equal_value_and_refuses_another() -> None:
    text = """
state: {schema: {v: {type: integer, merge: set_once}}}
graph:
  nodes:
    - {id: a, kind: step, writes: [v]}
    - {id: b, kind: step, needs: a, writes: [v]}
"""
    assert Scenario(text, {"a": gives({"v": 1}), "b": gives({"v": 1})}).run().status == "success"
    scenario = Scenario(text, {"a": gives({"v": 1}), "b": gives({"v": 2})})
    result = scenario.run()
    assert result.state == {"v": 1}
    assert "set_once" in scenario.node("b")["error"]


def test_a_condition_that_cannot_be_evaluated_fails_its_node_through_on_error() -> None:
    scenario = Scenario("""
graph:
  nodes:
    - {id: a, kind: step}
    - {id: b, kind: step, needs: a, when: "$inputs.a.n > 3", on_error: {policy: continue, output: {state_delta: {}}}}
    - {id: c, kind: step, needs: a, when: "$inputs.a.n > 3"}
""", {"a": gives(edge={"n": "four"})})
    result = scenario.run()
    assert result.status == "partial"
    assert scenario.node("b")["fallback"] is True
    assert scenario.status("c") == "failed"
    assert scenario.kind.calls == ["a"]


def test_a_secret_in_an_output_fails_the_node() -> None:
    scenario = Scenario(STATE + "graph:\n  nodes:\n    - {id: a, kind: step, writes: [log]}\n",
                        {"a": gives({"log": ["the key is hunter2hunter2"]})})
    scenario.secrets = ["hunter2hunter2"]
    scenario.run()
    assert "secret" in scenario.node("a")["error"]
    assert "hunter2hunter2" not in str(scenario.events())


def test_a_fault_in_a_kind_is_that_nodes_failure() -> None:
    async def wrong(request: Request, context: NodeContext) -> NodeOutput:
        raise ZeroDivisionError("by zero")

    scenario = Scenario("graph:\n  nodes:\n    - {id: a, kind: step}\n    - {id: b, kind: step}\n", {"a": wrong})
    assert scenario.run().status == "partial"
    assert scenario.node("a")["error"] == "ZeroDivisionError: by zero"


def test_clean_ups_run_last_one_first_however_the_attempt_ends() -> None:
    order: list[str] = []

    async def script(request: Request, context: NodeContext) -> NodeOutput:
        context.defer(lambda: order.append("first"))
        context.defer(lambda: order.append("second"))
        raise RuntimeError("no")

    scenario = Scenario("graph:\n  nodes:\n    - {id: a, kind: step}\n", {"a": script})
    scenario.run()
    assert order == ["second", "first"]


def test_publication_happens_on_success_and_only_then() -> None:
    text = """
state: {schema: {seen: {type: array, merge: array_append, persist: true, items: {type: integer}}}}
graph:
  nodes:
    - {id: a, kind: step, writes: [seen]}
    - {id: b, kind: step, needs: a}
"""
    scenario = Scenario(text, {"a": gives({"seen": [1]}), "b": fails(times=1)})
    assert scenario.run().status == "partial"
    assert scenario.store.workspace("scenario.yaml") == {}
    assert scenario.resume().status == "success"
    assert scenario.store.workspace("scenario.yaml") == {"seen": [1]}
    assert scenario.run().state == {"seen": [1, 1]}
    assert scenario.store.workspace("scenario.yaml") == {"seen": [1, 1]}
