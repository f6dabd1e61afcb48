"""A node that takes nothing in gives its first result for ever, unless it says otherwise: people should know."""

from __future__ import annotations

from collections.abc import Iterator

from oe.lang.reference import Reference
from oe.spec.model import Loop, Node
from oe.spec.places import node_sites
from oe.spec.prompts import file_references
from oe.spec.report import Report
from oe.spec.subject import Subject

_REPEATED_KINDS = ("tool", "agent", "skill")
"""Kinds whose nodes do not see by themselves that something has changed: a file of data may, what is nested may."""


def check(subject: Subject, report: Report) -> None:
    """Root tools without any input, and bodies of loops that see nothing of what the loop does, if they say nothing of
    `cache`."""
    if not subject.is_graph_known or subject.experience.runtime.cache.enabled is not None:
        return
    for loop in subject.experience.loops.values() if not subject.gaps.writes else ():
        _check_loop(subject, report, loop)
    topology = subject.topology
    for number, unit in enumerate(subject.units):
        if isinstance(unit, Node) and not topology.incoming[number] and _is_timeless(subject, unit):
            report.warning("cached-for-ever", f"node '{unit.id}' takes nothing in, so its first result is kept until "
                           "its code changes", (*unit.path, "id"),
                           "say cache: true if that is right, cache: false if it looks at the world")


def _check_loop(subject: Subject, report: Report, loop: Loop) -> None:
    if loop.max_iters == 1:
        return
    nodes = subject.experience.nodes
    body = [nodes[name] for name in loop.body if name in nodes]
    written = {field for node in body for field in node.writes}
    for node in body:
        if _is_repeated(subject, node) and not any(
                each.root == "iter" or (each.root == "state" and each.segments and each.segments[0] in written)
                for each in _references(subject, node)) and not written.intersection(node.reads):
            report.warning("cached-iterations", f"node '{node.id}' sees nothing that changes in loop '{loop.id}', so "
                           "each iteration has the result of the first", (*node.path, "id"),
                           "say cache: false if it is to be carried out each time, cache: true if not")


def _is_repeated(subject: Subject, node: Node) -> bool:
    kind = subject.kinds.get(node.kind)
    if node.kind not in _REPEATED_KINDS or kind is None or not kind.cached_by_default or "command" in node.options:
        return False
    is_known = node.id not in subject.gaps.nodes
    return is_known and not (node.inputs or node.produces or node.effects) and node.cache.enabled is None


def _references(subject: Subject, node: Node) -> Iterator[Reference]:
    for site in node_sites(subject, node):
        yield site.reference
    for _, reference in file_references(node, subject.kinds[node.kind].keys, subject.files):
        yield reference


def _is_timeless(subject: Subject, node: Node) -> bool:
    kind = subject.kinds.get(node.kind)
    if node.kind != "tool" or kind is None or not kind.cached_by_default or "command" in node.options:
        return False
    takes = node.reads or node.inputs or node.env or node.produces or node.for_each or subject.argument_names(node)
    return not takes and not node.effects and node.cache.enabled is None and node.id not in subject.gaps.nodes
