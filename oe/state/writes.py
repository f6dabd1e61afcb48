"""The rules for what a node may write: declared by it and in the schema, valid in full depth."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from oe.errors import NodeError
from oe.lang.schema import Schema, Violation, compile_schema
from oe.lang.scope import Missing
from oe.spec.model import Experience, Field, Node
from oe.text import did_you_mean
from oe.values import Json, JsonObject, equal

_OF_THE_WHOLE = ("minItems", "contains")
"""Keywords that speak of a whole array, which one delta to an array_append field is not."""


class WriteRules:
    """Checks state deltas. Schemas are compiled when first needed; `load` reads the files that they refer to."""

    def __init__(self, experience: Experience, load: Callable[[str], Json],
                 set_before: Callable[[str, str], Json | Missing]) -> None:
        """`set_before` gives what a set_once field was set to before a unit (Ledger.set_before)."""
        self._experience = experience
        self._set_before = set_before
        self._load = load
        self._schemas: dict[str, Schema] = {}

    def check(self, node: Node, delta: JsonObject) -> tuple[tuple[str, Json], ...]:
        """The writes of a delta in the order of the node's `writes`.

        Raises NodeError, never retryable, that names the field and the line of the experience.
        """
        for name in delta:
            if name not in node.writes:
                raise self._refused(node, name)
        writes: list[tuple[str, Json]] = []
        for name in node.writes:
            if name in delta:
                self._check_value(node, self._experience.fields[name], delta[name])
                writes.append((name, delta[name]))
        return tuple(writes)

    def _check_value(self, node: Node, field: Field, value: Json) -> None:
        schema = self._schemas.get(field.name)
        if schema is None:
            schema = self._schemas[field.name] = compile_schema(
                _delta_schema(field), load=self._load, strict_formats=self._experience.strict_formats)
        checked = [value] if field.merge == "array_append" and not isinstance(value, list) else value
        if not schema.is_valid(checked):
            violations = schema.violations(checked, limit=3)
            what = "; ".join(_describe(field.name, violation) for violation in violations)
            raise NodeError(f"{self._line(node)}: invalid value for state field {what}", name="InvalidWrite",
                            retryable=False, code="invalid-write")
        if field.merge == "set_once":
            before = self._set_before(node.id, field.name)
            if not isinstance(before, Missing) and not equal(before, value):
                raise NodeError(f"{self._line(node)}: state field '{field.name}' is set_once and has another value",
                                name="AlreadySet", retryable=False, code="already-set")

    def _refused(self, node: Node, name: str) -> NodeError:
        hint = did_you_mean(name, node.writes)
        if hint is None:
            hint = (f"add it to the node's writes: [{', '.join((*node.writes, name))}]"
                    if name in self._experience.fields else "declare it in state.schema and in the node's writes")
        return NodeError(f"{self._line(node)}: node '{node.id}' wrote '{name}', which is not in its writes",
                         name="UndeclaredWrite", retryable=False, code="undeclared-write", hint=hint)

    def _line(self, node: Node) -> str:
        return str(self._experience.document.span((*node.path, "writes")))


def _delta_schema(field: Field) -> Json:
    if field.merge == "array_append" and isinstance(field.schema, Mapping):
        return {key: value for key, value in field.schema.items() if key not in _OF_THE_WHOLE}
    return field.schema


def _describe(name: str, violation: Violation) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in violation.path)
    return f"'{name}{path}': {violation.message}"
