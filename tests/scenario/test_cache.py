"""Which nodes run again and which do not: keys, replay, selection, resume after an edit — all in memory."""

from __future__ import annotations

from typing import Any

import pytest

from oe.lang.scope import MISSING
from oe.llm.memory import MemoryModel
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.store.memory_cache import MemoryCache
from tests.support.scenario import Scenario, fails, gives

TEXT = """
args: {who: {type: string, default: me}}
state:
  schema:
    names: {type: array, items: {type: string}}
    log: {type: array, merge: array_append, items: {type: string}}
    first: {type: string, merge: set_once}
graph:
  nodes:
    - {id: list, kind: step, writes: [names]}
    - {id: each, kind: step, needs: list, reads: [names], writes: [log], args: {who: $item}, for_each: {source: $.names}}
    - {id: sum, kind: step, needs: each, reads: [log], writes: [first], args: {me: $args.who}}
"""


async def shout(request: Request, context: NodeContext) -> NodeOutput:
    return NodeOutput({"log": [str(request.args["who"]).upper()]}, MISSING, {})


def cached_scenario(text: str = TEXT, names: tuple[str, ...] = ("a", "b", "c")) -> Scenario:
    scenario = Scenario(text, {"list": gives({"names": list(names)}), "each": shout, "sum": gives({"first": "x"})})
    scenario.cache = MemoryCache()
    return scenario


def calls_of(scenario: Scenario, **options: Any) -> list[str]:
    scenario.kind.calls.clear()
    assert scenario.run(**options).status == "success"
    return scenario.kind.calls


def test_a_second_run_runs_nothing_and_ends_in_the_same_state() -> None:
    scenario = cached_scenario()
    first = scenario.run(args={"who": "me"})
    assert calls_of(scenario, args={"who": "me"}) == []
    assert scenario.result is not None
    assert scenario.result.state == first.state == {"names": ["a", "b", "c"], "log": ["A", "B", "C"], "first": "x"}
    assert [event["slot"] for event in scenario.events("node.cached")] == ["list", "each[0]", "each[1]", "each[2]", "sum"]
    assert all(event["run"] == "r-1" for event in scenario.events("node.cached"))


def test_adding_one_item_runs_one_item() -> None:
    scenario = cached_scenario()
    scenario.run(args={"who": "me"})
    scenario.kind.scripts = dict(scenario.kind.scripts) | {"list": gives({"names": ["a", "new", "b", "c"]})}
    assert calls_of(scenario, args={"who": "me"}, refresh=["list"]) == ["list", "each[1]", "sum"]


@pytest.mark.parametrize(("node", "again"), [
    ("list", ["list"]),
    ("each", ["each[0]", "each[1]", "each[2]"]),
    ("sum", ["sum"]),
])
def test_only_what_depends_on_a_changed_file_runs_again(node: str, again: list[str]) -> None:
    scenario = cached_scenario()
    scenario.run(args={"who": "me"})
    scenario.kind.contents = {node: {"./tools/x.py": "changed"}}
    assert calls_of(scenario, args={"who": "me"}) == again


def test_an_argument_reaches_only_those_who_use_it() -> None:
    scenario = cached_scenario()
    scenario.run(args={"who": "me"})
    assert calls_of(scenario, args={"who": "you"}) == ["sum"]


def test_comments_joins_time_outs_and_attempts_do_not_count() -> None:
    scenario = cached_scenario()
    scenario.run(args={"who": "me"})
    edited = cached_scenario("# a comment\n" + TEXT.replace(
        "id: sum, kind: step,", "id: sum, kind: step, timeout: 9s, on_error: {policy: retry, attempts: 5},"))
    edited.cache = scenario.cache
    assert calls_of(edited, args={"who": "me"}) == []


