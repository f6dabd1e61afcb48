"""Nothing recurses over the size of a graph: chains, rounds and items far beyond what the interpreter's stack would bear."""

from __future__ import annotations

import sys

import pytest

from oe.ports.kind import NodeContext, NodeOutput, Request
from tests.support.scenario import Scenario

DEEP = 3000
STATE = "state: {schema: {log: {type: array, merge: array_append, default: []}}}\n"
STEP = "kind: step, writes: [log]"
SHAPES = {
    "chain": "".join(f"    - {{id: n{number}, {STEP}{f', needs: [n{number - 1}]' if number else ''}}}\n" for number in range(DEEP)),
    "skipped chain": f"    - {{id: n0, {STEP}, when: 'false'}}\n" + "".join(
        f"    - {{id: n{number}, {STEP}, needs: [n{number - 1}]}}\n" for number in range(1, DEEP)),
    "rounds": f"    - {{id: body, {STEP}}}\n  loops:\n    - {{id: again, body: body, max_iters: {DEEP}}}\n",
    "stages": f"    - {{id: stage, {STEP}}}\n  pipelines:\n    - {{id: pipe, items: {list(range(DEEP))}, stages: [stage]}}\n",
}


async def step(request: Request, context: NodeContext) -> NodeOutput:
    return NodeOutput({"log": [context.slot]})


@pytest.mark.parametrize("shape", SHAPES)
def test_a_deep_graph_runs_to_its_end(shape: str) -> None:
    assert sys.getrecursionlimit() < DEEP
    nodes = SHAPES[shape]
    names = ("body", "stage", *(f"n{number}" for number in range(DEEP)))
    result = Scenario(STATE + "graph:\n  nodes:\n" + nodes, dict.fromkeys(names, step)).run()
    expected = 0 if shape == "skipped chain" else DEEP
    assert len(result.state["log"]) == expected  # type: ignore[arg-type]
    assert result.status == "success"
