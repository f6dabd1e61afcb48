"""Bare names in prompts that could mean two things: they mean the argument, where a field may have been meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from posixpath import dirname, join, normpath

from oe.diagnostics import Problem
from oe.lang.document import Positions
from oe.lang.errors import LangError
from oe.lang.reference import Reference
from oe.spec.model import Argument, Node
from oe.spec.places import node_places
from oe.spec.prompts import file_references, prompt_references
from oe.spec.report import Report
from oe.spec.subject import Subject


def check(subject: Subject, report: Report) -> None:
    """Every bare name that is an argument of the run and also something that the node sees otherwise."""
    arguments = subject.experience.arguments or {}
    for node in subject.experience.nodes.values():
        kind = subject.kinds.get(node.kind)
        if kind is None or node.id in subject.gaps.nodes or not arguments:
            continue
        prompts = tuple(key.name for key in kind.keys if key.holds == "prompt")
        try:
            in_place = prompt_references(node.options, *prompts) if prompts else []
        except LangError:
            continue  # the prompt's own check says what is wrong
        others = {*node.reads, *node_places(subject, node)[1].inputs} - {*subject.argument_names(node)}
        for path, reference in in_place:
            if _means_two_things(reference, arguments, others):
                message, hint = _told(reference, node)
                report.warning("ambiguous-name", message, (*node.path, *path), hint, inside=reference.offset)
        report.add(_of_files(subject, node, others))


def _of_files(subject: Subject, node: Node, others: set[str]) -> Iterator[Problem]:
    kind = subject.kinds[node.kind]
    for path, reference in file_references(node, kind.keys, subject.files):
        if _means_two_things(reference, subject.experience.arguments or {}, others):
            prompt = str(node.options[str(path[0])])
            text = subject.files.read_bytes(prompt).decode()
            name = normpath(join(dirname(subject.experience.file), prompt))
            message, hint = _told(reference, node)
            yield Problem("ambiguous-name", message, Positions(name, text).span(reference.offset), hint, "warning")


def _means_two_things(reference: Reference, arguments: Mapping[str, Argument], others: set[str]) -> bool:
    name = str(reference.segments[0]) if reference.root == "bare" else ""
    return name in others and name in arguments


def _told(reference: Reference, node: Node) -> tuple[str, str]:
    name = str(reference.segments[0])
    other = f"$.{name}" if name in node.reads else f"$inputs.{name}"
    return (f"'{name}' means the run's argument here, but node '{node.id}' also sees something else of that name",
            f"write $args.{name} or {other}")
