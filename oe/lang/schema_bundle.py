"""One schema that stands for itself, of one that refers to files: for those who are sent it and cannot read files."""

from __future__ import annotations

from oe.diagnostics import Problem
from oe.errors import OeError, SpecError
from oe.lang.schema_refs import Load, RefProblem, split_reference
from oe.text import clip
from oe.values import Json

_DEEPEST = 100
_DATA = frozenset({"const", "enum", "default", "examples"})
"""Keywords whose values are data: a `$ref` in there is none."""


def bundle(schema: Json, load: Load, base: str = "") -> Json:
    """The schema with every file that it refers to under `$defs`. `base` is the file that holds it, where its relative
    references start. Without references to files it is as it was. Raises SpecError."""
    work = _Bundle(base)
    try:
        bundled = work.rewritten(schema, work.base, 0)
        brought: dict[str, Json] = {}
        while len(brought) < len(work.names):  # what is brought in may refer to more
            file, name = list(work.names.items())[len(brought)]
            brought[name] = work.rewritten(_loaded(load, file), file, 0)
    except RefProblem as problem:
        raise SpecError([Problem("bad-reference", problem.message, None, problem.hint)]) from problem
    if not brought or not isinstance(bundled, dict):
        return bundled
    own = bundled.get("$defs")
    return {**bundled, "$defs": {**(own if isinstance(own, dict) else {}), **brought}}


class _Bundle:
    """`base` is the file of the schema itself, "" for none; `names` are those under `$defs` of the files
    that were met, in the order in which they were."""

    def __init__(self, base: str) -> None:
        self.base = base and split_reference(base, "")[0]
        self.names: dict[str, str] = {}

    def rewritten(self, schema: Json, file: str, depth: int) -> Json:
        """The schema with its references leading into the bundle."""
        if depth > _DEEPEST:
            raise RefProblem(f"the schema is nested deeper than {_DEEPEST} levels")
        if isinstance(schema, list):
            return [self.rewritten(part, file, depth + 1) for part in schema]
        if not isinstance(schema, dict):
            return schema
        return {name: part if name in _DATA else self._reference(part, file) if name == "$ref" and isinstance(part, str)
                else self.rewritten(part, file, depth + 1) for name, part in schema.items()}

    def _reference(self, reference: str, file: str) -> str:
        target, fragment = split_reference(reference, file)
        if target in ("", self.base):
            return f"#{fragment}"
        if target not in self.names:
            self.names[target] = f"file-{len(self.names) + 1}"
        return f"#/$defs/{self.names[target]}{fragment}"


def _loaded(load: Load, file: str) -> Json:
    try:
        return load(file)
    except OeError as error:
        raise RefProblem(f"cannot read '{clip(file, 80)}': {error.message}", error.hint) from error
