"""Fields that nodes read and write are declared in the state's schema."""

from __future__ import annotations

from oe.spec.report import Report
from oe.spec.subject import Subject


def check(subject: Subject, report: Report) -> None:
    """`reads` and `writes` of every node."""
    fields = subject.experience.fields
    if subject.gaps.fields:
        return
    for node in subject.experience.nodes.values():
        for key, names in (("reads", node.reads), ("writes", node.writes)):
            for name in names:
                if name not in fields:
                    hint = subject.near(name, fields) or f"declare it: state: {{schema: {{{name}: {{type: …}}}}}}"
                    report.error("unknown-field", f"'{key}' of node '{node.id}' names '{name}', which is no state "
                                 "field", subject.item_path((*node.path, key), name), hint)

