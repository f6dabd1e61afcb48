"""Files that a node depends on are there; files that it makes stay inside the experience."""

from __future__ import annotations

from oe.errors import OeError
from oe.spec.file_rules import find_file_flaw
from oe.spec.model import Node
from oe.spec.report import Report
from oe.spec.subject import Subject


def check(subject: Subject, report: Report) -> None:
    """`inputs` globs match something; `produces` paths lead nowhere outside."""
    for node in subject.experience.nodes.values():
        for pattern in node.inputs:
            _check_inputs(subject, report, node, pattern)
        for path in node.produces:
            try:
                subject.files.is_file(path)
            except OeError as error:
                report.error(error.code, error.message, subject.item_path((*node.path, "produces"), path), error.hint)


def _check_inputs(subject: Subject, report: Report, node: Node, pattern: str) -> None:
    at = subject.item_path((*node.path, "inputs"), pattern)
    try:
        if any(True for _ in subject.files.glob(pattern)):
            return
    except OeError as error:
        report.error(error.code, error.message, at, error.hint)
        return
    if not any(sign in pattern for sign in "*?["):
        flaw = find_file_flaw(subject.files, pattern)
        if flaw is not None:
            report.error(flaw.code, flaw.message, at, flaw.hint)
        return
    report.warning("empty-glob", f"no file matches '{pattern}'", at, "paths are relative to the experience's folder")
