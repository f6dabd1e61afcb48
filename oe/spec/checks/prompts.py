"""Prompts are templates whose references exist, whether they stand in the experience or in a file of their own."""

from __future__ import annotations

from posixpath import dirname, join, normpath

from oe.diagnostics import Problem
from oe.errors import OeError
from oe.lang.document import Path, Positions
from oe.lang.template import compile_text, text_problems
from oe.spec.checks.references import find_flaw
from oe.spec.file_rules import find_file_flaw
from oe.spec.model import Node
from oe.spec.places import Place, Site, node_places
from oe.spec.prompts import is_prompt_file
from oe.spec.report import Report
from oe.spec.subject import Subject


def check(subject: Subject, report: Report) -> None:
    """Faulty templates in place; missing, unreadable and faulty prompt files. References in place are seen with all
    others."""
    for node in subject.experience.nodes.values():
        kind = subject.kinds.get(node.kind)
        if kind is None or node.id in subject.gaps.nodes:
            continue
        for key in kind.keys:
            prompt = node.options.get(key.name) if key.holds == "prompt" else None
            if isinstance(prompt, str):
                _check_prompt(subject, report, node, prompt, (*node.path, key.name))


def _check_prompt(subject: Subject, report: Report, node: Node, prompt: str, path: Path) -> None:
    if not is_prompt_file(prompt):
        for error in text_problems(prompt):
            report.error(error.code, error.message, path, error.hint, inside=error.offset)
        return
    flaw = find_file_flaw(subject.files, prompt)
    if flaw is not None:
        report.error(flaw.code, flaw.message, path, flaw.hint)
        return
    try:
        text = subject.files.read_bytes(prompt).decode("utf-8")
    except UnicodeDecodeError as error:
        report.error("prompt-encoding", f"prompt file '{prompt}' is not UTF-8: byte {error.start}", path,
                     "save the file as UTF-8")
    except OeError as error:
        report.error(error.code, error.message, path, error.hint)
    else:
        name = normpath(join(dirname(subject.experience.file), prompt))
        report.add(_file_problems(subject, name, text, node_places(subject, node)[1]))


def _file_problems(subject: Subject, name: str, text: str, place: Place) -> list[Problem]:
    positions = Positions(name, text)
    faults = text_problems(text)
    if faults:
        return [Problem(fault.code, fault.message, positions.span(fault.offset), fault.hint) for fault in faults]
    problems = []
    for reference in compile_text(text).references():
        flaw = find_flaw(subject, Site(reference, (), place))
        if flaw is not None:
            at = positions.span(reference.offset + flaw.offset)
            problems.append(Problem(flaw.code, flaw.message, at, flaw.hint))
    return problems
