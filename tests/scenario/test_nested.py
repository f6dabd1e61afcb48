"""Experiences as nodes of others: one run, states of their own, failure, cancellation, resume, limits."""

from __future__ import annotations

import asyncio

import pytest

from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.render.tree import render_tree
from oe.run.session import Session
from oe.store.memory_cache import MemoryCache
from tests.support.scenario import HEAD, Scenario, Script, fails, gives

PARENT = """
state: {schema: {got: {type: integer}, seen: {type: array, merge: array_append}}}
graph:
  nodes:
    - {id: first, kind: step}
    - {id: inner, kind: experience, impl: child.yaml, needs: [first], outputs: {got: sum}, writes: [got]}
    - {id: last, kind: step, needs: [inner], reads: [got]}
"""
CHILD = """
state: {schema: {sum: {type: integer}, kept: {type: array, merge: array_append, persist: true}}}
graph:
  nodes:
    - {id: one, kind: step, writes: [kept]}
    - {id: two, kind: step, needs: [one], writes: [sum]}
"""
SCRIPTS = {"one": gives({"kept": ["x"]}), "two": gives({"sum": 7})}


def nested(parent: str = PARENT, child: str = CHILD, **scripts: Script) -> Scenario:
    return Scenario(parent, {**SCRIPTS, **scripts}, files={"child.yaml": HEAD + child})


def test_a_nested_experience_runs_below_its_node_and_hands_its_outputs_on() -> None:
    scenario = nested()
    result = scenario.run()
    assert (result.status, dict(result.state)) == ("success", {"got": 7})
    assert scenario.kind.calls == ["first", "inner/one", "inner/two", "last"]
    assert [event["slot"] for event in scenario.events("node.finished")] == [
        "first", "inner/one", "inner/two", "inner", "last"]


def test_its_persistent_fields_are_published_with_the_run_and_not_before() -> None:
    scenario = nested(last=fails())
    scenario.run()
    assert scenario.store.workspace("child.yaml") == {}
    scenario.kind.scripts = SCRIPTS
    assert scenario.resume().status == "success"
    assert scenario.store.workspace("child.yaml") == {"kept": ["x"]}
    scenario.run()
    assert scenario.store.workspace("child.yaml") == {"kept": ["x", "x"]}


@pytest.mark.parametrize("concurrency", [1, 64])
def test_items_that_are_experiences_publish_in_item_order(concurrency: int) -> None:
    async def slow_first(request: Request, context: NodeContext) -> NodeOutput:
        index = int(context.slot.partition("[")[2].partition("]")[0])
        await asyncio.sleep(10 - index)
        return NodeOutput({"kept": [index]})

    scenario = nested("""
state: {schema: {list: {type: array, default: [1, 2, 3, 4]}, sums: {type: array, merge: array_append}}}
graph:
  nodes:
    - {id: each, kind: experience, impl: child.yaml, for_each: {source: $.list, concurrency: 4}, outputs: {sums: sum},
       writes: [sums]}
""", one=slow_first)
    result = scenario.run(concurrency=concurrency)
    assert result.state["sums"] == [7, 7, 7, 7]
    assert scenario.store.workspace("child.yaml") == {"kept": [0, 1, 2, 3]}
    assert scenario.node("each")["items"] == 4


def test_failure_is_failure_and_names_what_failed() -> None:
    scenario = nested(two=fails("no sum"))
    assert scenario.run().status == "partial"
    assert scenario.node("inner")["error"] == "the experience ended partial: two: no sum"
    assert scenario.status("last") == "skipped"


def test_of_several_failures_the_first_of_the_graph_is_named_whichever_comes_first() -> None:
    child = CHILD.replace(", needs: [one]", "") + "runtime: {concurrency: 2}\n"
    scenario = nested(child=child, one=fails("late", after=5), two=fails("early", after=1))
    scenario.run()
    assert scenario.node("inner")["error"] == "the experience ended failed: one: late"


def test_partial_counts_as_finished_where_it_is_accepted() -> None:
    scenario = nested(PARENT.replace("outputs:", "accept: partial, outputs:"), two=fails())
    assert scenario.run().status == "success"
    assert scenario.status("inner") == "success"


