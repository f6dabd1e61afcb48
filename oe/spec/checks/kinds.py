"""Each kind judges its own nodes."""

from __future__ import annotations

from oe.errors import OeError
from oe.spec.report import Report
from oe.spec.subject import Subject


def check(subject: Subject, report: Report) -> None:
    """What the kinds find in nodes that could be read whole."""
    for node in subject.experience.nodes.values():
        kind = subject.kinds.get(node.kind)
        if kind is None or node.id in subject.gaps.nodes:
            continue
        try:
            report.add(kind.check(node, subject.experience, subject.files))
        except OeError as error:
            report.error(error.code, error.message, node.path, error.hint)
