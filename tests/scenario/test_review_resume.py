"""What a resumed run leaves in the journal, after edits of the spec and after other endings."""

from __future__ import annotations

import pytest

from oe.errors import NodeError
from oe.ports.kind import NodeContext, NodeOutput, Request
from tests.support.scenario import HEAD, Scenario, fails, gives

LOOP = """
state: {schema: {n: {type: integer, default: 0}}}
graph:
  nodes:
    - {id: body, kind: step, writes: [n]}
    - {id: after, kind: step, needs: [again]}
  loops:
    - {id: again, body: [body], max_iters: 2}
"""


def counted(scenario: Scenario, slot: str) -> list[tuple[int, str]]:
    return [(outcome.attempt, outcome.status) for outcome in scenario.store.journal("r-1") if outcome.slot == slot]


def edited(scenario: Scenario, text: str) -> Scenario:
    """The same store and run with another spec."""
    other = Scenario(text, scenario.kind.scripts)
    other.store, other.logs, other._count = scenario.store, scenario.logs, scenario._count
    return other


def test_a_finished_loop_counts_once_after_each_resume() -> None:
    scenario = Scenario(LOOP, {"body": gives({"n": 1}), "after": fails()})
    scenario.run()
    for _ in range(2):
        scenario.resume()
        assert len(counted(scenario, "again")) == 1, "the outcome just committed was taken out with the earlier one"


def test_attempts_of_a_loop_are_numbered_on() -> None:
    scenario = Scenario(LOOP, {"body": gives({"n": 1}), "after": fails()})
    scenario.run()
    scenario.resume()
    scenario.resume()
    attempts = [event["attempt"] for event in scenario.events("node.finished") if event["slot"] == "again"]
    assert attempts == sorted(set(attempts))


def test_a_unit_that_is_skipped_since_an_edit_counts_as_skipped() -> None:
    text = """
state: {schema: {n: {type: integer, default: 0}}}
graph:
  nodes:
    - {id: one, kind: step, when: "WHEN"}
    - {id: bad, kind: step}
"""
    scenario = Scenario(text.replace("WHEN", "1 == 1"), {"bad": fails()})
    scenario.run()
    scenario = edited(scenario, text.replace("WHEN", "1 == 2"))
    scenario.resume()
    assert counted(scenario, "one") == [(0, "skipped")]


def test_an_attempt_after_one_that_no_longer_counts_has_a_number_of_its_own() -> None:
    text = """
graph:
  nodes:
    - {id: one, kind: step, args: {x: X}}
    - {id: bad, kind: step}
"""
    scenario = Scenario(text.replace("X", "1"), {"bad": fails()})
    scenario.run()
    scenario = edited(scenario, text.replace("X", "2"))
    one = next(mark.number for mark in scenario.store.marks("r-1") if mark.slot == "one")
    scenario.store.commit("r-1", [], [one])  # as a resumed part leaves it that ends before its own attempt
    scenario.resume()
    attempts = [event["attempt"] for event in scenario.events("node.finished") if event["slot"] == "one"]
    assert attempts == [1, 2]


@pytest.mark.parametrize(("before", "after"), [
    ("{id: x, kind: step, writes: [n]}", "{id: x, kind: step, writes: [n], for_each: {source: [1, 2]}}"),
    ("{id: x, kind: step, writes: [n], for_each: {source: [1, 2]}}", "{id: x, kind: step, writes: [n]}"),
    ("{id: x, kind: step, writes: [n], for_each: {source: [1, 2]}}",
     "{id: x, kind: step, writes: [n], for_each: {source: [1]}}"),
    ("{id: x, kind: step, writes: [n]}", "{id: x, kind: step, writes: [n], for_each: {source: []}}"),
    ("{id: x, kind: step, writes: [n]}", "{id: z, kind: step, writes: [n]}"),
])
def test_what_the_edited_spec_no_longer_has_leaves_journal_and_state(before: str, after: str) -> None:
    text = """
state: {schema: {n: {type: array, merge: array_append}}}
graph:
  nodes:
    - NODE
    - {id: bad, kind: step}
"""
    scripts = {"x": gives({"n": ["x"]}), "z": gives({"n": ["z"]}), "bad": fails(times=1)}
    scenario = Scenario(text.replace("NODE", before), scripts)
    scenario.run()
    scenario = edited(scenario, text.replace("NODE", after))
    result = scenario.resume()
    assert result.status == "success"
    written = [delta for outcome in scenario.store.journal("r-1") for _, value in outcome.writes for delta in value]  # type: ignore[union-attr]
    assert written == result.state.get("n", [])
    undisturbed = Scenario(text.replace("NODE", after), {**scripts, "bad": gives()})
    assert result.state == undisturbed.run().state


def test_a_set_once_field_with_a_default_can_be_set() -> None:
    scenario = Scenario("""
state: {schema: {title: {type: string, merge: set_once, default: ""}}}
graph: {nodes: [{id: name, kind: step, writes: [title]}]}
""", {"name": gives({"title": "Report"})})
    assert scenario.run().state == {"title": "Report"}


