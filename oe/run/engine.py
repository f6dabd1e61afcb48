"""One run from its first ready unit to its last: decides by the frontier, starts units, follows what they lead to.

The engine knows units and how they settle; what a unit does is its runner's business, what a node does its kind's.

A run is stopped in steps. *Stopping*: nothing starts but `always` units, all else is cancelled. *Closed*, by a second
request or when the clean-up time is over: nothing starts at all, everything is cancelled, clean-ups are cut short.
*Abandoned*, a while after that: what still has not ended is left to itself, by name.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from heapq import heappop, heappush
from typing import NamedTuple

from oe.clock import Clock
from oe.errors import NodeError
from oe.plan.graph import Graph
from oe.ports.store import Outcome
from oe.run.attempt import End, Result
from oe.run.recorder import Recorder
from oe.run.restored import Restored
from oe.run.turns import Turns
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
    keeps_failures: bool
    clock: Clock
    close_slots: Callable[[], None]
    """Ends what attempts still do, their clean-ups too."""
    abandon_slots: Callable[[], None]
    """Commits the attempts that will not end as cancelled."""
    slot_of: Callable[[str], str]
    """The slot path of a unit: its id, below the slot that this experience is nested in."""
    outer_reason: Callable[[], str]
    """Why the task that runs this is cancelled, in the words of docs/reference/semantics.md."""


ABANDON_SECONDS = 10.0
"""How long what runs may take to end once the run is closed: programs have 5 s between TERM and KILL."""

_REQUESTS: frozenset[StopReason] = frozenset(("user", "hangup", "terminated"))
"""Reasons that somebody gives: the second such request closes the run."""

_SETTLED = {
    End.SUCCESS: Settled.FINISHED, End.FAILED: Settled.FAILED, End.FAIL_RUN: Settled.FAILED,
    End.CANCELLED: Settled.FAILED,
}


class Engine:
    """Runs the graph. `run` returns when every unit is settled, or when the run was stopped and all that ran has ended.

    After that `stopped` holds the reason of the stop, `blocked` the units that could never be decided, and
    `was_cancelled` whether the task that ran it was cancelled, which counts as a request to stop.
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
        self._turns = Turns()
        self._context = copy_context()
        self._timers: list[asyncio.TimerHandle] = []
        self._fault: BaseException | None = None
        self._requests = 0
        self._is_closed = False
        self._failed_before = False
        self.was_cancelled = False
        self._first_failure: tuple[int, str] | None = None
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
        stands. The second request of a person closes the run; a deadline that comes later changes nothing."""
        if self._ended is None or self._ended.done():
            return
        self._requests += reason in _REQUESTS
        if self.stopped is None:
            self._follow(self._begin_stop(reason))
        elif reason in _REQUESTS and self._requests > 1:
            self._close()

    def cancel_unit(self, unit_id: str) -> bool:
        """Cancels one unit while the run goes on: it counts as failed. False where it is not running."""
        task = self._running.get(self._graph.rank.get(unit_id, -1))
        return task is not None and task.cancel()

    @property
    def cancel_reason(self) -> str:
        """Why attempts are being cancelled, in the words of docs/reference/semantics.md."""
        if self.stopped is None or (self.was_cancelled and self.stopped == "user"):
            return self._parts.outer_reason()
        return {"fail_run": "sibling_failed", "hangup": "user", "terminated": "user",
                "fault": "parent_failed"}.get(self.stopped, self.stopped)

    @property
    def first_failure(self) -> str | None:
        """The first unit in topological order that failed, and how."""
        if self._first_failure is None:
            return None
        rank, error = self._first_failure
        return f"{self._graph.ids[rank]}: {error}" if error else self._graph.ids[rank]

    def _begin_stop(self, reason: StopReason) -> Iterator[Decision]:
        """Cancels what runs and bars what has not started; the decisions that follow are still to be acted on."""
        self.stopped = reason
        self.stopped_at = self._parts.clock.now()
        unstarted = {rank for _, rank in self._ready}
        self._ready = sorted(entry for entry in self._ready if self._graph.units[entry[1]].join == "always")
        for rank, task in self._running.items():
            if self._graph.units[rank].join != "always":
                task.cancel()
        self._close_later()
        return self._frontier.stop(unstarted)

    def _close_later(self) -> None:
        """Not after the end: what was left behind may still fail, and is nobody's business then."""
        if self._ended is None or self._ended.done():
            return
        cleanup_seconds = self._parts.experience.runtime.cleanup_timeout_seconds
        self._timers.append(asyncio.get_running_loop().call_later(cleanup_seconds, self._close))

    def _close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._ready.clear()
        for task in self._running.values():
            task.cancel()
        self._parts.close_slots()
        self._timers.append(asyncio.get_running_loop().call_later(ABANDON_SECONDS, self._abandon))
        self._end_if_idle()

    def _abandon(self) -> None:
        """Commits as cancelled what will not end; where nothing can be committed any more, leaves it behind all the
        same."""
        try:
            self._parts.abandon_slots()
            for rank in sorted(self._running):
                slot = self._slot(rank)
                if self._parts.recorder.is_running(slot):
                    now = self._parts.clock.now()
                    self._parts.recorder.commit(Outcome(slot, 0, "cancelled", now, now, reason=self.cancel_reason,
                                                        details=self._phase(rank)))
        except Exception as error:
            self._fault = self._fault or error
        self._running.clear()
        self._end_if_idle()

    async def _wait(self) -> None:
        assert self._ended is not None
        while not self._ended.done():
            try:
                await asyncio.shield(self._ended)
            except asyncio.CancelledError:
                self.was_cancelled = True
                self.stop("user")

    def _follow(self, *sources: Iterable[Decision], free: asyncio.Task[None] | None = None) -> int | None:
        """Acts on decisions and on all that follow from them without waiting, one source after the other, commits once,
        then starts units. The first of them is for the `free` task to carry out: its rank is given back."""
        if self._fault is not None:
            self._end_if_idle()
            return None
        entries: list[Outcome | Event] = []
        try:
            for source in sources:
                self._follow_one(source, entries)
            if self._failed_before and self.stopped is None:
                self._follow_one(self._stop_after_failure(), entries)
            self._parts.recorder.record(entries)
            return self._start(free)
        except BaseException as error:
            self._fail_engine(error)
            return None

    def _follow_one(self, source: Iterable[Decision], entries: list[Outcome | Event]) -> None:
        work = deque([source])
        while work:
            work.extend([self._act(decision, entries) for decision in work.popleft()])

    def _act(self, decision: Decision, entries: list[Outcome | Event]) -> Iterator[Decision]:
        rank = decision.rank
        slot = self._slot(rank)
        if isinstance(decision, Skip):
            known = self._parts.restored.take_skip(slot, decision.reason)
            if known is None:
                entries.append(self._skipped(decision))
            else:
                self._parts.recorder.restore((known,))
            how = Settled.SKIPPED_BY_FAILURE if decision.by_failure else Settled.SKIPPED_BY_CONDITION
            return self._frontier.settle(rank, how)
        if isinstance(decision, Refuse):
            self._refusals[rank] = decision.error
        elif (restored := self._parts.runner.restore(rank, self._graph.units[rank])) is not None:
            self._failed_before = self._failed_before or restored.end is End.FAIL_RUN
            return self._settle(rank, restored)
        if self._is_closed:
            return iter(())
        if self._parts.recorder.is_ready_told(slot, keeps_failures=self._parts.keeps_failures):
            phase = self._graph.units[rank].phase
            entries.append(Event("node.ready", self._parts.clock.now(), slot, None, None, phase))
        heappush(self._ready, (self._graph.file_place[rank], rank))
        return iter(())

    def _start(self, free: asyncio.Task[None] | None) -> int | None:
        taken: int | None = None
        while self._ready and len(self._running) < self._concurrency:
            _, rank = heappop(self._ready)
            if free is not None and taken is None:
                taken = rank
                self._running[rank] = free
            else:
                task = self._running[rank] = asyncio.get_running_loop().create_task(
                    self._carry_out(rank), context=self._context.copy())
                task.add_done_callback(self._see_to_the_end)
        self._end_if_idle()
        return taken

    def _end_if_idle(self) -> None:
        if not self._running and not self._ready and self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    async def _carry_out(self, rank: int) -> None:
        """A unit, then one of those that may start when it has ended, and so on: each saves a task and two turns of the
        loop. A task that is no longer as it began, being cancelled or with context variables of a tool's, takes none.
        """
        task = asyncio.current_task()
        taken: int | None = rank
        while taken is not None:
            result = await self._parts.runner.run(taken, self._graph.units[taken], self._refusals.pop(taken, None))
            is_fit = task is not None and not task.cancelling() and copy_context() == self._context
            taken = self._unit_ended(taken, result, task if is_fit else None)
            if taken is not None:
                await self._turns.step()

    def _see_to_the_end(self, task: asyncio.Task[None]) -> None:
        """Settles a unit whose task could not: cancelled before it began, or a fault of the engine."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._fail_engine(error)
        for rank in [rank for rank, running in self._running.items() if running is task]:
            self._unit_ended(rank, Result(End.CANCELLED if error is None else End.FAILED))

    def _unit_ended(self, rank: int, result: Result, free: asyncio.Task[None] | None = None) -> int | None:
        """Follows what the unit leads to; the rank of the unit that its task is to carry out next, if it is free."""
        if self._running.pop(rank, None) is None:
            return None  # it was abandoned, and ends after all
        following: list[Iterable[Decision]] = [self._settle(rank, result)]
        if result.end is End.FAIL_RUN and self.stopped is None:
            following.append(self._stop_after_failure())
        return self._follow(*following, free=free)

    def _stop_after_failure(self) -> Iterator[Decision]:
        """Evaluated when all that follows from the failure itself is decided, so that it does not depend on timing."""
        yield from self._begin_stop("fail_run")

    def _settle(self, rank: int, result: Result) -> Iterator[Decision]:
        if result.end is End.SUCCESS:
            self._parts.ledger.record(rank, (), result.writes, result.origin)
            self._parts.views.keep_output(rank, result.edge_output)
            self.finished += self._graph.units[rank].join != "always"
        elif result.end is not End.CANCELLED or self.stopped is None:
            self.failed += 1
            self._first_failure = min(self._first_failure or (rank, result.error), (rank, result.error))
        return self._frontier.settle(rank, _SETTLED[result.end])

    def _skipped(self, decision: Skip) -> Outcome:
        now = self._parts.clock.now()
        return Outcome(self._slot(decision.rank), 0, "skipped", now, now, reason=decision.reason,
                       details={"by_failure": decision.by_failure, **self._phase(decision.rank)})

    def _slot(self, rank: int) -> str:
        return self._parts.slot_of(self._graph.ids[rank])

    def _phase(self, rank: int) -> dict[str, str]:
        phase = self._graph.units[rank].phase
        return {} if phase is None else {"phase": phase}

    def _fail_engine(self, error: BaseException) -> None:
        """A fault of the engine or the store: nothing more is started, what runs is cancelled, and left behind where it
        does not end."""
        if self._fault is None:
            self._fault = error
            self._close_later()
        self.stopped = self.stopped or "fault"
        self._ready.clear()
        for task in self._running.values():
            task.cancel()
        self._end_if_idle()