def test_a_retry_takes_what_the_first_try_finished() -> None:
    scenario = nested(PARENT.replace("outputs:", "on_error: {policy: retry, attempts: 3, base_ms: 10}, outputs:"),
                      two=fails(times=2))
    scenario.run()
    assert scenario.kind.calls == ["first", "inner/one", "inner/two", "inner/two", "inner/two", "last"]
    assert [(event["slot"], event["attempt"]) for event in scenario.events("node.failed")] == [
        ("inner/two", 1), ("inner/two", 2)]
    assert scenario.node("inner")["attempts"] == 3


def test_it_is_resumed_in_the_middle() -> None:
    scenario = nested(two=gives(after=100))

    async def stop(session: Session) -> None:
        await asyncio.sleep(50)
        session.stop("user")
    result = scenario.run(meanwhile=stop)
    assert result.status == "cancelled"
    assert {(event["slot"], event["reason"]) for event in scenario.events("node.cancelled")} == {
        ("inner/two", "user"), ("inner", "user")}
    scenario.kind.scripts = SCRIPTS
    scenario.kind.calls.clear()
    assert dict(scenario.resume().state) == {"got": 7}
    assert scenario.kind.calls == ["inner/two", "last"]


def test_its_clean_ups_run_when_its_node_is_cancelled_and_are_cut_short_when_it_is_twice() -> None:
    child = CHILD + "    - {id: clean, kind: step, join: always, needs: [two]}\n"
    once = nested(child=child, two=gives(after=100), clean=gives(after=5))

    async def stop(session: Session) -> None:
        await asyncio.sleep(50)
        session.stop("user")
    once.run(meanwhile=stop)
    assert [event["slot"] for event in once.events("node.finished")] == ["first", "inner/one", "inner/clean"]

    async def stop_twice(session: Session) -> None:
        await stop(session)
        await asyncio.sleep(1)
        session.stop("user")
    twice = nested(child=child, two=gives(after=100), clean=gives(after=5))
    result = twice.run(meanwhile=stop_twice)
    assert {event["slot"] for event in twice.events("node.cancelled")} == {"inner/two", "inner/clean", "inner"}
    assert result.totals["duration_ms"] == 51_000.0


def test_the_timeout_of_its_node_ends_it_as_a_failure() -> None:
    scenario = nested(PARENT.replace("outputs:", "timeout: 10s, outputs:"), two=gives(after=100))
    scenario.run()
    assert "timeout" in str(scenario.node("inner")["error"])
    assert [(event["slot"], event["reason"]) for event in scenario.events("node.cancelled")] == [
        ("inner/two", "timeout")]


def test_its_own_deadline_fails_it() -> None:
    scenario = nested(child="runtime: {timeout: 10s}\n" + CHILD, two=gives(after=100))
    scenario.run()
    assert scenario.node("inner")["error"] == "the experience ended failed: deadline"


def test_one_item_inside_it_can_be_cancelled_alone() -> None:
    scenario = nested(two=gives(after=100))

    async def cancel(session: Session) -> None:
        await asyncio.sleep(50)
        assert session.cancel("inner/two") == ["inner/two"]
    scenario.run(meanwhile=cancel)
    assert scenario.node("inner")["error"] == "the experience ended partial: two: cancelled (manual)"


def test_it_is_cancelled_whole_by_its_name() -> None:
    scenario = nested(two=gives(after=100))

    async def cancel(session: Session) -> None:
        await asyncio.sleep(50)
        assert session.cancel("inner") == ["inner"]
    scenario.run(meanwhile=cancel)
    assert {(event["slot"], event["reason"]) for event in scenario.events("node.cancelled")} == {
        ("inner/two", "manual"), ("inner", "manual")}


def test_attempts_inside_it_count_among_those_at_once_and_it_does_not() -> None:
    scenario = nested("runtime: {max_in_flight: 1}\n" + PARENT)
    assert scenario.run().status == "success", "one place in all: the node that waits for its units must not hold it"


def test_one_that_contains_itself_without_end_is_stopped() -> None:
    child = """
graph:
  nodes:
    - {id: again, kind: experience, impl: child.yaml}
"""
    scenario = nested("graph: {nodes: [{id: inner, kind: experience, impl: child.yaml}]}", child)
    assert scenario.run().status == "failed"
    assert "nested more than 16 deep" in str(scenario.node("inner")["error"])


