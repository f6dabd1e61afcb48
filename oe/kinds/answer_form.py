"""From a model's text to a node's output: an object of a declared form, or a text for the one field it writes."""

from __future__ import annotations

from typing import NamedTuple

from oe.digests import Part
from oe.errors import NodeError, OeError, SpecError
from oe.kinds.text_files import TextFiles, as_node_error
from oe.lang.answer import read_value, without_thinking
from oe.lang.schema import Schema, compile_schema
from oe.lang.schema_bundle import bundle
from oe.ports.files import Files
from oe.ports.kind import NodeOutput
from oe.spec.model import Node
from oe.text import clip, did_you_mean
from oe.values import Json, JsonObject


class Taken(NamedTuple):
    """What became of an answer: the node's output, or why it cannot be used, as sentences for a repair turn."""

    output: NodeOutput | None
    problems: tuple[str, ...] = ()


class AnswerForm(NamedTuple):
    """The form of a node's answers. `sent` is its schema with all that it refers to, None for a text; `files` are the
    parts of a key that the files of the schema are, by path."""

    node_id: str
    writes: tuple[str, ...]
    sent: JsonObject | None
    schema: Schema | None
    files: dict[str, Part]

    def take(self, text: str) -> Taken:
        """The output that an answer stands for. Of an object every key is a write, and the whole is handed on."""
        if self.schema is None:
            return self._take_text(text)
        value, problems = read_value(text, self.schema)
        if not problems and not isinstance(value, dict):
            problems = ("$: expected an object",)
        if problems or not isinstance(value, dict):
            return Taken(None, problems)
        undeclared = tuple(self._undeclared(name) for name in value if name not in self.writes)
        return Taken(None, undeclared) if undeclared else Taken(NodeOutput(value, value))

    def unusable(self, problems: tuple[str, ...]) -> NodeError:
        """The failure of a node whose model did not come to a usable answer."""
        what = "does not validate" if self.schema is not None else "cannot be used"
        return NodeError(f"the answer {what}: {clip('; '.join(problems), 600)}", name="InvalidAnswer",
                         code="invalid-answer", hint="`repair` says how often an answer is sent back"
                         if self.schema is not None else None)

    def _take_text(self, text: str) -> Taken:
        said = without_thinking(text).strip()
        if not said:
            return Taken(None, ("there is no answer, only an empty text",))
        delta: dict[str, Json] = {self.writes[0]: said} if len(self.writes) == 1 else {}
        return Taken(NodeOutput(delta, said))

    def _undeclared(self, name: str) -> str:
        near = did_you_mean(name, self.writes)
        return f"$.{clip(name, 60)}: unknown key" + (f" ({near})" if near else "")


def answer_form(node: Node, files: Files, texts: TextFiles) -> AnswerForm:
    """The form that a node's `schema` gives its answers. Raises NodeError for one that cannot be used."""
    written = node.options.get("schema")
    if written is None:
        return AnswerForm(node.id, node.writes, None, None, {})
    load, asked = texts.schema_loader(files)
    try:
        value = bundle(load(written), load, written) if isinstance(written, str) else bundle(written, load)
        schema = compile_schema(value)
        parts = {path: texts.part(path, files) for path in asked}
    except SpecError as error:
        first = error.problems[0]
        raise NodeError(f"schema of node '{node.id}': {first.message}", name="SchemaError", retryable=False,
                        hint=first.hint, code=first.code) from error
    except OeError as error:
        raise as_node_error(error) from error
    return AnswerForm(node.id, node.writes, value if isinstance(value, dict) else {}, schema, parts)
