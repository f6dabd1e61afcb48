"""Programs as tools: `command: [prog, …]`, JSON on standard input, a result on standard output."""

from __future__ import annotations

import json
from typing import Literal, NamedTuple

from oe.errors import NodeError, OeError
from oe.kinds.environment import program_environment
from oe.kinds.program_output import Kept, LogLines, Tail, ending
from oe.kinds.tool_contract import ToolFault, plain, read_result
from oe.kinds.tool_inline import to_output
from oe.kinds.tool_inputs import tool_inputs
from oe.lang.template import ValueTemplate
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.ports.process import Command
from oe.text import clip
from oe.values import Json, compact

OutputForm = Literal["json", "text", "lines"]

MOST_OUTPUT_BYTES = 64 * 1024 * 1024


class CommandTool(NamedTuple):
    """Runs one program with one attempt's inputs. References in `command` and `workdir` are resolved per attempt."""

    command: ValueTemplate
    output: OutputForm
    workdir: ValueTemplate | None
    gives_index: bool = True

    async def execute(self, request: Request, context: NodeContext) -> NodeOutput:
        """One attempt."""
        argv = argv_of(self.command.resolve(request.scope))
        folder = folder_of(self.workdir, request, context)
        program = f"'{clip(argv[0], 100)}'"
        kept = Kept(f"the standard output of {program}", MOST_OUTPUT_BYTES)
        log = LogLines(context.log)
        tail = Tail(log)
        request_json = compact(tool_inputs(request, lambda: self.gives_index)) + "\n"
        command = Command(argv, folder, program_environment(context, request.node.env), request_json.encode())
        try:
            exit_ = await context.processes.run(command, kept, tail)
        finally:
            log.finish()
        failure = ending(program, exit_.code, tail.text())
        if failure is not None:
            raise failure
        return read_output(kept.data(), self.output, request.declared, program)


def argv_of(resolved: Json) -> list[str]:
    """The words of a command: texts as they are, everything else as JSON."""
    words = resolved if isinstance(resolved, list) else []
    return [word if isinstance(word, str) else compact(word) for word in words]


def folder_of(template: ValueTemplate | None, request: Request, context: NodeContext) -> str:
    """The absolute folder that a program runs in, the experience's where the node names none. Raises NodeError."""
    if template is None:
        return context.folder
    workdir, files = template.resolve(request.scope), context.files
    if not isinstance(workdir, str):
        raise _fault(f"'workdir' is {compact(workdir)[:40]}, not a path")
    try:
        if not files.is_folder(workdir):
            raise _fault(f"'workdir' leads to '{clip(workdir, 200)}', which is no folder of the experience")
        return files.absolute(workdir)
    except NodeError:
        raise
    except OeError as error:
        raise _fault(error.message, error.hint, error.code) from error


def read_output(data: bytes, form: OutputForm, declared: tuple[str, ...], program: str) -> NodeOutput:
    """What a program printed, as the node's output. Nothing printed is no output."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _fault(f"{program} printed no UTF-8: byte 0x{data[error.start]:02x} at offset {error.start}") from error
    if not (text.strip() if form == "json" else text):
        return NodeOutput({})
    try:
        if form == "json":
            return to_output(read_result(_parse(text, program), "printed"))
        value: Json = _lines(text) if form == "lines" else _without_line_end(text)
        return NodeOutput({declared[0]: plain(value)} if declared else {}, plain(value))
    except ToolFault as fault:
        message = fault.message.replace("the tool printed", f"{program} printed", 1)
        raise NodeError(message, name=fault.name, retryable=False, hint=fault.hint, code="tool-contract") from fault


def _parse(text: str, program: str) -> object:
    """The JSON value. Python's reader would take NaN, and end with a traceback in deep nesting; this does neither."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        line = clip(text[error.pos:].partition("\n")[0], 40)
        found = f"found '{line}'" if line else "the text ends there"
        raise _fault(f"{program} printed no JSON: {error.msg.lower()} at line {error.lineno}, column {error.colno}, "
                     f"{found}", "print one JSON value and nothing else, or say output: text") from error
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).partition(";")[0].lower()
        raise _fault(f"{program} printed JSON that cannot be read: {why}") from error


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")


def _lines(text: str) -> list[Json]:
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _without_line_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _fault(message: str, hint: str | None = None, code: str = "tool-contract") -> NodeError:
    return NodeError(message, name="ToolError", retryable=False, hint=hint, code=code)
