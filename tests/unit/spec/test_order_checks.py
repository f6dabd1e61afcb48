"""Who may read and write what: the cases that are right, beside those that are not."""

from __future__ import annotations

import pytest

from tests.unit.spec.specs import codes, graph

_LOOP = "  loops: [{id: again, body: [one, two], max_iters: 3}]\n"
_STREAM = "  pipelines: [{id: stream, items: [1], stages: [one, two]}]\n"


@pytest.mark.parametrize(("text", "expected"), [
    pytest.param(graph("id: one, writes: [a]", "id: two, needs: one", "id: three, needs: two, reads: [a]", state="a: {}"),
                 [], id="an ancestor further up"),
    pytest.param(graph("id: one, reads: [a]", "id: two, needs: one, writes: [a]", state="a: {default: 0}"), [],
                 id="a base that a later unit changes"),
    pytest.param(graph("id: one, reads: [a], writes: [a]", state="a: {persist: true}"), [], id="a persistent counter"),
    pytest.param(graph("id: one, reads: [a], writes: [a]", state="a: {}"), ["unwritten-field"], id="a counter without base"),
    pytest.param(graph("id: one, reads: [a]", "id: two, writes: [a]", state="a: {default: 0}"), ["reads-unordered-write"],
                 id="a sibling, whatever the base"),
    pytest.param(graph("id: one, args: {x: '$.a ?? 0'}", state="a: {}"), [], id="nobody, but a default in the reference"),
    pytest.param(graph("id: one, writes: [a], args: {n: $iter}", "id: two, reads: [a]", state="a: {}", rest=_LOOP), [],
                 id="an earlier node of the body"),
    pytest.param(graph("id: one, reads: [a], args: {n: $iter}", "id: two, writes: [a]", state="a: {default: 0}", rest=_LOOP),
                 [], id="an earlier iteration over a base"),
    pytest.param(graph("id: one, reads: [a], args: {n: $iter}", "id: two, writes: [a]", state="a: {}", rest=_LOOP),
                 ["unwritten-field"], id="an earlier iteration without a base"),
    pytest.param(graph("id: one, writes: [a], args: {n: $item}", "id: two, reads: [a]", state="a: {}", rest=_STREAM), [],
                 id="an earlier stage"),
    pytest.param(graph("id: one, reads: [a], args: {n: $item}", "id: two, writes: [a]", state="a: {}", rest=_STREAM),
                 ["unwritten-field"], id="a later stage"),
    pytest.param(graph("id: one, writes: [a]", "id: two", state="a: {}",
                       rest="  edges: [{from: one, to: two, when: $.a}]\n"), [], id="an edge sees what its source wrote"),
    pytest.param(graph("id: one", "id: two, writes: [a]", state="a: {}",
                       rest="  edges: [{from: one, to: two, when: $.a}]\n"), ["reads-later-write"],
                 id="an edge does not see what its target writes"),
    pytest.param(graph("id: one, writes: [a], args: {n: $iter}", "id: two", state="a: {}",
                       rest="  loops: [{id: again, body: [one, two], until: $.a, max_iters: 3}]\n"), [],
                 id="until sees what the body wrote"),
    pytest.param(graph("id: one, writes: [a]", "id: two, args: {x: $item}", state="a: {type: array}",
                       rest="  pipelines: [{id: stream, items: $.a, stages: [two]}]\n"), ["reads-unordered-write"],
                 id="items of a pipeline"),
])
def test_views(text: str, expected: list[str]) -> None:
    assert codes(text) == expected


def _race(first: str, second: str, edges: str = "", merge: str = "set_once") -> list[str]:
    return codes(graph("id: start, writes: [n]", f"id: one, writes: [a], {first}", f"id: two, writes: [a], {second}",
                       "id: via, args: {x: 1}", state=f"a: {{merge: {merge}}}, n: {{type: integer}}",
                       rest=f"  edges: [{edges}]\n" if edges else ""))


def _ways(one: str, two: str) -> str:
    return f"{{from: start, to: one, when: '{one}'}}, {{from: start, to: two, when: '{two}'}}"