def test_a_persistent_list_keeps_the_elements_of_its_default() -> None:
    scenario = Scenario("""
state: {schema: {log: {type: array, merge: array_append, persist: true, default: [zero]}}}
graph: {nodes: [{id: add, kind: step, writes: [log]}]}
""", {"add": gives({"log": ["more"]})})
    assert scenario.run().state == {"log": ["zero", "more"]}
    assert scenario.run().state == {"log": ["zero", "more", "more"]}


def test_what_an_earlier_process_finished_took_the_time_that_it_took() -> None:
    scenario = Scenario("graph: {nodes: [{id: long, kind: step}, {id: bad, kind: step}]}",
                        {"long": gives(after=3), "bad": fails()})
    assert scenario.run().nodes[0]["duration_ms"] == 3000
    assert scenario.resume().nodes[0]["duration_ms"] == 3000


MANY = """
state:
  schema:
    n: {type: integer, default: 0}
    sums: {type: array, merge: array_append}
    got: {type: integer}
graph:
  nodes:
    - {id: left, kind: step}
    - {id: right, kind: step, writes: [n], args: {prev: $prev}}
    - {id: body, kind: step, writes: [n]}
    - {id: inner, kind: experience, impl: child.yaml, outputs: {got: sum}, writes: [got]}
    - {id: each, kind: experience, impl: child.yaml, for_each: {source: [1, 2]}, outputs: {sums: sum}, writes: [sums]}
    - {id: deep, kind: experience, impl: child.yaml}
    - {id: after, kind: step, needs: [pipe, again, inner, each, deeper]}
  pipelines:
    - {id: pipe, items: [1, 2, 3], stages: [left, right], on_item_error: continue}
  loops:
    - {id: again, body: [body], max_iters: 2, needs: [pipe]}
    - {id: deeper, body: [deep], max_iters: 2}
"""
CHILD = HEAD + """
state: {schema: {sum: {type: integer}}}
graph:
  nodes:
    - {id: one, kind: step, writes: [sum]}
    - {id: fan, kind: step, for_each: {source: [1, 2]}, needs: [one]}
    - {id: turn, kind: step}
  loops:
    - {id: turns, body: [turn], max_iters: 2, needs: [fan]}
"""


def endings(scenario: Scenario) -> list[tuple[str, int]]:
    return [(event["slot"], event["attempt"]) for event in scenario.events("node.finished")]


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_finished_unit_of_many_slots_is_taken_over_as_it_is(concurrency: int) -> None:
    async def right(request: Request, context: NodeContext) -> NodeOutput:
        if context.slot.startswith("pipe[1]"):
            raise NodeError("broken", name="Broken", retryable=False)
        return NodeOutput({"n": 5}, 5, {})

    scenario = Scenario(MANY, {"right": right, "body": gives({"n": 1}), "one": gives({"sum": 7}), "after": fails()},
                        files={"child.yaml": CHILD})
    first = scenario.run(concurrency=concurrency)
    before, started = endings(scenario), scenario.events("node.started")
    calls = list(scenario.kind.calls)
    again = scenario.resume(concurrency=concurrency)
    assert endings(scenario) == before, "nothing that had finished ended a second time"
    assert [event["slot"] for event in scenario.events("node.started")[len(started):]] == ["after"]
    assert [event["slot"] for event in scenario.events("node.ready")].count("pipe") == 1
    assert scenario.kind.calls == [*calls, "after"]
    assert (again.state, again.status) == (first.state, first.status)
    assert [scenario.node(unit)["attempts"] for unit in ("pipe", "again", "inner", "each")] == [1, 1, 1, 1]
    scenario.kind.scripts["after"] = gives()
    assert scenario.resume(concurrency=concurrency).status == "success"
    assert [end for end in endings(scenario) if end[0] != "after"] == before


def test_a_unit_in_which_a_slot_is_new_begins_and_ends_again() -> None:
    scenario = Scenario(MANY, {"body": gives({"n": 1}), "one": gives({"sum": 7}), "after": fails()},
                        files={"child.yaml": CHILD})
    scenario.run()
    before = endings(scenario)
    scenario.files.texts["child.yaml"] = CHILD.replace("{id: turn, kind: step}", "{id: turn, kind: step, args: {x: 1}}")
    scenario.resume()
    slots = [event["slot"] for event in scenario.events() if event["type"] in ("node.started", "node.ready")]
    later = slots[slots.index("after") + 1:]
    assert {"inner", "inner/turns", "inner/turns[0]/turn", "deeper", "each[1]", "each"} <= set(later)
    assert not {"pipe", "again", "inner/one", "inner/fan"} & set(later)
    assert later.index("deeper") < later.index("deeper[0]/deep") < later.index("deeper[0]/deep/turns")
    assert ("inner", 2) in endings(scenario) and ("inner/turns", 2) in endings(scenario)
    counting = [slot for slot, _ in before]
    assert sorted(outcome.slot for outcome in scenario.store.journal("r-1") if outcome.status == "success") == sorted(
        counting), "each slot counts once"
