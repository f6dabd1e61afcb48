"""What a fan-out or a pipeline goes through is a list, as far as the schemas tell."""

from __future__ import annotations

from collections.abc import Iterator

from oe.lang.document import Path
from oe.lang.template import ValueTemplate
from oe.spec.reference_rules import find_path_flaw, types_at
from oe.spec.report import Report
from oe.spec.subject import Subject
from oe.text import clip
from oe.values import Json


def check(subject: Subject, report: Report) -> None:
    """`for_each.source` and the `items` of pipelines that are one reference to a field or an argument."""
    for template, path in _sources(subject):
        for place, reference in template.references():
            if place or reference.root not in ("state", "args") or not reference.segments:
                continue
            schema = _schema(subject, reference.root, str(reference.segments[0]))
            if schema is None or find_path_flaw(reference, 1, schema, subject.schemas.load):
                continue
            types = types_at(reference, 1, schema, subject.schemas.load)
            if types and "array" not in types:
                found = f"'{clip(reference.text, 60)}' has the type {' or '.join(types)}"
                report.error("not-a-list", f"'{path[-1]}' must lead to a list, but {found}", path,
                             "name a field or argument of type: array")


def _sources(subject: Subject) -> Iterator[tuple[ValueTemplate, Path]]:
    for node in subject.experience.nodes.values():
        if node.for_each is not None:
            yield node.for_each.source, (*node.path, "for_each", "source")
    for pipeline in subject.experience.pipelines.values():
        yield pipeline.items, (*pipeline.path, "items")


def _schema(subject: Subject, root: str, name: str) -> Json:
    """The schema of a field or argument; None where it is unknown or broken."""
    experience = subject.experience
    if root == "state":
        field = experience.fields.get(name)
        return field.schema if field is not None and name not in subject.gaps.bad_fields else None
    argument = None if subject.gaps.arguments else (experience.arguments or {}).get(name)
    return None if argument is None else argument.schema
