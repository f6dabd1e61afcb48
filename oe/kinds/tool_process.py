"""Python tools in a process of their own: the parent's side. Semantics and messages are those of inline tools, as both
use the same modules; these are handed to the child, which need not have `oe`, as source or as code."""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, cast

from oe.errors import NodeError
from oe.kinds.environment import declared_environment, program_environment
from oe.kinds.program_output import LogLines, Tail, ending
from oe.kinds.tool_command import MOST_OUTPUT_BYTES, folder_of
from oe.kinds.tool_index import can_see_index
from oe.kinds.tool_inline import ToolPlace, attempt_facts, to_output
from oe.kinds.tool_inputs import tool_inputs
from oe.lang.template import ValueTemplate
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.ports.process import Command
from oe.text import clip, format_size
from oe.values import Json, compact

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from importlib.abc import ResourceLoader

    from oe.spec.model import TaskKind

_MODULES = ("tool_contract", "tool_modules", "tool_context", "tool_host")
# The first lines keep modules of the current folder from standing before those of the standard library.
_START = """\
import sys
sys.path[:] = [path for path in sys.path if path]
if sys.version_info < (3, 8):
    raise SystemExit("tools need Python 3.8 or newer, this is " + sys.version.split()[0])
import base64, json, marshal
request = json.loads(sys.stdin.buffer.read())
for name, is_code, text in request.pop("modules"):
    module = sys.modules[name] = type(sys)(name)
    exec(marshal.loads(base64.b64decode(text)) if is_code else compile(text, "<" + name + ">", "exec"), vars(module))
sys.modules["oe.kinds.tool_host"].main(request)
"""


class ProcessTool(NamedTuple):
    """Runs one function of one file in a child. `python` None is the interpreter that runs `oe`. `source` is the tool's
    file and `contents` that with all that it imports, by absolute path, as its keys hold them."""

    place: ToolPlace
    python: str | None
    workdir: ValueTemplate | None
    source: bytes
    contents: Mapping[str, bytes]

    async def execute(self, request: Request, context: NodeContext) -> NodeOutput:
        """One attempt. Cancelled, the tool has the grace of its process to clean up."""
        python = self.python or sys.executable
        if not python:
            raise NodeError("this interpreter does not know its own path", name="FileNotFoundError", retryable=False,
                            hint="name one with 'python'")
        out, err = LogLines(context.log), LogLines(context.log)
        tail = Tail(err)
        messages = _Messages(context)
        folder = folder_of(self.workdir, request, context)
        environment = program_environment(context, request.node.env)
        stdin = self._request(request, context, environment["OE_ARTIFACT_DIR"])
        command = Command((python, "-B", "-c", _START), folder, environment, stdin)
        try:
            exit_ = await context.processes.run(command, out, tail, messages)
        finally:
            out.finish()
            err.finish()
            messages.close()
        what = f"the process of '{clip(self.place.shown, 100)}'"
        return messages.outcome() or _raise(ending(what, exit_.code, tail.text())
                                            or NodeError(f"{what} ended without a result", name="ExitCode"))

    def _request(self, request: Request, context: NodeContext, artifacts: str) -> bytes:
        place = self.place
        return compact({
            "modules": _modules(as_code=self.python is None), "path": place.path, "function": place.function,
            "shown": place.shown, "folder": place.folder, "facts": attempt_facts(context), "artifacts": artifacts,
            "env": declared_environment(context, request.node.env),
            "inputs": tool_inputs(request, lambda: can_see_index(self.source, place.function)),
            "contents": {path: data.decode("latin-1") for path, data in self.contents.items()},
        }).encode("utf-8", "surrogateescape")


def _raise(error: NodeError) -> NodeOutput:
    raise error


@cache
def _modules(*, as_code: bool) -> list[Json]:
    """The child's modules as (name, whether code, text). Code spares the child 10 ms; only the same Python reads it."""
    from marshal import dumps

    modules: list[Json] = []
    for name in _MODULES:
        source = _source(name)
        full = f"oe.kinds.{name}"
        code = compile(source, f"<{full}>", "exec", dont_inherit=True) if as_code else None
        modules.append([full, as_code, b64encode(dumps(code)).decode() if code else source])
    return modules


def _source(name: str) -> str:
    """A module beside this one; its loader reads from a folder and from the archive alike."""
    loader = cast("ResourceLoader", globals()["__loader__"])
    return loader.get_data(__file__.removesuffix(__file__.rpartition("/")[2]) + f"{name}.py").decode()


class _Messages:
    """The child's messages, as they come over the pipe."""

    def __init__(self, context: NodeContext) -> None:
        self._context = context
        self._parts: list[bytes] = []
        self._size = 0
        self._output: NodeOutput | None = None
        self._failure: NodeError | None = None
        self._take: dict[str, Callable[[Json], None]] = {
            "report": self._report, "log": self._log, "open": self._open, "close": self._close,
            "result": self._result, "fault": self._fault}
        self._scopes: dict[int, AbstractContextManager[None]] = {}

    def __call__(self, chunk: bytes) -> None:
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            self._parts.append(line)
            message = b"".join(self._parts)
            self._parts.clear()
            self._size = 0
            try:
                kind, content = json.loads(message)
                take = self._take[kind]
            except (ValueError, TypeError, KeyError) as error:
                raise NodeError("the tool wrote into the descriptor that its process answers by", name="ProtocolError",
                                retryable=False) from error
            take(content)
        self._size += len(rest)
        if self._size > MOST_OUTPUT_BYTES:
            raise NodeError(f"the result is longer than {format_size(MOST_OUTPUT_BYTES)}", name="OutputTooLongError",
                            retryable=False, code="output-too-long", hint="write it to a file and hand over its path")
        if rest:
            self._parts.append(rest)

    def outcome(self) -> NodeOutput | None:
        """The tool's output, None where the child ended without a word. Raises the tool's failure."""
        if self._failure is not None:
            raise self._failure
        return self._output

    def _report(self, content: Json) -> None:
        if isinstance(content, list):
            self._context.report(*content)

    def _log(self, content: Json) -> None:
        self._context.log(str(content))

    def _open(self, content: Json) -> None:
        if isinstance(content, list) and len(content) == 3:
            scope = self._context.opened(cast("TaskKind", content[1]), str(content[2]))
            scope.__enter__()
            self._scopes[cast(int, content[0])] = scope

    def _close(self, content: Json) -> None:
        scope = self._scopes.pop(cast(int, content), None)
        if scope is not None:
            scope.__exit__(None, None, None)

    def close(self) -> None:
        """The process has ended, and with it the scopes that it had open."""
        for number in tuple(self._scopes):
            self._close(number)

    def _result(self, content: Json) -> None:
        if isinstance(content, dict):
            self._output = to_output(content)

    def _fault(self, content: Json) -> None:
        if isinstance(content, dict):
            if content["trace"]:
                self._context.log(str(content["trace"]))
            hint = content["hint"]
            self._failure = NodeError(str(content["message"]), name=str(content["name"]),
                                      retryable=content["retryable"] is True, hint=None if hint is None else str(hint))
