"""What of a node's spec is in its key: all that can change its output, and nothing else."""

from __future__ import annotations

import pytest

from oe.digests import Part
from oe.plan.fingerprint import spec_part
from tests.support.scenario import Scenario

_EXPERIENCE = """
state:
  schema:
    a: {type: array, default: [1]}
    b: {type: array, default: [2]}
    text: {type: string}
phases: [{id: one}]
graph:
  nodes:
    - {id: first, kind: step}
    - {id: node, kind: step, reads: [a], writes: [text]}
"""


def part(keys: str = "", text: str = _EXPERIENCE) -> Part:
    """The part that the last node is, with these further keys."""
    experience = Scenario(text.replace("writes: [text]", "writes: [text]" + (f", {keys}" if keys else ""))).experience
    return spec_part(list(experience.nodes.values())[-1], experience, ())


@pytest.mark.parametrize(("one", "other"), [
    ("args: {x: 1}", "args: {x: 2}"),
    ("args: {x: $.a}", "args: {x: $.b}"),
    ("for_each: {source: $.a}", "for_each: {source: $.b}"),
    ("for_each: {source: [1]}", "for_each: {source: [2]}"),
    ("", "for_each: {source: $.a}"),
    ("on_error: {policy: continue, output: {state_delta: {text: x}}}",
     "on_error: {policy: continue, output: {state_delta: {text: y}}}"),
    ("", "on_error: {policy: continue, output: {state_delta: {text: x}}}"),
])
def test_what_can_change_the_output_is_in_the_key(one: str, other: str) -> None:
    assert part(one) != part(other)


@pytest.mark.parametrize(("before", "after"), [
    ("reads: [a]", "reads: [a, b]"), ("writes: [text]", "writes: [text, b]"), ("id: node", "id: renamed")])
def test_what_it_reads_and_writes_and_is_called_is_in_the_key(before: str, after: str) -> None:
    assert part() != part(text=_EXPERIENCE.replace(before, after))


@pytest.mark.parametrize("keys", [
    "needs: [first]", "when: 1 == 1", "join: always", "phase: one", "timeout: 5s", "description: a note",
    "on_error: {policy: retry, attempts: 7}", "on_error: {policy: fail_run}"])
def test_what_cannot_change_the_output_is_not(keys: str) -> None:
    assert part(keys) == part()


@pytest.mark.parametrize("keys", ["concurrency: 9", "on_item_error: continue", "min_success: 1"])
def test_how_a_fan_out_goes_on_is_not(keys: str) -> None:
    assert part(f"for_each: {{source: $.a, {keys}}}") == part("for_each: {source: $.a}")


def test_comments_and_layout_are_not() -> None:
    spread = _EXPERIENCE.replace("{id: node, kind: step, reads: [a], writes: [text]}",
                                 "id: node  # a comment\n      kind: step\n      reads:\n        - a\n      writes: [text]")
    assert part(text=spread) == part()
