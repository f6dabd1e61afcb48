"""One experience being carried out: the run's own, or one that a node of another carries out below its slot.

A level has its own graph, ledger, views and engine; journal, log, limits, cache and cancellation are the run's.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from oe.clock import Clock
from oe.ids import child_slot
from oe.plan.graph import Graph
from oe.ports.event_log import EventLog
from oe.ports.files import Files
from oe.ports.kind import NodeKind
from oe.ports.node_log import NodeLogs
from oe.ports.process import ProcessRunner
from oe.ports.store import Publication, Store
from oe.ports.threads import ThreadRunner
from oe.redact import Redactor
from oe.run.attempt import Attempts
from oe.run.bus import EventBus
from oe.run.calls import OpenCalls
from oe.run.cancelling import Cancellations
from oe.run.context import NestedRunner, Surroundings
from oe.run.engine import Engine, Parts
from oe.run.keys import Keys
from oe.run.model_use import ModelUse
from oe.run.recorder import Recorder
from oe.run.replay import CacheUse, Replay
from oe.run.restored import Restored
from oe.run.slots import Slots
from oe.run.units import AnyUnitRunner, Executors, Tools
from oe.run.views import Views
from oe.spec.model import Experience
from oe.state.ledger import Ledger
from oe.state.status import RunStatus, run_status
from oe.state.writes import WriteRules
from oe.values import Json, JsonObject

if TYPE_CHECKING:
    from oe.ports.spending import Spent
    from oe.run.asking import Asker
    from oe.run.spending import Limit


class Opened(NamedTuple):
    """A nested experience with its own files. `key` is the absolute path of its file, `base` the state that it starts
    from."""

    experience: Experience
    key: str
    base: JsonObject
    files: Files
    load_schema: Callable[[str], Json]


class Outside(NamedTuple):
    """Everything outside the engine that a run touches. `open_nested` opens an experience file by its absolute path and
    raises OeError where it is none."""

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
    model_use: ModelUse
    open_nested: Callable[[str], Opened]


class Shared(NamedTuple):
    """What all levels of a run have in common. `levels` are those that are going on, `abandoned` the slots whose
    code did not end when it was cancelled."""

    run_id: str
    recorder: Recorder
    restored: Restored
    cancellations: Cancellations
    calls: OpenCalls
    in_flight: asyncio.Semaphore
    levels: list[Level]
    abandoned: list[str]
    asker: Callable[[], Asker]
    spent: dict[str, list[Spent]]


class Setting(NamedTuple):
    """What one level is carried out with. `slot` is the one that it is nested in, '' for the run's own, and `depth` how
    many it is nested in; `outer_reason` says why it is being cancelled from outside (None: somebody asked for it);
    limits that are None are the experience's own. With `keeps_failures` what failed in an earlier process is taken as
    it is where it would do the same again: it is a part of something that finished."""

    experience: Experience
    args: JsonObject
    base: JsonObject
    slot: str = ""
    depth: int = 0
    concurrency: int | None = None
    timeout_seconds: float | None = None
    barred: Collection[str] = ()
    outer_reason: Callable[[], str] | None = None
    keeps_failures: bool = False


class Level:
    """Puts an engine together, carries it out, and says how that went. `outside` has the files, schemas and cache rules
    of this level's experience."""

    def __init__(self, setting: Setting, outside: Outside, shared: Shared, nested: NestedRunner) -> None:
        experience = setting.experience
        self.setting = setting
        self.outside = outside
        self.graph = Graph(experience)
        self.ledger = Ledger(self.graph, experience.fields, setting.base)
        self.timeout_seconds = setting.timeout_seconds or experience.runtime.timeout_seconds
        self._shared = shared
        self.attempts = self._attempts(nested)
        self.engine = self._engine()

    async def carry_out(self) -> None:
        """Runs the engine. Raises StoreError and faults of the engine; a cancellation is told by `engine`."""
        levels = self._shared.levels
        levels.append(self)
        limits = _nested_limits(self.setting)
        if limits:
            self._shared.asker().spending.cover(limits)
        try:
            await self.engine.run()
        finally:
            levels.remove(self)
            if limits:
                self._shared.asker().spending.uncover(self.setting.slot)

    def abandon(self) -> None:
        """Commits what goes on here, and in what is nested in here, as cancelled."""
        for level in reversed(self._shared.levels):
            if level is self or level.setting.slot.startswith(self._prefix):
                level.attempts.abandon(self._shared.abandoned)

    def outcome(self) -> tuple[RunStatus, str | None]:
        """The status by the one rule, and the reason where there is one."""
        engine = self.engine
        status = run_status(failed=engine.failed, finished=engine.finished, blocked=len(engine.blocked),
                            stopped=engine.stopped)
        if engine.blocked:
            return status, f"deadlock: {', '.join(engine.blocked[:10])} can never start"
        return status, engine.stopped

    def fold_place(self, slot: str) -> tuple[int, ...]:
        """What sorts slots of this level as the fold of its state does: rank of the unit, then every index."""
        unit_id, *rest = re.split(r"[\[/]", slot[len(self._prefix):])
        return (self.graph.rank[unit_id], *(int(part[:-1]) for part in rest if part.endswith("]")))

    def publications(self, experience: str | None = None) -> list[Publication]:
        """The deltas to persistent fields, in the order of the fold; those that a run before has published are left
        out."""
        is_published = self.outside.cache.is_published
        return [Publication(field.name, field.merge, value, field.default, experience)
                for field in self.setting.experience.fields.values() if field.persist
                for value, origin in self.ledger.deltas(field.name)
                if origin is None or is_published is None or not is_published(origin)]

    @property
    def _prefix(self) -> str:
        return self.setting.slot + "/" if self.setting.slot else ""

    def _slot_of(self, unit_id: str) -> str:
        return child_slot(self.setting.slot, unit_id)

    def _asker(self) -> Asker:
        """What asks models for the nodes of this level."""
        return self._shared.asker()._replace(models=cache(self.outside.model_use.models))

    def _reason(self) -> str:
        return self.engine.cancel_reason

    def _attempts(self, nested: NestedRunner) -> Attempts:
        outside, shared, experience = self.outside, self._shared, self.setting.experience
        replay = Replay(shared.run_id, outside.cache, outside.kinds, outside.files, outside.clock)
        return Attempts(Surroundings(
            shared.run_id, experience.folder, outside.environment, outside.processes, outside.threads, outside.files,
            outside.node_logs, shared.recorder, outside.clock, outside.artifact,
            experience.runtime.cleanup_timeout_seconds,
            WriteRules(experience, outside.load_schema, self.ledger.set_before), outside.redactor, outside.random,
            shared.cancellations, self._reason, replay, shared.calls,
            cache(self._asker), shared.spent, nested),
            shared.restored, shared.in_flight)

    def _engine(self) -> Engine:
        setting, outside, shared = self.setting, self.outside, self._shared
        experience, restored, recorder = setting.experience, shared.restored, shared.recorder
        concurrency = setting.concurrency or experience.runtime.concurrency
        slot_of = self._slot_of if setting.slot else str
        views = Views(self.graph, experience.fields, self.ledger, setting.args, outside.kinds, outside.files)
        keys = Keys(experience, outside.kinds, outside.files, outside.environment, outside.redactor,
                    outside.model_use.identity)
        slots = Slots(self.attempts, keys, restored, recorder, Executors(outside.kinds, outside.files))
        runner = AnyUnitRunner(Tools(views, self.ledger, self.attempts, slots, keys, restored, recorder, outside.clock,
                                     concurrency, slot_of, setting.keeps_failures))
        return Engine(Parts(experience, self.graph, self.ledger, views, recorder, runner, restored,
                            setting.keeps_failures, outside.clock,
                            lambda: shared.cancellations.close(self._prefix), self.abandon, slot_of,
                            setting.outer_reason or _somebody),
                      concurrency, self.timeout_seconds, setting.barred)


def _nested_limits(setting: Setting) -> Sequence[Limit]:
    """The limits of a nested experience's own budgets; those of the run's own are there from the start."""
    experience = setting.experience
    budgets = (experience.runtime.budget, *(node.budget for node in experience.nodes.values()),
               *(loop.budget for loop in experience.loops.values()))
    if not setting.slot or not any(budgets):
        return ()
    from oe.run.spending import limits_of  # most experiences ask no model

    return limits_of(experience, experience.runtime.budget, setting.slot)


def _somebody() -> str:
    """Why the run's own level is cancelled from outside."""
    return "user"
