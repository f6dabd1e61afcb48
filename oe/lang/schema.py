"""JSON Schema, a subset of 2020-12: a schema is checked, compiled once, and then judges values."""

from __future__ import annotations

from collections.abc import Mapping

from oe.diagnostics import Problem
from oe.errors import SpecError
from oe.lang.document import Path
from oe.lang.schema_checks import ENOUGH, Check, Exhausted, Run, Violation
from oe.lang.schema_compiler import Compiler
from oe.lang.schema_faults import SchemaProblem, find_faults
from oe.lang.schema_refs import Load, References
from oe.text import clip
from oe.values import Json

__all__ = ["Schema", "SchemaProblem", "Violation", "check_schema", "compile_schema", "path_text", "schema_problems"]

_DEEPEST_VALUE = 1_000
_NO_REFERENCES = Run(None)


class Schema:
    """A compiled schema. Safe to share between threads."""

    __slots__ = ("_check", "_follows")

    def __init__(self, check: Check, *, follows_references: bool) -> None:
        self._check = check
        self._follows = follows_references

    def violations(self, value: Json, *, limit: int = ENOUGH) -> list[Violation]:
        """Every way in which the value breaks the schema, at most `limit` and at most about a hundred."""
        try:
            found = self._check(value, Run(value) if self._follows else _NO_REFERENCES)
        except Exhausted as error:
            return [Violation((), "$ref", str(error))]
        except RecursionError:
            return [Violation((), "$ref", "value is nested too deeply for its schema")]
        return found[:limit] if found else []

    def is_valid(self, value: Json) -> bool:
        """Whether the value fits."""
        return not self.violations(value)


def schema_problems(schema: Json, *, load: Load | None = None, strict_formats: bool = False) -> list[SchemaProblem]:
    """Every fault of a schema and of what it refers to. `load` reads a file reference such as './schemas/x.json'; with
    `strict_formats` a `format` has to be one that can be judged."""
    return find_faults(schema, References(schema, load), strict_formats=strict_formats)


def compile_schema(schema: Json, *, load: Load | None = None, strict_formats: bool = False) -> Schema:
    """The schema, ready to judge values, by their `format` too with `strict_formats`. Raises SpecError with every
    fault."""
    references = References(schema, load)
    faults = find_faults(schema, references, strict_formats=strict_formats)
    if faults:
        raise SpecError(Problem(fault.code, f"{path_text(fault.path)}: {fault.message}", None, fault.hint)
                        for fault in faults)
    check, follows_references = Compiler(references, strict_formats=strict_formats).root(schema)
    return Schema(check, follows_references=follows_references)


def check_schema(value: Json, schema: Json, *, strict_formats: bool = False) -> list[Problem]:
    """The problems of a plain value against a schema; none means that it fits. `format` asserts nothing unless
    `strict_formats`.

    Raises SpecError with `.problems` when the schema itself is refused.
    """
    compiled = compile_schema(schema, strict_formats=strict_formats)
    foreign = _foreign_part(value)
    if foreign is not None:
        path, what = foreign
        return [Problem("invalid-value", f"{path_text(path)}: expected a JSON value, found {what}")]
    return [Problem("invalid-value", f"{path_text(violation.path)}: {violation.message}", None, violation.hint)
            for violation in compiled.violations(value)]


def path_text(path: Path) -> str:
    """A path as a person writes it: `$.items[0]['odd key']`."""
    steps = []
    for step in path:
        if isinstance(step, int):
            steps.append(f"[{step}]")
        else:
            steps.append(f".{step}" if step.isidentifier() else f"['{clip(step, 60)}']")
    return "$" + "".join(steps)


def _foreign_part(root: object) -> tuple[Path, str] | None:
    """The first part that is no JSON: a number that is not finite, a key that is no string, an object of Python."""
    waiting: list[tuple[Path, object]] = [((), root)]
    while waiting:
        path, value = waiting.pop()
        if len(path) > _DEEPEST_VALUE:
            return path[:3], f"one that is nested deeper than {_DEEPEST_VALUE} levels"
        if isinstance(value, Mapping):
            strange = next((key for key in value if not isinstance(key, str)), None)
            if strange is not None:
                return path, f"the key {strange!r}"
            waiting += [((*path, key), part) for key, part in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, index), part) for index, part in enumerate(value)]
        elif isinstance(value, float) and value - value != 0:
            return path, f"{value}"
        elif value is not None and not isinstance(value, str | int | float):
            return path, f"a Python {type(value).__name__}"
    return None
