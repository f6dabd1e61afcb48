"""The kind `tool`: a function of a Python file, or any program (semantics, section 7)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, cast
from weakref import WeakKeyDictionary

from oe.diagnostics import Problem
from oe.digests import Part, part_of_bytes
from oe.errors import NodeError, OeError
from oe.lang.document import Path
from oe.lang.reference import Reference
from oe.lang.scope import Scope
from oe.lang.template import compile_value
from oe.ports.files import Files
from oe.ports.kind import Executor
from oe.spec.keys import Key
from oe.spec.model import Experience, Node, TaskKind
from oe.values import compact

if TYPE_CHECKING:
    from oe.kinds.tool_command import OutputForm
    from oe.kinds.tool_inline import InlineTool, ToolPlace
    from oe.kinds.tool_modules import ToolFolder
    from oe.kinds.tool_source import ToolSource

_TEMPLATES = ("command", "workdir")


class ToolKind:
    """Deterministic work: Python inside `oe` or in a process of its own, or a program that is handed JSON."""

    name = "tool"
    task_kind: TaskKind = "tool"
    keys: tuple[Key, ...] = (
        Key("impl", {"type": "string", "minLength": 1},
            "a Python file of the experience, `./tools/x.py`, and the function in it where it is not `run`: "
            "`./tools/x.py:fetch`"),
        Key("command", {"type": "array", "minItems": 1},
            "a program and its arguments, references replaced; it gets its inputs as JSON on standard input"),
        Key("output", {"enum": ["json", "text", "lines"]},
            "how the standard output of a command is read (json): an object as a Python tool returns it, a text "
            "or a list of lines for the single field in `writes`"),
        Key("isolation", {"enum": ["inline", "process"]},
            "where a Python tool runs; a sync tool with a timeout runs in a process of its own, others inline",
            affects_output=False),
        Key("python", {"type": "string", "minLength": 1},
            "another interpreter (3.8 or newer), as a path or a name on the PATH; implies isolation: process"),
        Key("workdir", {"type": "string", "minLength": 1},
            "the folder that a process runs in, inside the experience (default: the experience's own)"),
    )
    cached_by_default = True
    is_nested = False

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Files, _KnownTools] = WeakKeyDictionary()

    def check(self, node: Node, experience: Experience, files: Files) -> Iterable[Problem]:
        """Missing files and functions, keys that exclude each other. Reads tools, never executes them."""
        from oe.kinds.tool_check import ToolChecks, split_impl

        impl = node.options.get("impl")
        source = self._tools(files).source(split_impl(impl)[0], files) if isinstance(impl, str) else None
        return list(ToolChecks(node, experience, files).problems(source))

    def references(self, node: Node) -> Iterable[tuple[Path, Reference]]:
        """The references in `command` and `workdir`, each with its path from the node."""
        return [((key, *path), reference) for key in _TEMPLATES if node.options.get(key) is not None
                for path, reference in compile_value(node.options[key]).references()]

    def is_cached_by_default(self, node: Node) -> bool:
        """Python tools are known by their code; a program only as far as it says what it reads or makes."""
        return node.options.get("command") is None or bool(node.inputs or node.produces)

    def uses_index(self, node: Node, files: Files) -> bool:
        """Whether the tool's function can see its `$index`, or it stands in the words of its command."""
        if node.options.get("command") is None:
            from oe.kinds.tool_check import split_impl
            from oe.kinds.tool_index import can_see_index

            _, function = split_impl(str(node.options["impl"]))
            return can_see_index(self._tools(files).code(node, files).own, function)
        return "$index" in compact(node.options["command"])

    def materials(self, node: Node, scope: Scope, files: Files) -> Mapping[str, Part]:
        """The tool's file with all that it imports, or the words of a command that name files: as they
        stand, or from the folder that the program runs in."""
        if node.options.get("command") is None:
            return self._tools(files).code(node, files).parts
        argv = compile_value(node.options["command"]).resolve(scope)
        workdir = compile_value(node.options.get("workdir") or ".").resolve(scope)
        words = [word for word in argv if isinstance(word, str)] if isinstance(argv, list) else []
        paths = [path for word in words for path in dict.fromkeys((word, posixpath.join(str(workdir), word)))]
        return {path: files.digest(path) for path in paths if is_file_word(path, files)}

    def prepare(self, node: Node, files: Files) -> Executor:
        """The node's executor."""
        workdir = compile_value(node.options["workdir"]) if node.options.get("workdir") is not None else None
        if node.options.get("command") is not None:
            from oe.kinds.tool_command import CommandTool

            output = cast("OutputForm", node.options.get("output") or "json")
            return CommandTool(compile_value(node.options["command"]), output, workdir, self.uses_index(node, files))
        tools = self._tools(files)
        place = tools.places.get(str(node.options["impl"]))
        if place is None:
            place = tools.places[str(node.options["impl"])] = self._place(node, files)
        if self._needs_process(node, files):
            from oe.kinds.tool_process import ProcessTool

            python, code = node.options.get("python"), tools.code(node, files)
            return ProcessTool(place, None if python is None else str(python), workdir, code.own, code.contents)
        from oe.kinds.tool_inline import InlineTool

        tool = tools.inline.get(place)
        if tool is None:
            tool = InlineTool(place, tools.folder(place.path), tools.code(node, files).own)
            tools.inline[place] = tool
        return tool

    def _place(self, node: Node, files: Files) -> ToolPlace:
        """Where the tool is. Raises NodeError where it is not."""
        from oe.kinds.tool_check import split_impl
        from oe.kinds.tool_inline import ToolPlace
        from oe.spec.file_rules import find_file_flaw

        path, function = split_impl(str(node.options["impl"]))
        flaw = find_file_flaw(files, path)
        if flaw is not None:
            raise NodeError(flaw.message, name="FileNotFoundError", retryable=False, hint=flaw.hint, code=flaw.code)
        return ToolPlace(path.removeprefix("./"), files.absolute(path), function, files.absolute("."))

    def _needs_process(self, node: Node, files: Files) -> bool:
        """As written; else a sync function that has to keep a time limit, which only a process can be made to keep."""
        isolation = node.options.get("isolation")
        if isolation is not None or node.options.get("python") is not None or node.options.get("workdir") is not None:
            return isolation != "inline"
        if node.timeout_seconds is None:
            return False
        from oe.kinds.tool_check import split_impl

        path, name = split_impl(str(node.options["impl"]))
        source = self._tools(files).source(path, files)
        function = source.functions.get(name) if source is not None else None
        return function is None or not function.is_async

    def _tools(self, files: Files) -> _KnownTools:
        known = self._known.get(files)
        if known is None:
            known = self._known[files] = _KnownTools()
        return known


