"""What failed inside something that finished: a resumed run leaves it as it is, unless it would do something else now."""

from __future__ import annotations

import pytest

from oe.errors import NodeError
from oe.lang.scope import MISSING
from oe.ports.kind import NodeContext, NodeOutput, Request
from tests.support.scenario import HEAD, Scenario, fails, gives

FORMS = {
    "items": """
    - {id: it, kind: experience, impl: child.yaml, args: {n: $item}, for_each: {source: [1, 2, 3], on_item_error: continue}}
    - {id: after, kind: step, needs: [it]}
""",
    "stage": """
    - {id: st, kind: experience, impl: child.yaml, args: {n: $item}}
    - {id: after, kind: step, needs: [it]}
  pipelines:
    - {id: it, items: [1, 2, 3], stages: [st], on_item_error: continue}
""",
    "partial": """
    - {id: it, kind: experience, impl: child.yaml, args: {n: 2}, accept: partial}
    - {id: after, kind: step, needs: [it]}
""",
    "fallback": """
    - id: it
      kind: experience
      impl: child.yaml
      args: {n: 2}
      on_error: {policy: retry, attempts: 2, base_ms: 1, then: continue, output: {state_delta: {}}}
    - {id: after, kind: step, needs: [it]}
""",
    "body": """
    - {id: st, kind: experience, impl: child.yaml, args: {n: 2}, accept: partial}
    - {id: after, kind: step, needs: [it]}
  loops:
    - {id: it, body: st, max_iters: 2}
""",
    "deep": """
    - {id: it, kind: experience, impl: middle.yaml, accept: partial}
    - {id: after, kind: step, needs: [it]}
""",
}
MIDDLE = HEAD + """
graph:
  nodes:
    - {id: in, kind: experience, impl: child.yaml, args: {n: 2}}
    - {id: first, kind: step}
"""
CHILD = HEAD + """
args: {n: {type: integer}}
state: {schema: {sum: {type: integer}}}
graph:
  nodes:
    - {id: one, kind: step, writes: [sum]}
    - {id: two, kind: step, args: {n: $args.n}, needs: [one]}
    - {id: three, kind: step, needs: [two]}
    - {id: tidy, kind: step, needs: [two], join: always}
"""
EVERYTHING = HEAD + """
args: {n: {type: integer}, any: {default: 5}}
state: {schema: {sum: {type: integer}}}
graph:
  nodes:
    - {id: one, kind: step, writes: [sum]}
    - {id: fan, kind: step, args: {n: $item}, for_each: {source: [1, 2]}}
    - {id: nolist, kind: step, for_each: {source: $args.any}}
    - {id: refused, kind: step, when: $args.n < 'a'}
    - {id: missing, kind: step, args: {n: $inputs.one.x}, needs: [one]}
    - {id: stage, kind: step, args: {n: $item}}
    - {id: body, kind: step, args: {n: 2}}
    - {id: spin, kind: step}
  pipelines:
    - {id: pipe, items: [1, 2], stages: [stage]}
  loops:
    - {id: loop, body: [body], max_iters: 2}
    - {id: endless, body: [spin], max_iters: 1, until: 1 == 2, on_exhausted: fail}
"""


async def odd(request: Request, context: NodeContext) -> NodeOutput:
    if request.args["n"] == 2:
        raise NodeError("broken", name="Broken")
    return NodeOutput({}, MISSING, {})


def begun(form: str, child: str = CHILD) -> Scenario:
    """A run of the form that went to its end, but for what comes after it."""
    scenario = Scenario("graph:\n  nodes:" + FORMS[form],
                        {"two": odd, "fan": odd, "stage": odd, "body": odd, "one": gives({"sum": 1}), "after": fails()},
                        files={"child.yaml": child, "middle.yaml": MIDDLE})
    assert scenario.run().status == "partial"
    assert scenario.status("it") == "success"
    return scenario


