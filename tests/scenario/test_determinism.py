"""The same graph gives the same state and the same keys at any concurrency and in any order of events."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.random_graphs import Graph, random_graph

SEEDS = [*range(24), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(24, 400))]


def outcome(graph: Graph, concurrency: int, shuffle: int | None) -> dict[str, Any]:
    """Everything that timing must not change."""
    scenario = graph.scenario()
    result = scenario.run(concurrency=concurrency, seed=shuffle)
    return {
        "status": result.status, "state": result.state, "totals": {**result.totals, "duration_ms": 0},
        "units": {str(node["id"]): (node["status"], node.get("error"), node.get("reason")) for node in result.nodes},
        "slots": {row.slot: (row.status, row.key, row.writes) for row in scenario.store.journal("r-1")},
        "published": [scenario.store.workspace(file) for file in ("scenario.yaml", "child.yaml")]}


@pytest.mark.parametrize("seed", SEEDS)
def test_state_keys_and_statuses_are_the_same_at_every_concurrency(seed: int) -> None:
    graph = random_graph(seed)
    expected = outcome(graph, 1, None)
    for concurrency, shuffle in ((2, seed), (8, seed + 1), (64, seed + 2)):
        assert outcome(graph, concurrency, shuffle) == expected


@pytest.mark.parametrize("seed", [10_001, 10_002, *(pytest.param(seed, marks=pytest.mark.long)
                                                    for seed in range(10_003, 10_060))])
def test_no_order_of_events_changes_anything(seed: int) -> None:
    graph = random_graph(seed)
    expected = outcome(graph, 8, None)
    for shuffle in range(20):
        assert outcome(graph, 8, shuffle) == expected
