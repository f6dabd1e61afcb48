"""The kind `experience`: another experience as one node of this one, with a state of its own, in the same run.

Its results are kept and found again unit by unit, not as a whole: so what an edit, an environment variable or a secret
changes deep inside is seen, and nothing else runs again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial

from oe.diagnostics import Problem
from oe.digests import Part
from oe.errors import NodeError, OeError, SpecError
from oe.lang.document import Path
from oe.lang.errors import LangError
from oe.lang.reference import Reference
from oe.lang.scope import Scope
from oe.ports.files import Files
from oe.ports.kind import Executor, NodeContext, NodeOutput, Request
from oe.spec.file_rules import FileFlaw, find_file_flaw
from oe.spec.keys import Key
from oe.spec.model import Experience, Node, TaskKind
from oe.spec.schema_files import SchemaFiles
from oe.text import add_to, clip, did_you_mean
from oe.values import Json, JsonObject

_FILE_NAMES = ("experience.yaml", "experience.yml", "experience.json")


class ExperienceKind:
    """Another experience inside this one's folder."""

    name = "experience"
    task_kind: TaskKind = "custom"
    keys: tuple[Key, ...] = (
        Key("impl", {"type": "string", "minLength": 1}, "The child's folder or file.", required=True),
        Key("outputs", {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}},
            "Fields of this experience, each with the field of the child that it takes its value from."),
        Key("accept", {"enum": ["partial"]}, "`partial`: a child that ends partial counts as finished."),
        Key("state_scope", {"enum": ["isolated"], "title": "'isolated', the only scope there is"},
            "The original's word for where the child keeps its state.",
            accepted="a child always has a state of its own: 'state_scope' does nothing"),
    )
    cached_by_default = True
    is_nested = True

    def check(self, node: Node, experience: Experience, files: Files) -> Iterator[Problem]:
        """The child's file; its fields and arguments, as far as they can be seen without reading the whole of it."""
        document = experience.document
        for field in _mapping(node.options.get("outputs")):
            if field not in node.writes:
                hint = did_you_mean(field, node.writes) or add_to("writes", node.writes, field)
                yield Problem("undeclared-write", f"'outputs' of node '{node.id}' fills '{clip(field, 40)}', which is "
                              "not in its writes", document.span((*node.path, "outputs", field), key=True), hint)
        impl = str(node.options["impl"])
        file, flaw = _find_file(files, impl)
        if flaw is not None:
            yield Problem(flaw.code, flaw.message, document.span((*node.path, "impl")), flaw.hint)
            return
        try:
            child = _mapping(SchemaFiles(files).load(file))
        except OeError as error:
            reason = f"{error.problems[0].message}" if isinstance(error, SpecError) else error.message
            yield Problem("broken-child", f"'{clip(file, 60)}' cannot be read: {reason}",
                          document.span((*node.path, "impl")), "validate it on its own first")
            return
        yield from _output_problems(node, experience, child)
        yield from _argument_problems(node, experience, child)

    def references(self, node: Node) -> Iterable[tuple[Path, Reference]]:
        """None: only `args`, which all kinds have, holds references."""
        return ()

    def is_cached_by_default(self, node: Node) -> bool:
        """See NodeKind."""
        return self.cached_by_default

    def uses_index(self, node: Node, files: Files) -> bool:
        """See NodeKind: only by reference."""
        return False

    def materials(self, node: Node, scope: Scope, files: Files) -> Mapping[str, Part]:
        """The child's file: what it refers to is in the keys of its own units."""
        file = self.child_file(node, files)
        return {file: files.digest(file)}

    def child_file(self, node: Node, files: Files) -> str:
        """See NestingKind."""
        file, flaw = _find_file(files, str(node.options["impl"]))
        if flaw is not None:
            raise OeError(flaw.message, hint=flaw.hint, code=flaw.code)
        return file

    def output_of(self, node: Node, state: JsonObject) -> NodeOutput:
        """See NestingKind. Fields that the child gave no value are not written."""
        outputs = {field: str(source) for field, source in _mapping(node.options.get("outputs")).items()}
        delta = {field: state[source] for field, source in outputs.items() if source in state}
        return NodeOutput(delta, delta if outputs else state)

    def prepare(self, node: Node, files: Files) -> Executor:
        """Raises NodeError where the child's file is not there."""
        try:
            return _Child(node, self.child_file(node, files), partial(self.output_of, node))
        except OeError as error:
            raise NodeError(error.message, name="MissingFile", retryable=False, hint=error.hint,
                            code=error.code) from error


