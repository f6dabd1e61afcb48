"""What can be seen of a tool node without running it."""

from __future__ import annotations

from collections.abc import Iterator

from oe.diagnostics import Problem
from oe.kinds.command_line import CommandChecks, folder_in_spec
from oe.kinds.tool_source import ToolSource
from oe.lang.document import Path
from oe.lang.template import value_problems
from oe.ports.files import Files
from oe.spec.file_rules import find_file_flaw, find_folder_flaw
from oe.spec.model import Experience, Node
from oe.text import nearest
from oe.values import compact, is_number


class ToolChecks:
    """The checks of one node. `source_of` reads a tool's file, once for all nodes that name it."""

    def __init__(self, node: Node, experience: Experience, files: Files) -> None:
        self._node = node
        self._options = node.options
        self._experience = experience
        self._document = experience.document
        self._files = files

    def problems(self, source: ToolSource | None) -> Iterator[Problem]:
        """Every problem. `source` is None where there is no file that could be read."""
        has_impl, has_command = self._has("impl"), self._has("command")
        if has_impl and has_command:
            yield self._problem("tool-impl-and-command", "'impl' and 'command' exclude each other", "command",
                                hint="keep one of them", key=True)
        elif not has_impl and not has_command:
            yield Problem("tool-nothing-to-run", f"tool '{self._node.id}' says neither 'impl' nor 'command'",
                          self._document.span(self._node.path), "write impl: ./tools/name.py")
        elif has_impl:
            yield from self._impl_problems(source)
            yield from self._isolation_problems()
        else:
            yield from self._command_problems()
        yield from self._template_problems("command")
        yield from self._template_problems("workdir")
        yield from self._workdir_problems()

    def _has(self, key: str) -> bool:
        return self._options.get(key) is not None

    def _impl_problems(self, source: ToolSource | None) -> Iterator[Problem]:
        impl = str(self._options["impl"])
        path, function = split_impl(impl)
        if self._has("output"):
            yield self._problem("tool-output-without-command", "'output' is for 'command': a Python tool returns "
                                "its result", "output", key=True)
        if source is None:
            flaw = find_file_flaw(self._files, path)
            if flaw is not None:
                yield self._problem(flaw.code, flaw.message, "impl", hint=flaw.hint)
        elif source.problem is not None:
            yield self._problem("tool-not-python", f"the tool is no Python that can be run: {source.problem}", "impl")
        else:
            yield from self._function_problems(source, path, function)

    def _function_problems(self, source: ToolSource, path: str, name: str) -> Iterator[Problem]:
        function = source.functions.get(name)
        if function is None:
            if name not in source.names and not source.is_open:
                candidates = [each for each in source.functions if not each.startswith("_")]
                near = nearest(name, candidates)
                hint = (f"did you mean '{path}:{near}'?" if near else
                        f"write '{path}:{candidates[0]}', or name the function 'run'" if candidates else
                        f"write def {name}(inputs, ctx)")
                yield self._problem("tool-no-function", f"'{path}' defines no function '{name}'", "impl", hint=hint)
        elif function.is_decorated:
            return  # what a decorator makes of it is not known
        elif function.required > 2:
            yield self._problem("tool-parameters", f"'{name}' in '{path}' wants {function.required} arguments; a tool "
                                "gets inputs and ctx", "impl", hint=f"write def {name}(inputs, ctx)")
        elif function.keyword is not None:
            yield self._problem("tool-parameters", f"'{name}' in '{path}' wants the keyword '{function.keyword}'; a "
                                "tool gets inputs and ctx by position", "impl", hint=f"write def {name}(inputs, ctx)")

    def _isolation_problems(self) -> Iterator[Problem]:
        if self._has("python") and self._options.get("isolation") == "inline":
            yield self._problem("tool-python-inline", "'python' names another interpreter, which cannot run inside "
                                "this one", "python", hint="leave 'isolation' out, or say isolation: process", key=True)
        elif self._has("python"):
            yield from self._command_checks().program_problems(str(self._options["python"]), "python")
        if self._has("workdir") and self._options.get("isolation") == "inline":
            yield self._problem("tool-workdir-inline", "'workdir' needs a process of its own", "workdir",
                                hint="say isolation: process", key=True)

    def _command_problems(self) -> Iterator[Problem]:
        for key in ("isolation", "python"):
            if self._has(key):
                yield self._problem("tool-key-without-impl", f"'{key}' is for 'impl': a command is a process anyway",
                                    key, key=True)
        output, fields = self._options.get("output"), len(self._node.writes)
        if output in ("text", "lines") and fields > 1:
            yield self._problem("tool-output-fields", f"output: {output} fills one field, and 'writes' names {fields}",
                                "output", hint="say output: json, or write one field")
        checks = self._command_checks()
        command = self._options["command"]
        words = command if isinstance(command, list) else []
        program = words[0] if words else ""
        if not isinstance(program, str) or not program:
            is_word = program is None or isinstance(program, bool) or is_number(program)
            hint = f"quote it: '{compact(program)}'" if is_word else "write command: [program, argument, …]"
            at = ("command", 0) if words else ("command",)
            yield self._problem("tool-no-program", "'command' names no program", *at, hint=hint)
        elif program.startswith("$") and not program.startswith("$$"):
            yield self._problem("tool-program-reference", "the program of a command is fixed: a reference cannot "
                                "choose it", "command", 0, hint="write the program, and references as its arguments")
        else:
            yield from checks.program_problems(program, "command", 0)
        yield from checks.problems(words, "command")

    def _command_checks(self) -> CommandChecks:
        return CommandChecks(self._node, self._experience, self._files, folder_in_spec(self._options.get("workdir")))

    def _template_problems(self, key: str) -> Iterator[Problem]:
        if self._has(key):
            for error in value_problems(self._options[key]):
                yield self._problem(error.code, error.message, key, *error.path, hint=error.hint)

    def _workdir_problems(self) -> Iterator[Problem]:
        workdir = self._options.get("workdir")
        if not isinstance(workdir, str) or workdir.startswith("$"):
            return
        flaw = find_folder_flaw(self._files, workdir)
        if flaw is not None:
            yield self._problem(flaw.code, flaw.message, "workdir", hint=flaw.hint)

    def _problem(self, code: str, message: str, *steps: str | int, hint: str | None = None,
                 key: bool = False) -> Problem:
        path: Path = (*self._node.path, *steps)
        return Problem(code, message, self._document.span(path, key=key), hint)


def split_impl(impl: str) -> tuple[str, str]:
    """Path and function of `./tools/x.py[:function]`."""
    path, colon, function = impl.rpartition(":")
    return (path, function) if colon and function.isidentifier() else (impl, "run")
