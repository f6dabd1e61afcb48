"""Order, ancestors and cycles of graphs, against plain definitions and at size."""

from __future__ import annotations

import random
from itertools import pairwise

from oe.spec.topology import Topology


def _reachable(edges: set[tuple[int, int]], start: int) -> set[int]:
    found: set[int] = set()
    waiting = [start]
    while waiting:
        unit = waiting.pop()
        for source, target in edges:
            if source == unit and target not in found:
                found.add(target)
                waiting.append(target)
    return found


def test_order_takes_the_first_ready_unit_of_the_file() -> None:
    graph = Topology(["d", "c", "b", "a"], [("b", "d")])
    assert [graph.ids[unit] for unit in graph.order] == ["c", "b", "d", "a"]


def test_edges_keep_their_order_at_both_ends() -> None:
    graph = Topology("abc", [("b", "c"), ("a", "c"), ("a", "b")])
    assert graph.incoming == [[], [2], [0, 1]]
    assert graph.outgoing == [[1, 2], [0], []]
    assert graph.predecessors(2) == [1, 0]


def test_ancestors_are_what_can_reach_a_unit() -> None:
    chooser = random.Random(7)
    for _ in range(50):
        size = chooser.randrange(2, 12)
        names = [f"u{number}" for number in range(size)]
        shuffled = chooser.sample(range(size), size)
        edges = {(shuffled[low], shuffled[high]) for low in range(size) for high in range(low + 1, size)
                 if chooser.random() < 0.3}
        graph = Topology(names, [(names[source], names[target]) for source, target in edges])
        for source in range(size):
            reachable = _reachable(edges, source)
            assert {unit for unit in range(size) if graph.is_ancestor(source, unit)} == reachable


def test_order_puts_every_source_before_its_target() -> None:
    chooser = random.Random(11)
    names = [f"u{number}" for number in range(200)]
    edges = [(names[low], names[high]) for low in range(200) for high in range(low + 1, 200) if chooser.random() < 0.02]
    chooser.shuffle(names)
    graph = Topology(names, edges)
    place = {graph.ids[unit]: at for at, unit in enumerate(graph.order)}
    assert len(place) == 200
    assert all(place[source] < place[target] for source, target in edges)


def test_acyclic_graph_has_no_cycle() -> None:
    assert Topology("abc", [("a", "b"), ("b", "c"), ("a", "c")]).find_cycle() is None


def test_cycle_is_given_from_its_first_unit_without_what_leads_in_or_out() -> None:
    edges = [("in", "b"), ("b", "c"), ("c", "a"), ("a", "b"), ("a", "out")]
    graph = Topology(["in", "out", "c", "b", "a"], edges)
    assert graph.find_cycle() == ["c", "a", "b"]
    assert [graph.ids[unit] for unit in graph.order] == ["in"]


def test_found_cycle_is_a_cycle_of_the_graph() -> None:
    chooser = random.Random(3)
    for _ in range(200):
        names = [f"u{number}" for number in range(8)]
        edges = [(one, two) for one in names for two in names if one != two and chooser.random() < 0.2]
        cycle = Topology(names, edges).find_cycle()
        if cycle is not None:
            assert set(pairwise([*cycle, cycle[0]])) <= set(edges)
            assert len(set(cycle)) == len(cycle)


def test_ten_thousand_units_need_no_recursion() -> None:
    names = [f"u{number}" for number in range(10_000)]
    chain = list(pairwise(names))
    graph = Topology(names, chain)
    assert graph.order == list(range(10_000))
    assert graph.is_ancestor(0, 9_999)
    assert not graph.is_ancestor(9_999, 0)
    ring = Topology(names, [*chain, (names[-1], names[0])])
    assert ring.find_cycle() == names
