"""One attempt's side of the engine: progress, node log, clean-ups, artifacts. What a kind gets as its context."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import NamedTuple

from oe.clock import Clock
from oe.ports.files import Files
from oe.ports.node_log import NodeLog, NodeLogs
from oe.ports.process import ProcessRunner
from oe.ports.threads import ThreadRunner
from oe.redact import Redactor
from oe.run.recorder import Recorder
from oe.run.replay import Replay
from oe.state.events import Event
from oe.state.writes import WriteRules
from oe.values import Json

PROGRESS_SECONDS = 0.1
"""Reports of one attempt that follow each other faster are dropped; a report of 100 % never is."""


class Surroundings(NamedTuple):
    """What every attempt of a run shares. `cancel_reason` says why attempts are being cancelled."""

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
    cancel_reason: Callable[[], str]
    replay: Replay


class AttemptContext:
    """Implements NodeContext for one attempt. `report`, `activity` and `log` may be called from any thread."""

    def __init__(self, shared: Surroundings, slot: str, attempt: int, phase: str | None) -> None:
        self.run_id = shared.run_id
        self.slot = slot
        self.attempt = attempt
        self.folder = shared.folder
        self.environment = shared.environment
        self.processes = shared.processes
        self.threads = shared.threads
        self.files = shared.files
        self._shared = shared
        self._phase = phase
        self._loop = asyncio.get_running_loop()
        self._deferred: list[Callable[[], object]] = []
        self._node_log: NodeLog | None = None
        self._last_report = 0.0
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
        now = self._loop.time()
        if now - self._last_report < PROGRESS_SECONDS and (pct is None or pct < 1):
            return
        self._last_report = now
        record: dict[str, Json] = {"pct": pct, "message": message}
        if data is not None:
            record["data"] = data
        self._emit("node.progress", record)

    def activity(self, text: str) -> None:
        """What is being done now."""
        self._emit("node.activity", {"activity": text})

    def defer(self, function: Callable[[], object]) -> None:
        """Registers a clean-up."""
        self._deferred.append(function)

    def artifact(self, name: str) -> str:
        """A path for a file that the run makes."""
        return self._shared.artifact(name)

    async def close(self) -> str | None:
        """Runs the clean-ups, last one first, within the clean-up time; the first trouble as text, which never masks
        the attempt's own outcome."""
        trouble: str | None = None
        while self._deferred:
            function = self._deferred.pop()
            try:
                await asyncio.wait_for(self._clean(function), self._shared.cleanup_seconds)
            except TimeoutError:
                trouble = trouble or f"clean-up timed out after {self._shared.cleanup_seconds:g}s"
            except Exception as error:
                trouble = trouble or f"clean-up failed: {type(error).__name__}: {error}"
        if trouble:
            self.log(trouble)
        self._ended = True
        if self._node_log is not None:
            self._node_log.close()
        return trouble

    async def _clean(self, function: Callable[[], object]) -> None:
        if inspect.iscoroutinefunction(function):
            await function()
            return
        result = await self._shared.threads.call(function, f"clean-up of {self.slot}")
        if inspect.isawaitable(result):
            await result

    def _emit(self, kind: str, data: dict[str, Json]) -> None:
        event = Event(kind, self._shared.clock.now(), self.slot, self.attempt, None, self._phase, data)
        self._loop.call_soon_threadsafe(self._emit_now, event)

    def _emit_now(self, event: Event) -> None:
        if not self._ended:
            self._shared.recorder.emit((event,))
