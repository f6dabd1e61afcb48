"""The frontier by itself: what scenarios come to only by a stop in the right moment."""

from __future__ import annotations

from oe.plan.graph import Graph
from oe.state.ready import Frontier, Ready, Settled, Skip
from tests.support.scenario import Scenario


def frontier(text: str) -> tuple[Frontier, dict[str, int]]:
    graph = Graph(Scenario(text).experience)
    return Frontier(graph, lambda link: True, lambda rank: True), graph.rank


def test_who_is_barred_twice_counts_once() -> None:
    """A stop bars again what a run was not asked for; what waits for something else too goes on waiting."""
    front, rank = frontier("""
graph:
  nodes:
    - {id: asked, kind: step}
    - {id: other, kind: step}
    - {id: last, kind: step, join: always, needs: [asked, other]}
""")
    assert list(front.bar([rank["other"]])) == []
    assert list(front.roots()) == [Ready(rank["asked"])]
    assert list(front.stop(())) == []
    assert list(front.settle(rank["asked"], Settled.FAILED)) == [Ready(rank["last"])]


def test_what_is_barred_is_neither_decided_nor_blocked() -> None:
    front, rank = frontier("""
graph:
  nodes:
    - {id: first, kind: step}
    - {id: second, kind: step, needs: [first]}
    - {id: third, kind: step}
""")
    list(front.bar([rank["second"]]))
    assert [decision.rank for decision in front.roots()] == [rank["first"], rank["third"]]
    assert list(front.settle(rank["first"], Settled.FINISHED)) == []
    assert front.blocked() == [rank["third"]]


def test_roots_come_in_the_order_of_the_file() -> None:
    front, rank = frontier("""
graph:
  nodes:
    - {id: z, kind: step}
    - {id: after, kind: step, needs: [z]}
    - {id: a, kind: step}
""")
    assert [decision.rank for decision in front.roots()] == [rank["z"], rank["a"]]


def test_a_failure_reaches_through_those_that_it_skips() -> None:
    front, rank = frontier("graph: {nodes: [{id: a, kind: step}, {id: b, kind: step, needs: [a]}, "
                           "{id: c, kind: step, needs: [b]}]}")
    list(front.roots())
    assert list(front.settle(rank["a"], Settled.FAILED)) == [Skip(rank["b"], "predecessor failed: a", by_failure=True)]
    assert list(front.settle(rank["b"], Settled.SKIPPED_BY_FAILURE)) == [
        Skip(rank["c"], "predecessor skipped: b", by_failure=True)]
