"""The output that stands in for a failed node's is one that the node could have given."""

from __future__ import annotations

from oe.lang.document import Path
from oe.lang.schema import compile_schema
from oe.spec.model import Field, Node
from oe.spec.report import Report
from oe.spec.subject import Subject
from oe.text import add_to
from oe.values import Json


def check(subject: Subject, report: Report) -> None:
    """`on_error.output.state_delta`: declared in `writes`, valid for the field."""
    for node in subject.experience.nodes.values():
        output = node.on_error.output
        if output is None:
            continue
        for name, value in output.state_delta.items():
            path = (*node.path, "on_error", "output", "state_delta", name)
            if name not in node.writes:
                if not subject.gaps.writes:
                    _refuse_undeclared(subject, report, node, path)
                continue
            field = subject.experience.fields.get(name)
            if field is not None and name not in subject.gaps.bad_fields:
                _check_value(subject, report, field, value, path)


def _refuse_undeclared(subject: Subject, report: Report, node: Node, path: Path) -> None:
    name = str(path[-1])
    hint = subject.near(name, node.writes) or add_to("writes", node.writes, name)
    report.error("undeclared-write", f"'output' of node '{node.id}' writes '{name}', which is not in its writes", path,
                 hint, key=True)


def _check_value(subject: Subject, report: Report, field: Field, value: Json, path: Path) -> None:
    appended = field.merge == "array_append" and not isinstance(value, list)
    schema = compile_schema(field.schema, load=subject.schemas.load, strict_formats=subject.experience.strict_formats)
    for violation in schema.violations([value] if appended else value):
        inner = violation.path[1:] if appended else violation.path
        report.error("invalid-output", f"'output' does not fit state field '{field.name}': {violation.message}",
                     (*path, *inner), violation.hint)
