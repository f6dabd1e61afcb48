"""What the kinds that ask a model have in common: keys of the call, and the rules for a text or an object as output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from oe.diagnostics import Problem
from oe.errors import OeError, SpecError
from oe.lang.document import Path
from oe.lang.schema import schema_problems
from oe.ports.files import Files
from oe.spec.file_rules import find_file_flaw
from oe.spec.keys import Key
from oe.spec.level import POSITIVE
from oe.spec.model import Experience, Field, Node
from oe.spec.schema_files import SchemaFiles
from oe.text import add_to, clip, did_you_mean
from oe.values import Json

SCHEMA_KEY = Key("schema", {"title": "a JSON Schema, or the path of a file that holds one",
                            "anyOf": [{"type": "object"}, {"type": "string", "minLength": 1}]},
                 "The form of its answer: an object whose keys are fields in `writes`. Without it the answer is text.")

CALL_KEYS: tuple[Key, ...] = (
    Key("model", {"type": "string", "minLength": 1}, "The model, where it is not that of `llm`.", affects_output=False),
    Key("max_tokens", POSITIVE, "The longest answer in tokens.", affects_output=False),
    Key("temperature", {"type": "number", "minimum": 0, "maximum": 2, "title": "a number from 0 to 2"},
        "How freely it answers.", affects_output=False),
    SCHEMA_KEY,
    Key("repair", {"type": "integer", "minimum": 0, "maximum": 100, "title": "a whole number from 0 to 100"},
        "How often an answer that breaks the schema is sent back, with its problems.", default=1,
        affects_output=False),
    Key("llm", {"$ref": "#/$defs/llm"}, "Provider and settings, over those of `runtime.llm`.", affects_output=False),
)
"""Which model answers, and how, is a part of a key by itself: what the provider says of it (`ModelProvider.identity`),
wherever it was chosen. The rest of `llm`, and `repair`, decide whether there is an answer, not which one counts."""


_MOST_HINTS = 100
"""Names of one schema that are compared with the fields a node writes."""


class OutputRules:
    """Judges the `schema` and `writes` of one node. `any_value`: an answer without a schema need not be a text."""

    def __init__(self, node: Node, experience: Experience, files: Files, *, any_value: bool = False) -> None:
        self._any_value = any_value
        self._node = node
        self._experience = experience
        self._view = files
        self._files = SchemaFiles(files)

    def problems(self) -> Iterator[Problem]:
        """A faulty schema, keys that the node may not write, a text without one field to go to."""
        schema = self._node.options.get("schema")
        if schema is None:
            yield from self._text_problems()
        elif isinstance(schema, str):
            yield from self._file_problems(schema)
        else:
            yield from self._schema_problems(schema, ("schema",))

    def _text_problems(self) -> Iterator[Problem]:
        node = self._node
        if len(node.writes) > 1:
            yield self._problem("text-without-field", f"node '{node.id}' answers with one text but writes "
                                f"{len(node.writes)} fields", ("writes",), "give it a schema, or one field in writes")
        for name in () if self._any_value else node.writes[:1]:
            field = self._experience.fields.get(name)
            if field is not None and not _takes_text(field):
                yield self._problem("text-without-field", f"node '{node.id}' answers with a text, but field '{name}' "
                                    "is for something else", ("writes", 0), "give the node a schema")

    def _file_problems(self, path: str) -> Iterator[Problem]:
        flaw = find_file_flaw(self._view, path)
        if flaw is not None:
            yield self._problem(flaw.code, flaw.message, ("schema",), flaw.hint)
            return
        try:
            schema = self._files.load(path)
            problems = schema_problems({"$ref": path}, load=self._files.load,
                                       strict_formats=self._experience.strict_formats)
        except SpecError as error:
            yield from error.problems
        except OeError as error:
            yield self._problem(error.code, error.message, ("schema",), error.hint)
        else:
            for problem in problems:
                yield self._problem(problem.code, problem.message, ("schema",), problem.hint)
            yield from self._key_problems(schema, ())

    def _schema_problems(self, schema: Json, path: Path) -> Iterator[Problem]:
        for problem in schema_problems(
                    schema, load=self._files.load, strict_formats=self._experience.strict_formats):
            yield self._problem(problem.code, f"schema of node '{self._node.id}': {problem.message}",
                                (*path, *problem.path), problem.hint)
        yield from self._key_problems(schema, path)

    def _key_problems(self, schema: Json, path: Path) -> Iterator[Problem]:
        node = self._node
        properties = schema.get("properties") if isinstance(schema, Mapping) else None
        if isinstance(schema, Mapping) and schema.get("type", "object") != "object":
            yield self._problem("schema-not-object", f"the answer of node '{node.id}' must be an object, whose keys "
                                "are the fields it writes", (*path, "type") if path else ("schema",),
                                "write type: object")
        writes = frozenset(node.writes)
        unwritten = [name for name in properties if name not in writes] if isinstance(properties, Mapping) else []
        for number, name in enumerate(unwritten):
            near = did_you_mean(name, node.writes) if number < _MOST_HINTS else None
            yield self._problem("undeclared-write", f"the schema of node '{node.id}' has '{clip(name, 40)}', which "
                                "is not in its writes", (*path, "properties", name) if path else ("schema",),
                                near or add_to("writes", node.writes, name))

    def _problem(self, code: str, message: str, path: Path, hint: str | None) -> Problem:
        at = self._experience.document.span((*self._node.path, *path), key="properties" in path)
        return Problem(code, message, at, hint)


def _takes_text(field: Field) -> bool:
    """Whether a text can be the field's value, or one element where writes are appended; True where that is open."""
    schema = field.schema
    if field.merge == "array_append":
        schema = schema.get("items", True) if isinstance(schema, Mapping) else True
    declared = schema.get("type") if isinstance(schema, Mapping) else None
    return declared is None or declared == "string" or (isinstance(declared, list) and "string" in declared)
