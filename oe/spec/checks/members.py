"""Stages and bodies are nodes, each of one pipeline or loop, and leave order and fan-out to it."""

from __future__ import annotations

from oe.lang.document import Path
from oe.spec.model import Loop, Node, Pipeline
from oe.spec.report import Report
from oe.spec.subject import Subject
from oe.text import did_you_mean


def check(subject: Subject, report: Report) -> None:
    """Unknown members, members of two units, and keys that only units have."""
    owners: dict[str, Pipeline | Loop] = {}
    for pipeline in subject.experience.pipelines.values():
        for index, name in enumerate(pipeline.stages):
            _check_member(subject, report, owners, pipeline, name, (*pipeline.path, "stages", index))
    for loop in subject.experience.loops.values():
        for index, name in enumerate(loop.body):
            _check_member(subject, report, owners, loop, name, (*loop.path, "body", index))


def _check_member(subject: Subject, report: Report, owners: dict[str, Pipeline | Loop], owner: Pipeline | Loop,
                  name: str, path: Path) -> None:
    role = "a stage" if isinstance(owner, Pipeline) else "the body"
    node = subject.experience.nodes.get(name)
    if node is None:
        if name in subject.experience.units:
            report.error("bad-member", f"'{name}' is a pipeline or loop and cannot be {role} of '{owner.id}'", path,
                         "only nodes can; use an experience node for what nests")
        elif not subject.gaps.units:
            report.error("unknown-member", f"{role} of '{owner.id}' names '{name}', but there is no such node", path,
                         did_you_mean(name, subject.experience.nodes))
        return
    first = owners.setdefault(name, owner)
    if first is not owner:
        report.error("shared-member", f"node '{name}' belongs to '{first.id}' already, so '{owner.id}' cannot "
                     "have it too", path, "give each its own node")
        return
    _check_keys(report, owner, node)


def _check_keys(report: Report, owner: Pipeline | Loop, node: Node) -> None:
    place = f"a stage of pipeline '{owner.id}'" if isinstance(owner, Pipeline) else f"in the body of loop '{owner.id}'"
    if node.join != "all":
        report.error("member-key", f"node '{node.id}' is {place} and cannot have 'join'", (*node.path, "join"),
                     f"put it on '{owner.id}'", key=True)
    if node.for_each is not None:
        report.error("member-key", f"node '{node.id}' is {place} and cannot have 'for_each'", (*node.path, "for_each"),
                     "a stage runs once for each item anyway" if isinstance(owner, Pipeline)
                     else "use an experience node for what nests", key=True)
