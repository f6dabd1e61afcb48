"""A run as a whole: puts the engine together from its ports, begins it, ends it, and says how it went."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from oe.clock import Clock
from oe.errors import ExitCode
from oe.plan.graph import Graph
from oe.plan.selection import Selection
from oe.ports.committed import committed_events
from oe.ports.event_log import EventLog
from oe.ports.files import Files
from oe.ports.kind import NodeKind
from oe.ports.node_log import NodeLogs
from oe.ports.process import ProcessRunner
from oe.ports.store import Ending, Milestone, Publication, Run, Store
from oe.ports.threads import ThreadRunner
from oe.redact import Redactor
from oe.run.attempt import Attempts
from oe.run.bus import EventBus
from oe.run.calls import OpenCalls
from oe.run.cancelling import Cancellations
from oe.run.context import Surroundings
from oe.run.engine import Engine, Parts
from oe.run.keys import Keys
from oe.run.model_use import NO_MODELS, ModelUse
from oe.run.recorder import Recorder
from oe.run.replay import CacheUse, Replay
from oe.run.restored import Restored
from oe.run.slots import Slots
from oe.run.units import AnyUnitRunner, Executors, Tools
from oe.run.views import Views
from oe.spec.model import Experience
from oe.state.events import Event
from oe.state.ledger import Ledger
from oe.state.run_state import RunState
from oe.state.status import RunStatus, StopReason, exit_code, run_status
from oe.state.writes import WriteRules
from oe.values import Json, JsonObject

if TYPE_CHECKING:
    from oe.ports.spending import Charged, Spent
    from oe.run.asking import Asker
    from oe.state.facts import UnitFacts
    from oe.state.snapshot import Snapshot


class Outside(NamedTuple):
    """Everything outside the engine that a run touches."""

    store: Store
    log: EventLog
    bus: EventBus
    clock: Clock
    processes: ProcessRunner
    threads: ThreadRunner
    files: Files
    node_logs: NodeLogs
    kinds: Mapping[str, NodeKind]
    redactor: Redactor
    environment: Mapping[str, str]
    artifact: Callable[[str], str]
    load_schema: Callable[[str], Json]
    random: Callable[[], float]
    cache: CacheUse
    model_use: ModelUse = NO_MODELS


class RunResult(NamedTuple):
    """How a run went. `nodes` and `totals` are as in `--json` (product.md)."""

    run_id: str
    status: RunStatus
    reason: str | None
    exit_code: ExitCode
    state: JsonObject
    nodes: list[JsonObject]
    totals: JsonObject

    def as_object(self) -> JsonObject:
        """The documented `--json` object of run and resume."""
        record: dict[str, Json] = {
            "run_id": self.run_id, "status": self.status, "exit_code": int(self.exit_code), "state": self.state,
            "nodes": self.nodes, "totals": self.totals,
        }
        if self.reason is not None:
            record["reason"] = self.reason
        return record


class Part(NamedTuple):
    """One process's part of a run. `args` are complete, secret ones included; `milestone` is what began this part
    (run.started or run.resumed); limits that are None are the experience's own. Nodes in `again` are run again although
    an earlier process of the run finished them."""

    run: Run
    args: JsonObject
    milestone: Milestone
    concurrency: int | None = None
    timeout_seconds: float | None = None
    selection: Selection = Selection()
    again: frozenset[str] = frozenset()


class Session:
    """Carries out one part of a run. `state` may be looked at while it goes on; `loop_seen_at` is kept by whoever sees
    the event loop take its turns."""

    def __init__(self, experience: Experience, part: Part, outside: Outside) -> None:
        run = self._run = part.run
        self._experience = experience
        self._outside = outside
        self._concurrency = part.concurrency or experience.runtime.concurrency
        self._timeout_seconds = part.timeout_seconds or experience.runtime.timeout_seconds
        self._args = part.args
        self._milestone = part.milestone
        self._selection = part.selection
        self._again = part.again
        self._graph = Graph(experience)
        self._ledger = Ledger(self._graph, experience.fields, run.base)
        self._restored = Restored()
        self._engine: Engine | None = None
        self._requested_stop: StopReason | None = None
        self._cancellations = Cancellations(self._cancel_reason)
        self._calls = OpenCalls(outside.clock)
        self._deadline_at: float | None = None
        self._facts: dict[str, UnitFacts] | None = None
        self.state = RunState(experience.units)
        self._left_slots: list[str] = []
        self.loop_seen_at: float | None = None
        self._spent: dict[str, list[Spent]] = {}
        self._charged: list[Charged] = []
        self._made_asker: Asker | None = None
        self._recorder: Recorder | None = None

    @property
    def abandoned(self) -> list[str]:
        """Slots whose code did not end when it was cancelled, and calls that still hold a thread."""
        return [*self._left_slots, *self._outside.threads.abandoned()]

    async def carry_out(self) -> RunResult:
        """Runs to the end and commits it. Raises StoreError where the truth cannot be written any more. A task that is
        cancelled stops its run as a person would: once lets `always` units run, twice ends it; CancelledError comes
        when its end is committed."""
        outside = self._outside
        if self._run.resumed:
            run_id, store = self._run.run_id, outside.store
            self._charged = list(store.charges(run_id))
            self._restored = Restored(store.marks(run_id), partial(store.outcome, run_id))
        for charged in self._charged:
            if charged.is_settled:
                self.state.apply(_tokens(charged, self._milestone.ts))
        recorder = self._recorder = Recorder(self._run.run_id, outside.store, outside.log, outside.bus, self.state,
                                             self._restored)
        recorder.supersede(self._restored.forget(self._again))
        engine = self._engine = self._assemble(recorder, self._restored)
        recorder.emit(committed_events(self._milestone), flush=True)
        if self._timeout_seconds is not None:
            self._deadline_at = outside.clock.now() + self._timeout_seconds
        try:
            if self._requested_stop is not None:
                asyncio.get_running_loop().call_soon(engine.stop, self._requested_stop)
            await engine.run()
            result = self._end(engine, recorder)
        finally:
            recorder.close()
        if engine.was_cancelled:
            raise asyncio.CancelledError
        return result

    def stop(self, reason: StopReason) -> None:
        """Asks the run to end; see Engine.stop. Must be called on the event loop's thread."""
        self._requested_stop = self._requested_stop or reason
        if self._engine is not None:
            self._engine.stop(reason)

    def cancel(self, name: str) -> list[str]:
        """Ends a unit, a slot or all slots of a node while the run goes on, as failed for what comes after; the names
        of what is ended, none where nothing of that name is going on. Must be called on the event loop's thread."""
        slots = self._cancellations.matching(name)
        unit = self.state.units.get(name)
        if unit is None or unit.status != "running" or name in slots or self._engine is None:
            for slot in slots:
                self._cancellations.cancel(slot)
            return slots
        self._cancellations.mark(name)
        return [name] if self._engine.cancel_unit(name) else []

    def snapshot(self, most: int | None = None) -> Snapshot:
        """What the run is doing; at most `most` parts of a scope one by one. May be called from any thread."""
        from oe.state.facts import facts_of  # most runs are never looked at
        from oe.state.snapshot import Moment, take_snapshot

        if self._facts is None:
            kinds = {name: kind.task_kind for name, kind in self._outside.kinds.items()}
            self._facts = facts_of(self._graph, kinds)
        engine = self._engine
        moment = Moment(
            self._run.run_id, self._experience.name, self._outside.clock.now(), self._deadline_at, self.loop_seen_at,
            engine.stopped if engine is not None else None, engine.stopped_at if engine is not None else None,
            self._cancellations.asked, self._calls.now(), tuple(self.abandoned))
        return take_snapshot(self.state, self._facts, moment, most)

    @property
    def redactor(self) -> Redactor:
        """What blanks the run's secrets."""
        return self._outside.redactor

    def busy_threads(self) -> dict[int, str]:
        """The calls that threads carry out, by thread; see ThreadRunner.busy."""
        return self._outside.threads.busy()

    def _assemble(self, recorder: Recorder, restored: Restored) -> Engine:
        outside, experience = self._outside, self._experience
        replay = Replay(self._run.run_id, outside.cache, outside.kinds, outside.files, outside.clock)
        shared = Surroundings(
            self._run.run_id, experience.folder, outside.environment, outside.processes, outside.threads, outside.files,
            outside.node_logs, recorder, outside.clock, outside.artifact, experience.runtime.cleanup_timeout_seconds,
            WriteRules(experience, outside.load_schema, self._ledger.set_before), outside.redactor, outside.random,
            self._cancellations, replay, self._calls, self._asker, self._spent)
        views = Views(self._graph, experience.fields, self._ledger, self._args, outside.kinds, outside.files)
        attempts = Attempts(shared, restored.tried, experience.runtime.max_in_flight)
        keys = Keys(experience, outside.kinds, outside.files, outside.environment, outside.redactor,
                    outside.model_use.identity)
        slots = Slots(attempts, keys, restored, recorder, Executors(outside.kinds, outside.files).of)
        runner = AnyUnitRunner(Tools(views, self._ledger, attempts, slots, keys, restored, recorder, outside.clock,
                                     self._concurrency))
        return Engine(Parts(experience, self._graph, self._ledger, views, recorder, runner, restored, outside.clock,
                            self._cancellations.close, lambda: self._left_slots.extend(attempts.abandon())),
                      self._concurrency, self._timeout_seconds, self._selection.barred)

    def _asker(self) -> Asker:
        """What asks models, made for the first node that does."""
        if self._made_asker is None:
            from oe.run.asking import Asker
            from oe.run.spending import Account, Spending, limits_of

            outside, use = self._outside, self._outside.model_use
            assert self._recorder is not None
            account = Account(self._run.run_id, outside.store, outside.clock, self._recorder.emit,
                              lambda: self.stop("budget"))
            spending = Spending(limits_of(self._experience, use.budget), account, self._spent, self._charged)
            self._made_asker = Asker(use.models(), use.price(), spending, self._calls, outside.redactor,
                                     use.logs_prompts)
        return self._made_asker

    def _cancel_reason(self) -> str:
        return self._engine.cancel_reason if self._engine is not None else "user"

    def _end(self, engine: Engine, recorder: Recorder) -> RunResult:
        status = run_status(failed=engine.failed, finished=engine.finished, blocked=len(engine.blocked),
                            stopped=engine.stopped)
        reason: str | None = engine.stopped
        if engine.blocked:
            reason = f"deadlock: {', '.join(engine.blocked[:10])} can never start"
        if engine.stopped is None:
            recorder.supersede(self._restored.left())
        recorder.finish()
        final = self._ledger.final()
        now = self._outside.clock.now()
        self.state.finished_at = now
        publications = self._publications() if status == "success" and self._selection.is_whole else ()
        milestones = self._outside.store.end_run(
            self._run.run_id, Ending(status, reason, now, final, self.state.totals(), publications))
        recorder.emit([event for milestone in milestones for event in committed_events(milestone)], flush=True)
        return RunResult(self._run.run_id, status, reason, exit_code(status, reason), final,
                         [unit.as_object() for unit in self.state.units.values()], self.state.totals())

    def _publications(self) -> list[Publication]:
        persistent = [field for field in self._experience.fields.values() if field.persist]
        return [Publication(field.name, field.merge, value, field.default)
                for field in persistent for _, value in self._ledger.deltas((field.name,))]


def _tokens(charged: Charged, ts: float) -> Event:
    """What an earlier process of the run has spent, for the totals."""
    return Event("node.tokens", ts, charged.slot, data={
        "input_tokens": charged.input_tokens, "output_tokens": charged.output_tokens, "cost_usd": charged.usd})
