"""The join truth table of docs/reference/semantics.md, pair by pair."""

from __future__ import annotations

from itertools import product

import pytest

from tests.support.scenario import Scenario, Script, fails, gives

EDGES = ("live", "dead", "skipped", "failed", "lost")
"""`lost`: its source was skipped because of a failure before it."""
JOINS = ("all", "any", "always")


def expected(join: str, edges: tuple[str, str]) -> tuple[str, str | None]:
    """Status and reason, written down again from the contract."""
    if join == "always":
        return "success", None
    if join == "any" and "live" in edges and not {"failed", "lost"} & set(edges):
        return "success", None
    if join == "all" and edges == ("live", "live"):
        return "success", None
    first = next((number, edge) for number, edge in enumerate(edges, 1) if edge != "live")
    source = f"p{first[0]}"
    return "skipped", {"dead": "when: 1 == 2 is false", "skipped": f"predecessor skipped: {source}",
                       "lost": f"predecessor skipped: {source}", "failed": f"predecessor failed: {source}"}[first[1]]


def predecessor(number: int, edge: str) -> tuple[str, str, Script]:
    name = f"p{number}"
    rest = {"skipped": ", when: 3 == 4", "lost": f", needs: [before-{name}]"}.get(edge, "")
    node = f"    - {{id: {name}, kind: step{rest}}}\n"
    if edge == "lost":
        node = f"    - {{id: before-{name}, kind: step}}\n" + node
    link = f"    - {{from: {name}, to: target{', when: 1 == 2' if edge == 'dead' else ''}}}\n"
    return node, link, fails() if edge == "failed" else gives()


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize(("join", "edges"), [(join, edges) for join in JOINS for edges in product(EDGES, EDGES)])
def test_two_predecessors_decide_a_join(join: str, edges: tuple[str, str], concurrency: int) -> None:
    parts = [predecessor(number, edge) for number, edge in enumerate(edges, 1)]
    text = "graph:\n  nodes:\n" + "".join(part[0] for part in parts)
    text += f"    - {{id: target, kind: step, join: {join}}}\n  edges:\n" + "".join(part[1] for part in parts)
    scripts = {f"p{number}": part[2] for number, part in enumerate(parts, 1)}
    scenario = Scenario(text, {**scripts, "before-p1": fails(), "before-p2": fails()})
    result = scenario.run(concurrency=concurrency)
    status, reason = expected(join, edges)
    assert scenario.status("target") == status
    assert scenario.node("target").get("reason") == reason
    others_finished = any(edge in ("live", "dead") for edge in edges)
    if not {"failed", "lost"} & set(edges):
        assert result.status == "success"
    else:
        assert result.status == ("partial" if others_finished else "failed")
