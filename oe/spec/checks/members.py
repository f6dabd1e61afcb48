"""Stages and bodies are nodes, each of one pipeline or loop, and leave order and fan-out to it."""

from __future__ import annotations

from oe.lang.document import Path
from oe.spec.model import Loop, Node, Pipeline
from oe.spec.report import Report
from oe.spec.subject import Subject


def check(subject: Subject, report: Report) -> None:
    """Unknown members, members of two units, and keys that only units have."""
    taken: dict[str, Pipeline | Loop] = {}
    for pipeline in subject.experience.pipelines.values():
        for index, name in enumerate(pipeline.stages):
            node = _find_node(subject, report, name, (*pipeline.path, "stages", index))
            if node is not None and _take(report, taken, pipeline, node):
                _check_keys(report, pipeline, node)
    for loop in subject.experience.loops.values():
        for index, name in enumerate(loop.body):
            node = _find_node(subject, report, name, (*loop.path, "body", index))
            if node is not None and _take(report, taken, loop, node):
                _check_keys(report, loop, node)


def _find_node(subject: Subject, report: Report, name: str, path: Path) -> Node | None:
    experience = subject.experience
    if name in experience.nodes:
        return experience.nodes[name]
    if name in experience.units:
        report.error("bad-member", f"'{name}' is a pipeline or loop, but only nodes can be stages or bodies", path,
                     "use an experience node for what nests")
    elif not subject.gaps.units:
        report.error("unknown-member", f"there is no node '{name}'", path, subject.near(name, experience.nodes))
    return None


def _take(report: Report, taken: dict[str, Pipeline | Loop], owner: Pipeline | Loop, node: Node) -> bool:
    """Whether the node belongs to this owner alone."""
    first = taken.setdefault(node.id, owner)
    if first is owner:
        return True
    key, members = ("stages", owner.stages) if isinstance(owner, Pipeline) else ("body", owner.body)
    report.error("shared-member", f"node '{node.id}' belongs to '{first.id}' already, so '{owner.id}' cannot have it "
                 "too", (*owner.path, key, members.index(node.id)), "give each its own node")
    return False


def _check_keys(report: Report, owner: Pipeline | Loop, node: Node) -> None:
    is_stage = isinstance(owner, Pipeline)
    place = f"a stage of pipeline '{owner.id}'" if is_stage else f"in the body of loop '{owner.id}'"
    if node.join != "all":
        report.error("member-key", f"node '{node.id}' is {place} and cannot have 'join'", (*node.path, "join"),
                     f"put it on '{owner.id}'", key=True)
    if node.for_each is not None:
        report.error("member-key", f"node '{node.id}' is {place} and cannot have 'for_each'", (*node.path, "for_each"),
                     "a stage runs once for each item anyway" if is_stage else "use an experience node for what nests",
                     key=True)
