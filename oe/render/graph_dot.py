"""A graph in DOT, for Graphviz (https://graphviz.org/doc/info/lang.html). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from oe.render.graph_value import Arrow, DrawnUnit, Outline, by_phase, facts
from oe.text import clip, neutralise

_LONGEST_FACT = 80


def dot_lines(outline: Outline) -> list[str]:
    """A digraph; phases, pipelines and loops are clusters, fan-outs stand in doubled boxes."""
    lines = [f"digraph {_quoted(outline.name)} {{", "  compound=true;", "  node [shape=box];"]
    for index, (phase, title, units) in enumerate(by_phase(outline)):
        indent = "  " if phase is None else "    "
        if phase is not None:
            lines += [f'  subgraph "cluster_phase_{index}" {{', f"    label={_quoted(title)};", "    style=dashed;"]
        for unit in units:
            lines += [indent + line for line in _unit(unit)]
        if phase is not None:
            lines.append("  }")
    units_by_id = {unit.id: unit for unit in outline.units}
    lines += [_edge(arrow, units_by_id[arrow.source], units_by_id[arrow.target]) for arrow in outline.arrows]
    return [*lines, "}"]


def _unit(unit: DrawnUnit) -> Iterator[str]:
    label = _quoted(unit.id, unit.kind, *(clip(fact, _LONGEST_FACT) for fact in facts(unit)))
    if not unit.members:
        yield f"{_quoted(unit.id)} [label={label}{', peripheries=2' if unit.source is not None else ''}];"
        return
    yield f"subgraph {_cluster(unit)} {{"
    yield f"  label={label};"
    for number, member in enumerate(unit.members):
        yield f"  {_member(unit, number)} [label={_quoted(member.id, member.kind)}];"
    for number in range(1, len(unit.members)):
        yield f"  {_member(unit, number - 1)} -> {_member(unit, number)};"
    if unit.type == "loop":
        yield f"  {_member(unit, len(unit.members) - 1)} -> {_member(unit, 0)} [style=dashed, constraint=false];"
    yield "}"


def _edge(arrow: Arrow, source: DrawnUnit, target: DrawnUnit) -> str:
    """DOT joins nodes only: an edge of a cluster is one of a node in it that is cut at the cluster's border."""
    attributes = []
    tail, head = _quoted(source.id), _quoted(target.id)
    if source.members:
        tail = _member(source, len(source.members) - 1)
        attributes.append(f"ltail={_cluster(source)}")
    if target.members:
        head = _member(target, 0)
        attributes.append(f"lhead={_cluster(target)}")
    if arrow.when is not None:
        attributes.append(f"label={_quoted(clip(f'when {arrow.when}', _LONGEST_FACT))}")
    listed = f" [{', '.join(attributes)}]" if attributes else ""
    return f"  {tail} -> {head}{listed};"


def _cluster(unit: DrawnUnit) -> str:
    return _quoted(f"cluster_{unit.id}")


def _member(unit: DrawnUnit, number: int) -> str:
    """The name of a stage or body node; `/` is in no unit's id."""
    return _quoted(f"{unit.id}/{number}")


def _quoted(*lines: str) -> str:
    r"""A quoted string of several lines. `\` begins an escape in labels, `&` an HTML entity."""
    texts = (neutralise(line.replace("\n", " ")).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
             for line in lines)
    return '"' + "\\n".join(texts) + '"'