class ToolCode(NamedTuple):
    """What a tool is made of: its `own` file, the contents of every file by absolute path, and their parts by path in
    the experience. Attempts run these contents, whatever the files hold by then."""

    own: bytes
    contents: Mapping[str, bytes]
    parts: Mapping[str, Part]


class _KnownTools:
    """The tool files of one experience in one run: each found and read once, each folder's modules loaded once, each
    function called through one executor. Must not refer to the Files that it is found by, whose end is its own."""

    def __init__(self) -> None:
        self._sources: dict[str, ToolSource | None] = {}
        self._folders: dict[str, ToolFolder] = {}
        self._codes: dict[tuple[str, bool], ToolCode] = {}
        """By the file, and by each `impl` that names a function of it."""
        self._contents: dict[str, bytes] = {}
        self.places: dict[str, ToolPlace] = {}
        self.inline: dict[ToolPlace, InlineTool] = {}

    def source(self, path: str, files: Files) -> ToolSource | None:
        """The file as text; None where there is none to be read."""
        if path not in self._sources:
            from oe.kinds.tool_source import read_source

            try:
                data = self._bytes(files.absolute(path), path, files)
                self._sources[path] = read_source(data, path.removeprefix("./"))
            except OeError:
                self._sources[path] = None
        return self._sources[path]

    def code(self, node: Node, files: Files) -> ToolCode:
        """The tool's file and what that imports, read once. Raises OeError where the tool's own file is not there."""
        impl, is_own_python = str(node.options["impl"]), node.options.get("python") is None
        found = self._codes.get((impl, is_own_python))
        if found is None:
            from oe.kinds.tool_check import split_impl

            path = split_impl(impl)[0]
            found = self._codes.get((path, is_own_python)) or self._read_code(path, files, is_own_python=is_own_python)
            self._codes[path, is_own_python] = self._codes[impl, is_own_python] = found
        return found

    def _read_code(self, path: str, files: Files, *, is_own_python: bool) -> ToolCode:
        from oe.kinds.tool_imports import import_closure

        folder, place = files.absolute("."), files.absolute(path)
        closure = import_closure(
            place[len(folder) + 1:], files, lambda name: self._bytes(f"{folder}/{name}", name, files),
            is_own_python=is_own_python)
        contents = {f"{folder}/{name}": data for name, data in closure.items()}
        parts = {name: part_of_bytes(data) for name, data in closure.items()}
        return ToolCode(contents[place], contents, parts)

    def folder(self, path: str) -> ToolFolder:
        """The modules beside a tool's file."""
        from oe.kinds.tool_modules import ToolFolder

        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            self._folders[folder] = ToolFolder(folder, self._read)
        return self._folders[folder]

    def _bytes(self, place: str, path: str, files: Files) -> bytes:
        if place not in self._contents:
            self._contents[place] = files.read_bytes(path)
        return self._contents[place]

    def _read(self, path: str) -> bytes:
        """The bytes of a module: those that were digested, where they were."""
        if path not in self._contents:
            with open(path, "rb") as file:
                self._contents[path] = file.read()
        return self._contents[path]


def is_file_word(word: str, files: Files) -> bool:
    """Whether a word of a command names a file of the experience."""
    try:
        return "\0" not in word and len(word) < 4096 and files.is_file(word)
    except OeError:
        return False