def told(scenario: Scenario) -> dict[str, object]:
    """What is told of the unit, but for the time."""
    return {name: value for name, value in scenario.node("it").items() if name != "duration_ms"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("concurrency", [1, 4])
def test_it_is_not_tried_again(form: str, concurrency: int) -> None:
    scenario = begun(form)
    calls, events, node = list(scenario.kind.calls), len(scenario.events()), told(scenario)
    again = scenario.resume(concurrency=concurrency)
    assert scenario.kind.calls == [*calls, "after"]
    later = [event["slot"] for event in scenario.events()[events:] if "slot" in event]
    assert set(later) == {"after"}, "nothing else begins or ends a second time"
    assert (told(scenario), again.status) == (node, "partial")
    scenario.kind.scripts["after"] = gives()
    assert scenario.resume(concurrency=concurrency).status == "success"
    assert scenario.kind.calls == [*calls, "after", "after"]


@pytest.mark.parametrize("form", FORMS)
def test_it_is_tried_again_where_its_key_has_changed(form: str) -> None:
    scenario = begun(form)
    calls = len(scenario.kind.calls)
    failed = {outcome.slot for outcome in scenario.store.journal("r-1") if outcome.status == "failed"}
    scenario.kind.contents["two"] = {"two.py": "mended"}
    scenario.kind.scripts["two"] = gives()
    scenario.resume()
    ran = scenario.kind.calls[calls:]
    assert {slot for slot in failed if slot.endswith("/two")} <= set(ran), "what was mended did not run"
    assert not any(slot.endswith("/one") for slot in ran), "what had finished ran again"
    assert scenario.status("it") == "success"


def test_failures_of_every_form_are_kept() -> None:
    scenario = begun("partial", EVERYTHING)
    failed = sorted(outcome.slot for outcome in scenario.store.journal("r-1") if outcome.status == "failed")
    assert failed == ["after", "it/endless", "it/fan", "it/fan[1]", "it/loop", "it/loop[0]/body", "it/missing",
                      "it/nolist", "it/pipe", "it/pipe[1]/stage", "it/refused"]
    calls, events = list(scenario.kind.calls), len(scenario.events())
    scenario.resume()
    assert scenario.kind.calls == [*calls, "after"]
    assert {event["slot"] for event in scenario.events()[events:] if "slot" in event} == {"after"}


@pytest.mark.parametrize("concurrency", [1, 4])
def test_what_ended_by_fail_run_is_kept(concurrency: int) -> None:
    child = CHILD.replace("needs: [one]}", "needs: [one], on_error: {policy: fail_run}}") + """\
    - {id: free, kind: step}
"""
    scenario = begun("items", child)
    calls = list(scenario.kind.calls)
    assert "it[1]/tidy" in calls
    assert "it[1]/free" not in calls
    scenario.resume(concurrency=concurrency)
    assert scenario.kind.calls == [*calls, "after"]


def test_items_of_a_fan_out_that_failed_are_tried_again() -> None:
    text = "graph:\n  nodes:" + FORMS["items"].replace(", on_item_error: continue", "")
    scenario = Scenario(text, {"two": odd, "one": gives({"sum": 1})}, files={"child.yaml": CHILD})
    scenario.run()
    assert scenario.status("it") == "failed"
    calls = len(scenario.kind.calls)
    scenario.kind.scripts["two"] = gives()
    assert scenario.resume().status == "success"
    assert scenario.kind.calls[calls:] == ["it[1]/two", "it[1]/three", "after"], scenario.kind.calls[calls:]


def test_items_are_tried_again_where_the_fan_out_would_not_succeed_any_more() -> None:
    scenario = begun("items")
    stricter = Scenario("graph:\n  nodes:" + FORMS["items"].replace("continue", "continue, min_success: 3"),
                        {**scenario.kind.scripts, "two": gives(), "after": gives()}, files={"child.yaml": CHILD})
    stricter.store, stricter.logs, stricter._count = scenario.store, scenario.logs, scenario._count
    assert stricter.resume().status == "success"
    assert stricter.kind.calls[0] == "it[1]/two"
