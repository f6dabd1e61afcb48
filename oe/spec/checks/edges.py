"""Edges join two different units, each pair once."""

from __future__ import annotations

from oe.spec.model import Edge, Pipeline
from oe.spec.report import Report
from oe.spec.subject import Subject


def check(subject: Subject, report: Report) -> None:
    """Unknown ends, edges to and from stages and bodies, self-edges, duplicates."""
    first: dict[tuple[str, str], Edge] = {}
    for edge in subject.experience.edges:
        if not _has_good_ends(subject, report, edge):
            continue
        if edge.source == edge.target:
            report.error("self-edge", f"'{edge.source}' cannot wait for itself", edge.path)
            continue
        earlier = first.setdefault((edge.source, edge.target), edge)
        if earlier is not edge:
            report.error("duplicate-edge", f"the edge from '{edge.source}' to '{edge.target}' is there already, "
                         f"in line {report.line(earlier.path)}", edge.path, "keep one of them")


def _has_good_ends(subject: Subject, report: Report, edge: Edge) -> bool:
    is_need = "needs" in edge.path
    source_path = edge.path if is_need else (*edge.path, "from")
    target_path = edge.path if is_need else (*edge.path, "to")
    if is_need and edge.target in subject.containers:
        report.error("member-edge", f"node '{edge.target}' is {_place(subject, edge.target)} and cannot have 'needs'",
                     edge.path, f"put it on '{subject.containers[edge.target].id}'")
        return False
    good = _is_good_end(subject, report, edge.source, source_path)
    return (is_need or _is_good_end(subject, report, edge.target, target_path)) and good


def _is_good_end(subject: Subject, report: Report, name: str, path: tuple[str | int, ...]) -> bool:
    units = subject.experience.units
    if name in units:
        return True
    if name in subject.containers and name in subject.experience.nodes:
        container = subject.containers[name].id
        report.error("member-edge", f"node '{name}' is {_place(subject, name)}, so no edge can name it", path,
                     f"use '{container}' instead")
    elif not subject.gaps.units:
        several = name.replace(",", " ").split()
        hint = f"write [{', '.join(several)}]" if len(several) > 1 else subject.near(name, units)
        report.error("unknown-unit", f"there is no node, pipeline or loop '{name}'", path, hint)
    return False


def _place(subject: Subject, name: str) -> str:
    container = subject.containers[name]
    return f"{'a stage of pipeline' if isinstance(container, Pipeline) else 'in the body of loop'} '{container.id}'"