@pytest.mark.parametrize("rule", ["cache: false", "effects: true", "cache: {ttl: 1ms}"])
def test_what_says_so_is_not_replayed(rule: str) -> None:
    text = TEXT.replace("{id: sum, kind: step,", f"{{id: sum, kind: step, {rule},")
    scenario = cached_scenario(text)
    scenario.run(args={"who": "me"})
    scenario.run(args={"who": "me"})
    assert scenario.kind.calls.count("sum") == 2
    assert scenario.kind.calls.count("list") == 1


def test_a_fallback_is_never_kept() -> None:
    scenario = Scenario("""
graph:
  nodes:
    - {id: a, kind: step, on_error: {policy: continue, output: {state_delta: {}}}}
""", {"a": fails()})
    scenario.cache = MemoryCache()
    scenario.run()
    scenario.run()
    assert scenario.kind.calls == ["a", "a"]
    assert scenario.cache.texts == {}


def test_a_result_that_no_longer_fits_the_schema_is_run_again() -> None:
    text = "state: {schema: {x: {type: TYPE}}}\ngraph:\n  nodes:\n    - {id: a, kind: step, writes: [x]}\n"
    scenario = Scenario(text.replace("TYPE", "integer"), {"a": gives({"x": 1})})
    scenario.cache = MemoryCache()
    scenario.run()
    stricter = Scenario(text.replace("TYPE", "string"), {"a": gives({"x": "1"})})
    stricter.cache = scenario.cache
    assert stricter.run().state == {"x": "1"}


def test_resume_runs_again_what_an_edit_changed_and_its_earlier_writes_leave_the_fold() -> None:
    scenario = cached_scenario()
    scenario.cache = None
    scenario.kind.scripts = dict(scenario.kind.scripts) | {"sum": fails(times=1)}
    assert scenario.run(args={"who": "me"}).status == "partial"
    scenario.kind.contents = {"list": {"./list.py": "changed"}}
    scenario.kind.scripts = dict(scenario.kind.scripts) | {"list": gives({"names": ["a", "z"]}), "sum": gives()}
    scenario.kind.calls.clear()
    result = scenario.resume()
    assert result.status == "success"
    assert scenario.kind.calls == ["list", "each[1]", "sum"]
    assert result.state == {"names": ["a", "z"], "log": ["A", "Z"]}
    assert [outcome.slot for outcome in scenario.store.journal("r-1") if outcome.status == "success"] == [
        "each[0]", "list", "each[1]", "each", "sum"]


def test_raising_attempts_timeout_or_concurrency_before_resume_re_executes_nothing() -> None:
    scenario = cached_scenario()
    scenario.cache = None
    scenario.kind.scripts = dict(scenario.kind.scripts) | {"sum": fails(times=1)}
    scenario.run(args={"who": "me"})
    scenario.kind.calls.clear()
    assert scenario.resume(concurrency=8).status == "success"
    assert scenario.kind.calls == ["sum"]


def test_above_a_thousand_items_the_journal_is_the_cache() -> None:
    text = """
args: {many: {type: array}}
graph:
  nodes:
    - {id: each, kind: step, args: {n: $item}, for_each: {source: $args.many, concurrency: 8}}
"""

    async def double(request: Request, context: NodeContext) -> NodeOutput:
        assert isinstance(request.args["n"], int)
        return NodeOutput({}, request.args["n"] * 2, {})

    scenario = Scenario(text, {"each": double})
    scenario.cache = MemoryCache()
    many = list(range(1200))
    scenario.run(args={"many": many})
    assert scenario.cache.texts == {}
    assert calls_of(scenario, args={"many": [*many, 5000]}) == ["each[1200]"]
    assert scenario.node("each")["items"] == 1201


def test_a_result_that_depends_on_a_secret_is_neither_kept_nor_described() -> None:
    scenario = Scenario("""
args: {token: {type: string}}
state: {schema: {n: {type: integer}}}
graph:
  nodes:
    - {id: a, kind: step, args: {token: $args.token}, writes: [n]}
    - {id: b, kind: step, needs: a, reads: [n]}
""", {"a": gives({"n": 1})})
    scenario.cache = MemoryCache()
    scenario.secrets = ["hunter2hunter2"]
    scenario.run(args={"token": "hunter2hunter2"})
    journal = list(scenario.store.journal("r-1"))
    assert len(scenario.cache.texts) == 1  # that of b, which sees nothing of it
    assert journal[0].details["parts"]["args.token"] == ["secret", 0, None]  # type: ignore[index, call-overload]
    assert "hunter2" not in str([outcome._asdict() for outcome in journal]) + str(scenario.cache.texts)


