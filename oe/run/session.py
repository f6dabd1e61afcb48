"""A run as a whole: puts the engine together from its ports, begins it, ends it, and says how it went."""

from __future__ import annotations

import asyncio
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from oe.errors import ExitCode
from oe.plan.graph import Graph
from oe.plan.selection import Selection
from oe.ports.committed import committed_events
from oe.ports.store import Ending, Milestone, Publication, Run
from oe.redact import Redactor
from oe.run.calls import OpenCalls
from oe.run.cancelling import Cancellations
from oe.run.level import Level, Outside, Setting, Shared
from oe.run.nested import NestedRuns, take_published
from oe.run.recorder import Recorder
from oe.run.restored import Restored
from oe.spec.model import Experience
from oe.state.events import Event
from oe.state.run_state import RunState
from oe.state.status import RunStatus, StopReason, exit_code
from oe.values import Json, JsonObject

if TYPE_CHECKING:
    from oe.ports.spending import Charged, Spent
    from oe.run.asking import Asker
    from oe.state.facts import UnitFacts
    from oe.state.snapshot import Snapshot


class RunResult(NamedTuple):
    """How a run went. `nodes`, `totals` and `artifacts` are as in `--json` (docs/reference/json.md)."""

    run_id: str
    status: RunStatus
    reason: str | None
    exit_code: ExitCode
    state: JsonObject
    nodes: list[JsonObject]
    totals: JsonObject
    artifacts: list[JsonObject]

    def as_object(self) -> JsonObject:
        """The documented `--json` object of run and resume."""
        record: dict[str, Json] = {
            "run_id": self.run_id, "status": self.status, "exit_code": int(self.exit_code), "state": self.state,
            "nodes": self.nodes, "totals": self.totals, "artifacts": self.artifacts,
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
        self._run = part.run
        self._experience = experience
        self._outside = outside
        self._part = part
        self._level: Level | None = None
        self._published: dict[str, list[Publication]] = {}
        self._requested_stop: StopReason | None = None
        self._cancellations = Cancellations()
        self._calls = OpenCalls(outside.clock)
        self._deadline_at: float | None = None
        self._facts: dict[str, UnitFacts] | None = None
        self._nested_facts: dict[str, UnitFacts] = {}
        self._levels: list[Level] = []
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
        return [*self._left_slots, *self._outside.threads.abandoned(), *self._outside.model_use.abandoned()]

    async def carry_out(self) -> RunResult:
        """Runs to the end and commits it. Raises StoreError where the truth cannot be written any more. A task that is
        cancelled stops its run as a person would: once lets `always` units run, twice ends it; CancelledError comes
        when its end is committed."""
        outside, run_id = self._outside, self._run.run_id
        marks = outside.store.marks(run_id) if self._run.resumed else ()
        restored = Restored(marks, partial(outside.store.outcome, run_id))
        if self._run.resumed:
            self._charged = list(outside.store.charges(run_id))
        for charged in self._charged:
            if charged.is_settled and charged.calls:  # one that cost nothing is no call
                self.state.apply(_tokens(charged, self._part.milestone.ts))
        recorder = self._recorder = Recorder(run_id, outside.store, outside.log, outside.bus, self.state, restored)
        recorder.supersede(restored.forget(self._part.again))
        level = self._level = self._first_level(recorder, restored)
        recorder.emit(committed_events(self._part.milestone), flush=True)
        if level.timeout_seconds is not None:
            self._deadline_at = outside.clock.now() + level.timeout_seconds
        try:
            if self._requested_stop is not None:
                asyncio.get_running_loop().call_soon(level.engine.stop, self._requested_stop)
            await level.carry_out()
            if level.engine.stopped is None:
                recorder.supersede(restored.left())
            result = self._end(level, recorder)
        finally:
            recorder.close()
        if level.engine.was_cancelled:
            raise asyncio.CancelledError
        return result

    def stop(self, reason: StopReason) -> None:
        """Asks the run to end; see Engine.stop. Must be called on the event loop's thread."""
        self._requested_stop = self._requested_stop or reason
        if self._level is not None:
            self._level.engine.stop(reason)

    def cancel(self, name: str) -> list[str]:
        """Ends a unit, a slot or all slots of a node while the run goes on, as failed for what comes after; the names
        of what is ended, none where nothing of that name is going on. Must be called on the event loop's thread."""
        slots = self._cancellations.matching(name)
        unit = self.state.units.get(name)
        if unit is None or unit.status != "running" or name in slots or self._level is None:
            for slot in slots:
                self._cancellations.cancel(slot)
            return slots
        self._cancellations.mark(name)
        return [name] if self._level.engine.cancel_unit(name) else []

    def snapshot(self, most: int | None = None) -> Snapshot:
        """What the run is doing; at most `most` parts of a scope one by one. May be called from any thread."""
        from oe.state.facts import facts_below, facts_of  # most runs are never looked at
        from oe.state.snapshot import Moment, take_snapshot

        kinds = self._outside.kinds
        if self._facts is None:
            self._facts = facts_of(Graph(self._experience), kinds)
        for level in list(self._levels):
            self._nested_facts.update(facts_below(level.setting.slot, level.graph, kinds, self._nested_facts))
        engine = self._level.engine if self._level is not None else None
        moment = Moment(
            self._run.run_id, self._experience.name, self._outside.clock.now(), self._deadline_at, self.loop_seen_at,
            engine.stopped if engine is not None else None, engine.stopped_at if engine is not None else None,
            self._cancellations.asked, self._calls.now(), tuple(self.abandoned),
            self._part.concurrency or self._experience.runtime.concurrency)
        return take_snapshot(self.state, self._facts, moment, most, dict(self._nested_facts))

    @property
    def redactor(self) -> Redactor:
        """What blanks the run's secrets."""
        return self._outside.redactor

    def busy_threads(self) -> dict[int, str]:
        """The calls that threads carry out, by thread; see ThreadRunner.busy."""
        return self._outside.threads.busy()

    def _first_level(self, recorder: Recorder, restored: Restored) -> Level:
        part, run, outside = self._part, self._run, self._outside
        shared = Shared(run.run_id, recorder, restored, self._cancellations, self._calls,
                        asyncio.Semaphore(self._experience.runtime.max_in_flight), self._levels, self._left_slots,
                        self._asker, self._spent)
        nested = NestedRuns(outside, shared, self._published)
        setting = Setting(self._experience, part.args, run.base, concurrency=part.concurrency,
                          timeout_seconds=part.timeout_seconds, barred=part.selection.barred)
        level = nested.level = Level(setting, outside, shared, nested)
        return level

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
            self._made_asker = Asker(cache(use.models), cache(use.price), spending, self._calls, outside.redactor,
                                     use.logs_prompts)
        return self._made_asker

    def _end(self, level: Level, recorder: Recorder) -> RunResult:
        status, reason = level.outcome()
        recorder.finish()
        final = level.ledger.final()
        now = self._outside.clock.now()
        self.state.finished_at = now
        publications = self._publications(level) if status == "success" and self._part.selection.is_whole else ()
        milestones = self._outside.store.end_run(
            self._run.run_id, Ending(status, reason, now, final, self.state.totals(), publications))
        recorder.emit([event for milestone in milestones for event in committed_events(milestone)], flush=True)
        return RunResult(self._run.run_id, status, reason, exit_code(status, reason), final,
                         [unit.as_object() for unit in self.state.units.values()], self.state.totals(), [])

    def _publications(self, level: Level) -> list[Publication]:
        return [*level.publications(), *take_published(self._published, level)]


def _tokens(charged: Charged, ts: float) -> Event:
    """What an earlier process of the run has spent, for the totals."""
    data: dict[str, Json] = {"input_tokens": charged.input_tokens, "output_tokens": charged.output_tokens}
    if not charged.is_unpriced:
        data["cost_usd"] = charged.usd
    return Event("node.tokens", ts, charged.slot, data=data)
