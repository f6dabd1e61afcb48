"""The graph of an experience as it is drawn. Runs and creates nothing."""

from __future__ import annotations

from oe.app.experiences import Experience, load_experience
from oe.lang.document import Path
from oe.plan.graph import Graph
from oe.render.graph_value import Arrow, DrawnUnit, Member, Outline
from oe.spec.model import Node, Pipeline, Unit
from oe.text import clip
from oe.values import Json, compact

_LONGEST_SOURCE = 60


def read_outline(path: str) -> Outline:
    """The graph of the experience at `path`. Raises SpecError, NotFoundError."""
    return outline_of(load_experience(path))


def outline_of(experience: Experience) -> Outline:
    """The graph of an experience."""
    graph = Graph(experience)
    depths = [0] * len(graph)
    for links in graph.incoming:  # by rank: every source comes before its targets
        for link in links:
            depths[link.target] = max(depths[link.target], depths[link.source] + 1)
    units = [_drawn(experience, unit, depth) for unit, depth in zip(graph.units, depths, strict=True)]
    arrows = [Arrow(edge.source, edge.target, None if edge.when is None else edge.when.text)
              for edge in experience.edges]
    return Outline(experience.name, experience.version, experience.phases, units, arrows)


def _drawn(experience: Experience, unit: Unit, depth: int) -> DrawnUnit:
    when = None if unit.when is None else unit.when.text
    if isinstance(unit, Node):
        source = _source(experience, (*unit.for_each.path, "source")) if unit.for_each is not None else None
        return DrawnUnit(unit.id, "node", unit.kind, depth, unit.phase, unit.join, when, source, None, None, ())
    if isinstance(unit, Pipeline):
        source = _source(experience, (*unit.path, "items"))
        return DrawnUnit(unit.id, "pipeline", "pipeline", depth, unit.phase, unit.join, when, source, None, None,
                         _members(experience, unit.stages))
    until = None if unit.until is None else unit.until.text
    return DrawnUnit(unit.id, "loop", "loop", depth, unit.phase, unit.join, when, None, until, unit.max_iters,
                     _members(experience, unit.body))


def _members(experience: Experience, ids: tuple[str, ...]) -> tuple[Member, ...]:
    return tuple(Member(node_id, experience.nodes[node_id].kind) for node_id in ids)


def _source(experience: Experience, path: Path) -> str:
    """A list as it is written: a reference, or the beginning of the list itself."""
    value: Json = experience.document.value
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step]
    return value if isinstance(value, str) else clip(compact(value), _LONGEST_SOURCE)
