"""Python tools inside `oe`: a sync function in a thread, an async one on the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import iscoroutine, iscoroutinefunction
from typing import NamedTuple, cast

from oe.errors import NodeError
from oe.kinds.environment import declared_environment
from oe.kinds.tool_context import ToolContext
from oe.kinds.tool_contract import ToolFault, count_arguments, describe, find_function, read_result
from oe.kinds.tool_index import can_see_index
from oe.kinds.tool_inputs import tool_inputs
from oe.kinds.tool_modules import ToolFolder
from oe.lang.scope import MISSING
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.values import Json


class ToolPlace(NamedTuple):
    """Where a tool is: `shown` as a person names it, `path` and `folder` absolute, `folder` being the experience's."""

    shown: str
    path: str
    function: str
    folder: str


class _Tool(NamedTuple):
    """A loaded tool. `arguments` is how many of (inputs, ctx) it takes."""

    function: Callable[..., object]
    arguments: int
    is_async: bool


class InlineTool:
    """Runs one function of one file. The file is loaded with the first attempt, in a thread, once for a run."""

    def __init__(self, place: ToolPlace, modules: ToolFolder, source: bytes) -> None:
        """`source` is the text of the tool's file as its keys hold it."""
        self._place = place
        self._source = source
        self._modules = modules
        self._tool: _Tool | None = None
        self._fault: NodeError | None = None

    async def execute(self, request: Request, context: NodeContext) -> NodeOutput:
        """One attempt. A sync function that is cancelled is abandoned with its thread; `ctx.cancelled` tells it."""
        inputs = tool_inputs(request, lambda: can_see_index(self._source, self._place.function))
        tool_context = ToolContext(context, attempt_facts(context), declared_environment(context, request.node.env))

        def work() -> NodeOutput | _Tool | Awaitable[object]:
            tool = self._load(context)
            if tool.is_async:
                return tool
            try:
                value = tool.function(*(inputs, tool_context)[: tool.arguments])
                return cast(Awaitable[object], value) if iscoroutine(value) else to_output(read_result(value))
            except BaseException as error:
                raise self._failure(error, context) from error

        tool = self._tool
        if tool is None or not tool.is_async:
            given = await context.threads.call(work, f"{request.node.id}: {self._place.shown}")
            if isinstance(given, NodeOutput):
                return given
            if not isinstance(given, _Tool):
                return await self._finish(given, context)
            tool = given
        try:
            running = tool.function(*(inputs, tool_context)[: tool.arguments])
        except BaseException as error:
            raise self._failure(error, context) from error
        return await self._finish(cast(Awaitable[object], running), context)

    async def _finish(self, running: Awaitable[object], context: NodeContext) -> NodeOutput:
        try:
            return to_output(read_result(await running))
        except GeneratorExit:
            raise
        except BaseException as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            raise self._failure(error, context) from error

    def _load(self, context: NodeContext) -> _Tool:
        """Loads the tool; a fault in it stays the same for the run."""
        if self._fault is not None:
            raise self._fault
        if self._tool is None:
            place = self._place
            try:
                function = find_function(self._modules.load(place.path), place.function, place.shown)
                arguments = count_arguments(function, place.function)
            except BaseException as error:
                self._fault = self._failure(error, context)
                self._fault.retryable = False
                raise self._fault from error
            is_async = iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004
            self._tool = _Tool(function, arguments, is_async)
        return self._tool

    def _failure(self, error: BaseException, context: NodeContext) -> NodeError:
        """The node's failure: SystemExit and KeyboardInterrupt of a tool end the node, not `oe`."""
        if isinstance(error, NodeError):
            return error
        if isinstance(error, ToolFault):
            return NodeError(error.message, name=error.name, retryable=False, hint=error.hint, code="tool-contract")
        name, sentence, trace = describe(error, self._place.folder)
        context.log(trace)
        return NodeError(sentence, name=name)


def to_output(result: dict[str, Json]) -> NodeOutput:
    """A tool's result in long form as the engine takes it."""
    return NodeOutput(result["state_delta"], result.get("edge_output", MISSING), result.get("metrics", {}))  # type: ignore[arg-type]


def attempt_facts(context: NodeContext) -> dict[str, Json]:
    """What a tool's `ctx` tells about its attempt."""
    return {"run_id": context.run_id, "slot": context.slot, "attempt": context.attempt, "folder": context.folder}
