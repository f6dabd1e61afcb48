"""One run from its first ready unit to its last: decides by the frontier, starts units, follows what they lead to.

The engine knows units and how they settle; what a unit does is its runner's business, what a node does its kind's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from heapq import heappop, heappush
from typing import NamedTuple

from oe.clock import Clock
from oe.errors import NodeError
from oe.plan.graph import Graph
from oe.ports.store import Outcome
from oe.run.attempt import End, Result
from oe.run.recorder import Recorder
from oe.run.restored import Restored
from oe.run.units import UnitRunner
from oe.run.views import Views
from oe.spec.model import Experience
from oe.state.events import Event
from oe.state.ledger import Ledger
from oe.state.ready import Decision, Frontier, Refuse, Settled, Skip
from oe.state.status import StopReason


class Parts(NamedTuple):
    """What the engine is put together from, for one run."""

    experience: Experience
    graph: Graph
    ledger: Ledger
    views: Views
    recorder: Recorder
    runner: UnitRunner
    restored: Restored
    clock: Clock


_SETTLED = {
    End.SUCCESS: Settled.FINISHED, End.FAILED: Settled.FAILED, End.FAIL_RUN: Settled.FAILED,
    End.CANCELLED: Settled.FAILED,
}


class Engine:
    """Runs the graph. `run` returns when every unit is settled, or when the run was stopped and all that ran has ended.

    After that `stopped` holds the reason of the stop, and `blocked` the units that could never be decided.
    """

    def __init__(self, parts: Parts, concurrency: int, timeout_seconds: float | None,
                 barred: Iterable[str] = ()) -> None:
        self._parts = parts
        self._graph = parts.graph
        self._concurrency = concurrency
        self._timeout_seconds = timeout_seconds
        self._barred = [parts.graph.rank[unit_id] for unit_id in barred]
        self._frontier = Frontier(parts.graph, parts.views.test_edge, parts.views.test_unit)
        self._ready: list[tuple[int, int]] = []
        self._refusals: dict[int, NodeError] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._ended: asyncio.Future[None] | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._fault: BaseException | None = None
        self.finished = 0
        self.failed = 0
        self.stopped: StopReason | None = None
        self.stopped_at: float | None = None
        self.blocked: list[str] = []

    async def run(self) -> None:
        """Carries the run out. Raises what an engine fault raised, after everything that ran has ended."""
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        if self._timeout_seconds is not None:
            self._timers.append(loop.call_later(self._timeout_seconds, self.stop, "deadline"))
        self._follow(self._frontier.bar(self._barred), self._frontier.roots())
        try:
            await self._wait()
        finally:
            for timer in self._timers:
                timer.cancel()
        if self._fault is not None:
            raise self._fault
        if self.stopped is None:
            self.blocked = [self._graph.ids[rank] for rank in self._frontier.blocked()]

    def stop(self, reason: StopReason) -> None:
        """Starts nothing more but `always` units, cancels what runs, and lets `run` return after that. The first reason
        stands; a second call cancels the `always` units too."""
        if self._ended is None or self._ended.done():
            return
        if self.stopped is not None:
            self._cancel(always=True)
            return
        self._follow(self._stop(reason))

    def cancel_unit(self, unit_id: str) -> bool:
        """Cancels one unit while the run goes on: it counts as failed. False where it is not running."""
        task = self._running.get(self._graph.rank.get(unit_id, -1))
        return task is not None and task.cancel()

    @property
    def cancel_reason(self) -> str:
        """Why attempts are being cancelled, in the words of semantics §8."""
        if self.stopped is None:
            return "user"
        return {"fail_run": "sibling_failed", "hangup": "user", "terminated": "user",
                "fault": "parent_failed"}.get(self.stopped, self.stopped)

    def _stop(self, reason: StopReason) -> Iterator[Decision]:
        """Cancels what runs and bars what has not started; the decisions that follow are still to be acted on."""
        self.stopped = reason
        self.stopped_at = self._parts.clock.now()
        unstarted = {rank for _, rank in self._ready}
        self._ready = sorted(entry for entry in self._ready if self._graph.units[entry[1]].join == "always")
        self._cancel(always=False)
        cleanup_seconds = self._parts.experience.runtime.cleanup_timeout_seconds
        self._timers.append(asyncio.get_running_loop().call_later(cleanup_seconds, self._cancel_all))
        return self._frontier.stop(unstarted)

    async def _wait(self) -> None:
        assert self._ended is not None
        try:
            await asyncio.shield(self._ended)
        except asyncio.CancelledError:
            self.stop("user")
            await self._ended
            raise

    def _cancel(self, *, always: bool) -> None:
        for rank, task in self._running.items():
            if always or self._graph.units[rank].join != "always":
                task.cancel()

    def _cancel_all(self) -> None:
        self._ready.clear()
        self._cancel(always=True)
        self._start()

    def _follow(self, *sources: Iterable[Decision]) -> None:
        """Acts on decisions and on all that follow from them without waiting, commits once, then starts units."""
        entries: list[Outcome | Event] = []
        work: deque[Iterable[Decision]] = deque(sources)
        try:
            while work:
                for decision in work.popleft():
                    work.append(self._act(decision, entries))
            self._parts.recorder.record(entries)
            self._start()
        except BaseException as error:
            self._fail_engine(error)

    def _act(self, decision: Decision, entries: list[Outcome | Event]) -> Iterator[Decision]:
        rank = decision.rank
        unit_id = self._graph.ids[rank]
        if isinstance(decision, Skip):
            known = self._parts.restored.take_skip(unit_id, decision.reason)
            if known is None:
                entries.append(self._skipped(decision))
            else:
                self._parts.recorder.restore((known,))
            how = Settled.SKIPPED_BY_FAILURE if decision.by_failure else Settled.SKIPPED_BY_CONDITION
            return self._frontier.settle(rank, how)
        if isinstance(decision, Refuse):
            self._refusals[rank] = decision.error
        elif (restored := self._parts.runner.restore(rank, self._graph.units[rank])) is not None:
            return self._settle(rank, restored)
        entries.append(Event("node.ready", self._parts.clock.now(), unit_id, None, None, self._graph.units[rank].phase))
        heappush(self._ready, (self._graph.file_place[rank], rank))
        return iter(())

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        while self._ready and len(self._running) < self._concurrency:
            _, rank = heappop(self._ready)
            task = self._running[rank] = loop.create_task(self._carry_out(rank))
            task.add_done_callback(partial(self._see_to_the_end, rank))
        if not self._running and not self._ready and self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    async def _carry_out(self, rank: int) -> None:
        result = await self._parts.runner.run(rank, self._graph.units[rank], self._refusals.pop(rank, None))
        self._unit_ended(rank, result)  # here, not in a callback: successors start one turn of the loop earlier

    def _see_to_the_end(self, rank: int, task: asyncio.Task[None]) -> None:
        """Settles a unit whose task could not: cancelled before it began, or a fault of the engine."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._fail_engine(error)
        if rank in self._running:
            self._unit_ended(rank, Result(End.CANCELLED if error is None else End.FAILED))

    def _unit_ended(self, rank: int, result: Result) -> None:
        del self._running[rank]
        following = [self._settle(rank, result)]
        if result.end is End.FAIL_RUN and self.stopped is None:
            following.append(self._stop("fail_run"))
        self._follow(*following)

    def _settle(self, rank: int, result: Result) -> Iterator[Decision]:
        if result.end is End.SUCCESS:
            self._parts.ledger.record(rank, (), result.writes)
            self._parts.views.keep_output(rank, result.edge_output)
            self.finished += self._graph.units[rank].join != "always"
        elif result.end is not End.CANCELLED or self.stopped is None:
            self.failed += 1
        return self._frontier.settle(rank, _SETTLED[result.end])

    def _skipped(self, decision: Skip) -> Outcome:
        now = self._parts.clock.now()
        return Outcome(self._graph.ids[decision.rank], 0, "skipped", now, now, reason=decision.reason,
                       details={"by_failure": decision.by_failure, **self._phase(decision.rank)})

    def _phase(self, rank: int) -> dict[str, str]:
        phase = self._graph.units[rank].phase
        return {} if phase is None else {"phase": phase}

    def _fail_engine(self, error: BaseException) -> None:
        """A fault of the engine or the store: nothing more is started, what runs is cancelled."""
        if self._fault is None:
            self._fault = error
        self.stopped = self.stopped or "fault"
        self._ready.clear()
        self._cancel(always=True)
        if not self._running and self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