class _Child:
    """Carries the child out and maps what it gave."""

    def __init__(self, node: Node, file: str, output_of: Callable[[JsonObject], NodeOutput]) -> None:
        self._file = file
        self._output_of = output_of
        self._accepts_partial = node.options.get("accept") == "partial"

    async def execute(self, request: Request, context: NodeContext) -> NodeOutput:
        """The child from its first unit to its last."""
        end = await context.carry_out_experience(self._file, request.args)
        if end.status != "success" and not (end.status == "partial" and self._accepts_partial):
            why = end.trouble or end.reason
            raise NodeError(f"the experience ended {end.status}" + (f": {why}" if why else ""), name="ChildFailed",
                            code="child-failed")
        return self._output_of(end.state)._replace(metrics=end.counts, replayed=end.replayed)


def _find_file(files: Files, impl: str) -> tuple[str, FileFlaw | None]:
    """The child's file, or why there is none."""
    try:
        if not files.is_folder(impl):
            return impl, find_file_flaw(files, impl)
        for name in _FILE_NAMES:
            path = f"{impl.rstrip('/')}/{name}"
            if files.is_file(path):
                return path, None
    except OeError as error:
        return impl, FileFlaw(error.code, error.message, error.hint)
    return impl, FileFlaw("missing-file", f"there is no experience.yaml in '{clip(impl, 80)}'", None)


def _output_problems(node: Node, experience: Experience, child: Mapping[str, Json]) -> Iterator[Problem]:
    fields = _mapping(_mapping(child.get("state")).get("schema"))
    for field, source in _mapping(node.options.get("outputs")).items():
        if source not in fields:
            name = clip(str(source), 40)
            yield Problem("unknown-field", f"the child of node '{node.id}' has no state field '{name}'",
                          experience.document.span((*node.path, "outputs", field)), did_you_mean(str(source), fields))


def _argument_problems(node: Node, experience: Experience, child: Mapping[str, Json]) -> Iterator[Problem]:
    if "args" not in child:
        return
    declared = _mapping(child["args"])
    given = _given_arguments(node, experience)
    span = experience.document.span
    for name in given:
        if name not in declared:
            yield Problem("unknown-argument", f"the child of node '{node.id}' has no argument '{clip(name, 40)}'",
                          span((*node.path, "args", name), key=True), did_you_mean(name, declared))
            continue
        for what in _unfit(given[name], _mapping(declared[name])):
            yield Problem("invalid-argument", f"argument '{clip(name, 40)}' of the child of node '{node.id}': {what}",
                          span((*node.path, "args", name)))
    for name, schema in declared.items():
        rules = _mapping(schema)
        if rules.get("required") is True and "default" not in rules and name not in given:
            yield Problem("missing-argument", f"the child of node '{node.id}' needs argument '{clip(name, 40)}'",
                          span(node.path), f"add args: {{{name}: …}}")


def _unfit(given: Json, rules: Mapping[str, Json]) -> Iterator[str]:
    """Why an argument that is written out, without references, does not fit its declaration."""
    from oe.lang.schema import check_schema  # only where experiences are nested
    from oe.lang.template import compile_value

    try:
        value = compile_value(given)
    except LangError:
        return  # told where all references are checked
    if not value.is_constant:
        return
    schema = {key: rule for key, rule in rules.items()
              if key != "secret" and not (key == "required" and isinstance(rule, bool))}
    with suppress(SpecError):  # told where the child itself is checked, or it refers to files, which a run will read
        for problem in check_schema(value.resolve(Scope()), schema):
            yield problem.message.removeprefix("$: ")


def _given_arguments(node: Node, experience: Experience) -> Mapping[str, Json]:
    value: Json = experience.document.value
    for step in node.path:
        value = value[step]  # type: ignore[index]
    return _mapping(_mapping(value).get("args"))


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
