"""Fields of the state: their defaults, in views, folds, resumed runs and publication; their formats."""

from __future__ import annotations

import pytest

from oe.lang.scope import MISSING
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.store.memory_cache import MemoryCache
from tests.support.scenario import Scenario, Script, fails, gives

ONCE = """
state: {schema: {title: {type: string, merge: set_once, default: none, persist: PERSIST}, seen: {type: string}}}
graph:
  nodes:
    - {id: first, kind: step, writes: [title]}
    - {id: second, kind: step, needs: [first], reads: [title], writes: [title, seen]}
"""


def sees(then: str | None = None) -> Script:
    """A node that writes down the title that it sees, and may write one."""
    async def script(request: Request, context: NodeContext) -> NodeOutput:
        title = {} if then is None else {"title": then}
        return NodeOutput({"seen": request.view["title"], **title}, MISSING, {})
    return script


def scenario(first: Script, second: Script, persist: str = "false") -> Scenario:
    return Scenario(ONCE.replace("PERSIST", persist), {"first": first, "second": second})


@pytest.mark.parametrize(("first", "second", "expected"), [
    ({}, None, {"title": "none", "seen": "none"}),
    ({}, "other", {"title": "other", "seen": "none"}),
    ({"title": "a"}, None, {"title": "a", "seen": "a"}),
    ({"title": "a"}, "a", {"title": "a", "seen": "a"}),
    ({"title": "none"}, None, {"title": "none", "seen": "none"}),
])
def test_the_first_write_sets_a_set_once_field(first: dict[str, str], second: str | None,
                                               expected: dict[str, str]) -> None:
    result = scenario(gives(first), sees(second)).run()
    assert (result.status, result.state) == ("success", expected)


@pytest.mark.parametrize("first", ["a", "none"])
def test_another_value_after_the_first_is_refused_also_where_that_equals_the_default(first: str) -> None:
    result = scenario(gives({"title": first}), sees("b")).run()
    assert (result.status, result.state) == ("partial", {"title": first})
    assert "set_once" in str(next(node for node in result.nodes if node["id"] == "second")["error"])


@pytest.mark.parametrize("first", ["a", "none"])
def test_what_a_run_has_published_is_set_for_the_next(first: str) -> None:
    made = scenario(gives({"title": first}), sees(), "true")
    assert made.run().status == "success"
    made.kind.scripts["first"] = gives({"title": "b"})
    assert made.run().status == "failed", "the workspace has another value"
    made.kind.scripts["first"] = gives({"title": first})
    assert made.run().state == {"title": first, "seen": first}


def test_a_resumed_run_sees_what_was_set_and_what_was_not() -> None:
    made = scenario(gives(), fails())
    made.run()
    made.kind.scripts["second"] = sees("late")
    assert made.resume().state == {"title": "late", "seen": "none"}


def test_a_hit_sets_the_field_as_the_node_did() -> None:
    made = scenario(gives({"title": "a"}), sees("a"))
    made.cache = MemoryCache()
    made.run()
    again = made.run()
    assert [node["cached"] for node in again.nodes] == [True, True] and again.state == {"title": "a", "seen": "a"}


def test_a_published_list_holds_its_default_once() -> None:
    made = Scenario("""
state: {schema: {log: {type: array, merge: array_append, persist: true, default: [zero]}}}
graph: {nodes: [{id: add, kind: step, writes: [log]}]}
""", {"add": gives({"log": ["more"]})})
    made.run()
    assert made.store.workspace("scenario.yaml") == {"log": ["zero", "more"]}
    made.run()
    assert made.store.workspace("scenario.yaml") == {"log": ["zero", "more", "more"]}


@pytest.mark.parametrize(("formats", "status"), [("annotation", "success"), ("strict", "failed")])
def test_formats_of_writes_are_asserted_where_they_are_strict(formats: str, status: str) -> None:
    made = Scenario(f"""
formats: {formats}
state: {{schema: {{day: {{type: string, format: date}}}}}}
graph: {{nodes: [{{id: write, kind: step, writes: [day]}}]}}
""", {"write": gives({"day": "tomorrow"})})
    assert made.run().status == status


@pytest.mark.parametrize("rule", ["minItems: 2", "contains: {const: x}"])
def test_what_is_asked_of_a_whole_list_is_not_asked_of_what_is_appended_to_it(rule: str) -> None:
    made = Scenario(f"""
state: {{schema: {{log: {{type: array, items: {{type: string}}, {rule}, merge: array_append}}}}}}
graph: {{nodes: [{{id: write, kind: step, writes: [log]}}]}}
""", {"write": gives({"log": ["one"]})})
    assert made.run().status == "success"
    assert made.run().state == {"log": ["one"]}