@pytest.mark.parametrize(("one", "two", "is_free"), [
    ("$.n > 3", "not ($.n > 3)", False),
    ("$.n == 1", "$.n == 2", False),
    ("$.n > 3", "$.n <= 3", False),
    ("$.n > 3", "$.n < 9", True),
    ("$.n == 1", "$.n == 1", True),
])
def test_branches_of_one_source_that_exclude_each_other_may_write_one_field(one: str, two: str, is_free: bool) -> None:
    expected = ["set-once-race"] if is_free else []
    assert _race("args: {x: 1}", "args: {x: 2}", _ways(one, two)) == expected


def test_conditions_of_different_sources_exclude_nothing() -> None:
    edges = "{from: start, to: one, when: $.n}, {from: via, to: two, when: not $.n}, {from: start, to: via}"
    assert _race("args: {x: 1}", "args: {x: 2}", edges) == ["set-once-race"]


def test_conditions_further_up_a_branch_count() -> None:
    edges = "{from: start, to: via, when: $.n}, {from: via, to: one}, {from: start, to: two, when: not $.n}"
    assert _race("args: {x: 1}", "args: {x: 2}", edges) == []


def test_a_branch_behind_join_always_is_not_excluded() -> None:
    edges = "{from: start, to: via, when: $.n}, {from: via, to: one}, {from: start, to: two, when: not $.n}"
    assert _race("join: always", "args: {x: 2}", edges) == ["set-once-race"]


def test_own_conditions_exclude_each_other_where_both_units_see_the_same() -> None:
    assert _race("needs: start, when: $.n", "needs: start, when: not $.n") == []
    assert _race("needs: start, when: $.n", "needs: [start, via], when: not $.n") == ["set-once-race"]


def test_ordered_writers_are_no_race() -> None:
    assert _race("needs: start", "needs: one") == []
    assert _race("needs: start", "needs: one", merge="last_wins") == []


def test_appends_are_no_race() -> None:
    assert codes(graph("id: one, writes: [a]", "id: two, writes: [a]", state="a: {type: array, merge: array_append}")) == []


def test_a_race_is_told_once_for_each_field() -> None:
    nodes = [f"id: n{number}, writes: [a]" for number in range(10)]
    assert codes(graph(*nodes, state="a: {}")) == ["write-race"]


_DEEP = "{from: plan, to: deep, when: $.n}"


@pytest.mark.parametrize(("nodes", "edges", "expected"), [
    pytest.param(["id: plan, writes: [n]", "id: deep", "id: report, needs: [deep, plan]"], _DEEP, ["skipped-join"],
                 id="one branch conditional"),
    pytest.param(["id: plan, writes: [n]", "id: deep", "id: report, needs: [deep, plan], join: any"], _DEEP, [],
                 id="join any"),
    pytest.param(["id: plan, writes: [n]", "id: deep", "id: report, needs: [deep, plan], join: all"], _DEEP, [],
                 id="join all, said"),
    pytest.param(["id: plan, writes: [n]", "id: deep", "id: report, needs: deep"], _DEEP, [], id="a chain is a branch"),
    pytest.param(["id: plan, writes: [n]", "id: deep", "id: a, needs: deep", "id: b, needs: deep", "id: report, needs: [a, b]"],
                 _DEEP, [], id="both branches hang on one condition"),
    pytest.param(["id: plan, writes: [n]", "id: deep, needs: plan, when: $.n", "id: report, needs: [deep, plan]"], "",
                 ["skipped-join"], id="a node's own condition"),
    pytest.param(["id: plan, writes: [n]", "id: deep", "id: other, needs: plan"],
                 _DEEP + ", {from: other, to: deep, when: $.n > 1}", [], id="conditions on its own edges"),
    pytest.param(["id: plan, writes: [n]", "id: deep", "id: one, needs: [deep, plan]", "id: two, needs: [one, plan]"], _DEEP,
                 ["skipped-join"], id="told at the first join alone"),
])
def test_joins(nodes: list[str], edges: str, expected: list[str]) -> None:
    rest = f"  edges: [{edges}]\n" if edges else ""
    assert codes(graph(*nodes, state="n: {type: integer}", rest=rest)) == expected
