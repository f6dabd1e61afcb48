"""What it means to run a unit of the graph: one class for each form of unit, and the choice between them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple, Protocol

from oe.clock import Clock
from oe.digests import Part
from oe.errors import NodeError
from oe.ports.files import Files
from oe.ports.kind import Executor, NodeKind
from oe.run.attempt import Attempts, Job, Result
from oe.run.keys import Keys
from oe.run.recorder import Recorder
from oe.run.restored import Restored
from oe.run.slots import Place, Slots
from oe.run.views import Views
from oe.spec.model import Loop, Node, Pipeline, Unit
from oe.state.ledger import Ledger


class UnitRunner(Protocol):
    """Runs units of one form."""

    def restore(self, rank: int, unit: Unit) -> Result | None:
        """The unit's result as an earlier process of the run committed it, or None where it has to be run."""

    def run(self, rank: int, unit: Unit, refusal: NodeError | None) -> Coroutine[Any, Any, Result]:
        """The unit's result, committed. `refusal` is an error found before the unit could start. Never raises but for
        faults of the engine and the store."""


class Executors:
    """The executors of a run's nodes, each made when it is first needed."""

    def __init__(self, kinds: Mapping[str, NodeKind], files: Files) -> None:
        self._kinds = kinds
        self._files = files
        self._made: dict[str, Executor] = {}

    def is_nested(self, node: Node) -> bool:
        """Whether the node carries out units of its own."""
        return self._kinds[node.kind].is_nested

    def of(self, node: Node) -> Executor:
        """The node's executor. Raises NodeError where what it needs is not there."""
        executor = self._made.get(node.id)
        if executor is None:
            executor = self._made[node.id] = self._kinds[node.kind].prepare(node, self._files)
        return executor


class Tools(NamedTuple):
    """What the runners of a run share."""

    views: Views
    ledger: Ledger
    attempts: Attempts
    slots: Slots
    keys: Keys
    restored: Restored
    recorder: Recorder
    clock: Clock
    concurrency: int
    slot_of: Callable[[str], str]
    """The slot path of a unit."""
    keeps_failures: bool
    """See Setting."""


class NodeRunner:
    """Single nodes: one slot each."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def restore(self, rank: int, unit: Unit) -> Result | None:
        """The slot's committed success, or the failure that is kept."""
        if not (self._tools.keeps_failures or self._tools.restored.has_success(self._tools.slot_of(unit.id))):
            return None
        return self._tools.slots.restore(self._job(rank, unit, None))

    async def run(self, rank: int, unit: Unit, refusal: NodeError | None) -> Result:
        """Carries out the node's one slot."""
        job = self._job(rank, unit, refusal)
        kept = self._tools.slots.restore(job) if job.keeps_failures and refusal is not None else None
        return kept or await self._tools.slots.carry_out(job)

    def _job(self, rank: int, unit: Unit, refusal: NodeError | None) -> Job:
        assert isinstance(unit, Node)
        scope, view = self._tools.views.of_node(rank, unit)
        shared: Mapping[str, Part] | None = None
        try:
            shared = self._tools.keys.shared(unit, scope, view)
        except NodeError as error:
            refusal = refusal or error
        return self._tools.slots.prepare(Place(unit, self._tools.slot_of(unit.id), scope, view, shared,
                                                refusal=refusal, keeps_failures=self._tools.keeps_failures))


class AnyUnitRunner:
    """Hands each unit to the runner of its form."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._single = NodeRunner(tools)
        self._others: dict[type[Unit], UnitRunner] = {}

    def restore(self, rank: int, unit: Unit) -> Result | None:
        """See UnitRunner."""
        return self._runner(unit).restore(rank, unit)

    def run(self, rank: int, unit: Unit, refusal: NodeError | None) -> Coroutine[Any, Any, Result]:
        """See UnitRunner."""
        return self._runner(unit).run(rank, unit, refusal)

    def _runner(self, unit: Unit) -> UnitRunner:
        if isinstance(unit, Node) and unit.for_each is None:
            return self._single
        runner = self._others.get(type(unit))
        if runner is None:
            runner = self._others[type(unit)] = self._make(unit)
        return runner

    def _make(self, unit: Unit) -> UnitRunner:
        if isinstance(unit, Pipeline):
            from oe.run.pipelines import PipelineRunner  # each form is imported with its first unit

            return PipelineRunner(self._tools)
        if isinstance(unit, Loop):
            from oe.run.loops import LoopRunner

            return LoopRunner(self._tools)
        from oe.run.fan_out import FanOutRunner

        return FanOutRunner(self._tools)
