"""A tool that takes nothing in gives its first result for ever, unless it says otherwise: people should know."""

from __future__ import annotations

from oe.spec.model import Node
from oe.spec.report import Report
from oe.spec.subject import Subject


def check(subject: Subject, report: Report) -> None:
    """Root tools without any input that say nothing of `cache`."""
    if not subject.is_graph_known or subject.experience.runtime.cache.enabled is not None:
        return
    topology = subject.topology
    for number, unit in enumerate(subject.units):
        if isinstance(unit, Node) and not topology.incoming[number] and _is_timeless(subject, unit):
            report.warning("cached-for-ever", f"node '{unit.id}' takes nothing in, so its first result is kept until "
                           "its code changes", (*unit.path, "id"),
                           "say cache: true if that is right, cache: false if it looks at the world")


def _is_timeless(subject: Subject, node: Node) -> bool:
    kind = subject.kinds.get(node.kind)
    if node.kind != "tool" or kind is None or not kind.cached_by_default or "command" in node.options:
        return False
    takes = node.reads or node.inputs or node.env or node.produces or node.for_each or subject.argument_names(node)
    return not takes and not node.effects and node.cache.enabled is None and node.id not in subject.gaps.nodes