def test_a_value_that_only_a_prompt_names_is_part_of_the_key() -> None:
    """It is neither among the node's `reads` nor among its `args`."""
    scenario = Scenario("""
state: {schema: {n: {type: integer}, said: {type: string}}}
graph:
  nodes:
    - {id: count, kind: step, writes: [n], cache: false}
    - {id: ask, kind: agent, needs: [count], prompt: "And {{ $.n }}?", writes: [said]}
""", {"count": gives({"n": 1})}, model=MemoryModel(("one", "two")))
    scenario.cache = MemoryCache()
    assert scenario.run().state["said"] == "one"
    scenario.kind.scripts = {"count": gives({"n": 2})}
    assert scenario.run().state["said"] == "two"
    assert scenario.run().state["said"] == "two"
    assert len(scenario.model.calls) == 2


def test_a_bare_name_in_a_prompt_takes_no_other_part_of_the_key_away() -> None:
    """Parts have names too, and an argument may be called as one of them."""
    cache = MemoryCache()
    for word, answer in (("Praise", "one"), ("Blame", "two")):
        scenario = Scenario(f"""
args: {{spec: {{}}}}
state: {{schema: {{said: {{type: string}}}}}}
graph: {{nodes: [{{id: ask, kind: agent, prompt: "{word} {{{{ spec }}}}", writes: [said]}}]}}
""", {}, model=MemoryModel((answer,)))
        scenario.cache = cache
        assert scenario.run(args={"spec": "this"}).state["said"] == answer


def test_a_default_of_a_reference_is_not_taken_for_its_value() -> None:
    prompt = "{{ $args.who ?? 'you' }} or {{ $args.who ?? 'me' }}"
    scenario = Scenario(f"""
state: {{schema: {{said: {{type: string}}}}}}
graph: {{nodes: [{{id: ask, kind: agent, prompt: "{prompt}", writes: [said]}}]}}
""", {}, model=MemoryModel(("one", "two", "three")))
    scenario.cache = MemoryCache()
    assert scenario.run().state["said"] == "one"
    assert scenario.run(args={"who": "me"}).state["said"] == "two"
    assert scenario.run(args={"who": "you"}).state["said"] == "three"
    assert [scenario.run(args=args).state["said"] for args in ({}, {"who": "me"}, {"who": None})] == ["one", "two", "one"]


@pytest.mark.parametrize("is_cached", [True, False])
def test_a_node_has_to_make_what_it_says_it_produces(is_cached: bool) -> None:
    scenario = Scenario(f"graph: {{nodes: [{{id: make, kind: step, produces: [out.txt], cache: {str(is_cached).lower()}}}]}}",
                        {"make": gives({})})
    scenario.cache = MemoryCache()
    assert scenario.run().status == "failed"
    assert "did not make 'out.txt'" in scenario.node("make")["error"]
    scenario.files.texts["out.txt"] = "made"
    assert scenario.run().status == "success"


def test_a_result_holds_as_long_as_what_it_made_is_there_as_it_made_it() -> None:
    scenario = Scenario("graph: {nodes: [{id: make, kind: step, produces: [out.txt]}]}", {"make": gives({})},
                        files={"out.txt": "made"})
    scenario.cache = MemoryCache()
    assert calls_of(scenario) == ["make"]
    assert calls_of(scenario) == []
    scenario.files.texts["out.txt"] = "changed by somebody"
    assert calls_of(scenario) == ["make"]
    del scenario.files.texts["out.txt"]
    assert scenario.run().status == "failed", "it is run again, and here makes nothing"
