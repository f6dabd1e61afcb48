"""One attempt's side of the engine: progress, node log, clean-ups, artifacts. What a kind gets as its context."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from oe.clock import Clock
from oe.errors import NodeError
from oe.ports.files import Files
from oe.ports.kind import NestedEnd
from oe.ports.node_log import NodeLog, NodeLogs
from oe.ports.process import ProcessRunner
from oe.ports.threads import ThreadRunner
from oe.redact import Redactor
from oe.run.calls import OpenCalls, WatchedProcesses
from oe.run.cancelling import Cancellations
from oe.run.recorder import Recorder
from oe.run.replay import Replay
from oe.spec.model import Node, TaskKind
from oe.state.events import Event
from oe.state.writes import WriteRules
from oe.text import clip
from oe.values import Json, JsonObject, compact

if TYPE_CHECKING:  # most runs ask no model
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from oe.ports.model import Answer, Question
    from oe.ports.spending import Charge, Cost, Spent
    from oe.run.asking import Asker

_LONGEST_NAME = 200
PROGRESS_SECONDS = 0.25
"""Of the reports of one attempt that follow each other faster the last one is told, and 100 % at once."""


class NestedRunner(Protocol):
    """Carries out experiences as nodes of another one."""

    async def carry_out(self, node: Node, slot: str, file: str, args: JsonObject, *, keeps_failures: bool) -> NestedEnd:
        """The experience of a file, from its first unit to its last, all below the node's slot; with `keeps_failures`
        what failed in it in an earlier process, and would do the same again, is not tried again. Raises NodeError where
        it cannot be begun, CancelledError after it has been ended."""


class Surroundings(NamedTuple):
    """What every attempt of an experience shares."""

    run_id: str
    folder: str
    environment: Mapping[str, str]
    processes: ProcessRunner
    threads: ThreadRunner
    files: Files
    node_logs: NodeLogs
    recorder: Recorder
    clock: Clock
    artifact: Callable[[str], str]
    cleanup_seconds: float
    rules: WriteRules
    redactor: Redactor
    random: Callable[[], float]
    cancellations: Cancellations
    why: Callable[[], str]
    """Why attempts are being cancelled, where it is not for one of them alone."""
    replay: Replay
    calls: OpenCalls
    asker: Callable[[], Asker]
    spent: dict[str, list[Spent]]
    nested: NestedRunner


class AttemptContext:
    """Implements NodeContext for one attempt. `report`, `activity` and `log` may be called from any thread."""

    def __init__(self, shared: Surroundings, node: Node, slot: str, attempt: int, *,
                 keeps_failures: bool = False) -> None:
        self.run_id = shared.run_id
        self.slot = slot
        self.attempt = attempt
        self.folder = shared.folder
        self.environment = shared.environment
        self.processes: ProcessRunner = WatchedProcesses(shared.processes, shared.calls, slot,
                                                           shared.redactor)
        self.threads = shared.threads
        self.files = shared.files
        self._shared = shared
        self._node = node
        self._keeps_failures = keeps_failures
        self._phase = node.phase
        self._loop = asyncio.get_running_loop()
        self._deferred: list[Callable[[], object]] = []
        self._node_log: NodeLog | None = None
        self._last_report = float("-inf")
        self._held: dict[str, Json] | None = None
        self._ended = False
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether the attempt has been asked to end."""
        return self._cancelled

    def cancel(self) -> None:
        """Tells the attempt's code, which may look at `cancelled` from its thread."""
        self._cancelled = True

    @property
    def node_log(self) -> NodeLog:
        """The slot's log, opened on first use."""
        if self._node_log is None:
            self._node_log = self._shared.node_logs.open(self.slot)
        return self._node_log

    def log(self, text: str) -> None:
        """Appends a line to the node's log."""
        self.node_log.write(text if text.endswith("\n") else text + "\n")

    def report(self, pct: float | None, message: str | None, data: Json) -> None:
        """Progress, from 0 to 1."""
        shown = None if message is None else self._shared.redactor.text(message)
        record: dict[str, Json] = {"pct": pct, "message": shown}
        if data is not None:
            record["data"] = self._without_secrets(data)
        now = self._loop.time()
        if now - self._last_report >= PROGRESS_SECONDS or (pct is not None and pct >= 1):
            self._last_report = now
            self._held = None
            self._emit("node.progress", record)
            return
        is_first = self._held is None
        self._held = record
        if is_first:
            self._loop.call_soon_threadsafe(self._loop.call_later, PROGRESS_SECONDS, self._tell_held)

    def _without_secrets(self, data: Json) -> Json:
        """Subscribers get what is reported, so it must not hold more than the log does."""
        redactor = self._shared.redactor
        if not redactor or not redactor.finds(text := compact(data)):
            return data
        try:
            blanked: Json = json.loads(redactor.text(text))
            return blanked
        except ValueError:  # a number was the secret
            return redactor.text(text)

    def activity(self, text: str) -> None:
        """What is being done now."""
        self._emit("node.activity", {"activity": self._shared.redactor.text(text)})

    async def ask(self, question: Question) -> Answer:
        """Asks a model."""
        return await self._shared.asker().ask(self, question)

    def charge(self, worst: Cost) -> AbstractAsyncContextManager[Charge]:
        """The right to make a call that may cost so much."""
        spending = self._shared.asker().spending
        if not worst.usd and spending.counts_usd(self.slot):  # of an experience around this one: else found before
            raise NodeError(f"{self._node.kind} '{self._node.id}' has no known price, but there is a budget in usd",
                            name="UnpricedAgent", retryable=False, code="unpriced-agent",
                            hint="say what one call may cost: reserve: {usd: 0.5}")
        return spending.charge(self.slot, worst)

    def told(self, kind: str, data: dict[str, Json], *, is_logged: bool = True) -> None:
        """An event of the attempt, told on the loop's thread; what it says has been redacted."""
        if is_logged:
            self._emit_now(self._event(kind, data))
        elif not self._ended:
            self._shared.recorder.show(self._event(kind, data))

    def defer(self, function: Callable[[], object]) -> None:
        """Registers a clean-up."""
        self._deferred.append(function)

    async def carry_out_experience(self, file: str, args: JsonObject) -> NestedEnd:
        """Carries out another experience below this slot."""
        return await self._shared.nested.carry_out(self._node, self.slot, file, args,
                                                   keeps_failures=self._keeps_failures)

    def opened(self, kind: TaskKind, name: str) -> AbstractContextManager[None]:
        """A part of the attempt that the tree shows while it is entered."""
        return self._shared.calls.opened(self.slot, kind, clip(self._shared.redactor.text(name), _LONGEST_NAME))

    def artifact(self, name: str) -> str:
        """A path for a file that the run makes."""
        return self._shared.artifact(name)

    async def close(self) -> str | None:
        """Runs the clean-ups; the first trouble as text. Neither that nor a cancellation meanwhile masks the attempt's
        own outcome."""
        trouble = await self._shared.cancellations.outlast(self.slot, self._clean_up()) if self._deferred else None
        self._ended = True
        if self._node_log is not None:
            self._node_log.close()
        return trouble

    async def _clean_up(self) -> str | None:
        """The clean-ups, last one first, each within the clean-up time, until they are cut short."""
        trouble: str | None = None
        kind = "cleanup_failed"
        while self._deferred:
            function = self._deferred.pop()
            try:
                await asyncio.wait_for(self._clean(function), self._shared.cleanup_seconds)
            except TimeoutError:
                kind = "cleanup_failed" if trouble else "cleanup_timeout"
                trouble = trouble or f"clean-up timed out after {self._shared.cleanup_seconds:g}s"
            except asyncio.CancelledError:
                left = len(self._deferred)
                trouble = "clean-up cut short" + (f", {left} more not begun" if left else "")
                self._deferred.clear()
            except Exception as error:
                trouble = trouble or f"clean-up failed: {type(error).__name__}: {error}"
        if trouble:
            self.log(trouble)
            told = self._shared.redactor.text(trouble)
            self._emit_now(self._event("node.activity", {"activity": told, "trouble": kind}))
        return trouble

    async def _clean(self, function: Callable[[], object]) -> None:
        if inspect.iscoroutinefunction(function):
            await function()
            return
        result = await self._shared.threads.call(function, f"clean-up of {self.slot}")
        if inspect.isawaitable(result):
            await result

    def _emit(self, kind: str, data: dict[str, Json]) -> None:
        self._loop.call_soon_threadsafe(self._emit_now, self._event(kind, data))

    def _event(self, kind: str, data: dict[str, Json]) -> Event:
        return Event(kind, self._shared.clock.now(), self.slot, self.attempt, None, self._phase, data)

    def _tell_held(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._last_report = self._loop.time()
            self._emit_now(self._event("node.progress", held))

    def _emit_now(self, event: Event) -> None:
        if not self._ended:
            self._shared.recorder.emit((event,))
