"""What a snapshot takes from the graph rather than from events: kinds of work, bounds, what waits for what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from oe.ids import child_slot

if TYPE_CHECKING:
    from oe.plan.graph import Graph
    from oe.spec.model import Node, TaskKind, Unit


class NodeFacts(NamedTuple):
    """One node: its sort of work, how often it may be tried, the seconds that one attempt may take."""

    kind: TaskKind
    attempts: int
    timeout_seconds: float | None


class UnitFacts(NamedTuple):
    """One unit. `node` is None for a pipeline or a loop, whose nodes are `members` in their order; `after` are the
    units that it comes after; `is_always` marks join `always`, which a stop does not cancel."""

    node: NodeFacts | None
    members: Mapping[str, NodeFacts]
    after: tuple[str, ...]
    most_rounds: int | None
    is_always: bool


UNKNOWN_NODE = NodeFacts("custom", 1, None)
UNKNOWN_UNIT = UnitFacts(UNKNOWN_NODE, {}, (), None, is_always=False)


class SortOfWork(Protocol):
    """A node kind, as far as it matters here."""

    task_kind: TaskKind


def facts_of(graph: Graph, kinds: Mapping[str, SortOfWork]) -> dict[str, UnitFacts]:
    """The facts of every unit by its id; `kinds` are the node kinds by name."""
    return {unit_id: _unit_facts(graph, rank, unit, kinds)
            for rank, (unit_id, unit) in enumerate(zip(graph.ids, graph.units, strict=True))}


def facts_below(slot: str, graph: Graph, kinds: Mapping[str, SortOfWork],
                known: Mapping[str, UnitFacts]) -> dict[str, UnitFacts]:
    """The facts of the units of an experience that is nested in a unit, by slot; none where they are in `known`, where
    it is the run's own, and where it is nested in an item, which is not told of unit by unit."""
    if not slot or "[" in slot or child_slot(slot, graph.ids[0]) in known:
        return {}
    return {child_slot(slot, name): facts._replace(after=tuple(child_slot(slot, source) for source in facts.after))
            for name, facts in facts_of(graph, kinds).items()}


def _unit_facts(graph: Graph, rank: int, unit: Unit, kinds: Mapping[str, SortOfWork]) -> UnitFacts:
    nodes = {node.id: _node_facts(node, kinds) for node in graph.nodes_of(unit)}
    after = tuple(dict.fromkeys(graph.ids[link.source] for link in graph.incoming[rank]))
    own = nodes.get(unit.id)
    return UnitFacts(own, {} if own is not None else nodes, after, getattr(unit, "max_iters", None),
                     unit.join == "always")


def _node_facts(node: Node, kinds: Mapping[str, SortOfWork]) -> NodeFacts:
    attempts = node.on_error.attempts if node.on_error.policy == "retry" else 1
    return NodeFacts(kinds[node.kind].task_kind, attempts, node.timeout_seconds)