def test_arguments_that_do_not_fit_fail_the_node_without_a_retry() -> None:
    scenario = nested("graph: {nodes: [{id: inner, kind: experience, impl: child.yaml, args: {n: $args.n}}]}",
                      "args: {n: {type: integer}}\n" + CHILD)
    scenario.run(args={"n": "many"})
    assert "argument 'n'" in str(scenario.node("inner")["error"])


def test_when_all_of_it_is_cached_so_is_its_node() -> None:
    scenario = nested()
    scenario.cache = MemoryCache()
    scenario.run()
    scenario.kind.calls.clear()
    scenario.run()
    assert scenario.kind.calls == []
    assert scenario.node("inner")["cached"] is True
    scenario.kind.contents["two"] = {"tool": "edited"}
    scenario.run()
    assert scenario.kind.calls == ["inner/two"]
    assert scenario.node("inner")["cached"] is False


def test_a_tree_shows_what_it_is_at_and_what_is_still_to_come() -> None:
    scenario = nested(one=gives(after=5), two=gives(after=100))
    shown: list[str] = []

    async def look(session: Session) -> None:
        for seconds in (1, 9):
            await asyncio.sleep(seconds)
            shown.append(render_tree(session.snapshot()))
    scenario.run(meanwhile=look)
    assert [line.split("(")[0].rstrip() for tree in shown for line in tree.splitlines()[2:5]] == [
        "|- [running] inner", "|  |- [running] inner/one", "|  `- pending inner/two",
        "|- [running] inner", "|  |- ok inner/one", "|  `- [running] inner/two"]
    assert "pending inner/two (waits for inner/one)" in shown[0]


def test_refreshing_its_node_runs_all_of_it_again() -> None:
    scenario = nested()
    scenario.cache = MemoryCache()
    scenario.run()
    scenario.kind.calls.clear()
    scenario.run(refresh=["inner"])
    assert scenario.kind.calls == ["inner/one", "inner/two"]


def test_a_loop_and_a_pipeline_may_nest() -> None:
    scenario = nested("""
state: {schema: {got: {type: integer}, list: {type: array, default: [1, 2]}}}
graph:
  nodes:
    - {id: body, kind: experience, impl: child.yaml, outputs: {got: sum}, writes: [got]}
    - {id: stage, kind: experience, impl: child.yaml}
  loops: [{id: again, body: [body], max_iters: 2}]
  pipelines: [{id: pipe, items: $.list, stages: [stage]}]
""")
    assert scenario.run(concurrency=4).status == "success"
    assert sorted(scenario.kind.calls) == sorted(
        [f"again[{n}]/body/{name}" for n in range(2) for name in ("one", "two")]
        + [f"pipe[{n}]/stage/{name}" for n in range(2) for name in ("one", "two")])
    assert len(scenario.store.workspace("child.yaml")["kept"]) == 4  # type: ignore[arg-type]


def test_what_goes_on_in_it_stands_below_its_unit() -> None:
    child = """
graph:
  nodes:
    - {id: turn, kind: step}
  loops:
    - {id: turns, body: [turn], max_iters: 2}
"""
    scenario = nested("""
graph:
  nodes:
    - {id: deep, kind: experience, impl: child.yaml}
    - {id: each, kind: experience, impl: child.yaml, for_each: {source: [1, 2]}}
  loops:
    - {id: again, body: [deep], max_iters: 2}
""", child, turn=gives(after=100))
    trees: list[str] = []

    async def look(session: Session) -> None:
        await asyncio.sleep(150)
        trees.append(render_tree(session.snapshot()))
    scenario.run(concurrency=8, meanwhile=look)
    assert """\
   `- [running] again[0]/deep (02:30)
      `- [running] again[0]/deep/turns (02:30)
         `- [running] again[0]/deep/turns[1]/turn (50.0s)
""" in trees[0]
    assert """\
|  |- [running] each[0]/turns (02:30)
|  |  `- [running] each[0]/turns[1]/turn (50.0s)
""" in trees[0]
