"""What it means to run a unit of the graph: one class for each form of unit, and the choice between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from oe.clock import Clock
from oe.errors import NodeError
from oe.ports.files import Files
from oe.ports.kind import Executor, NodeKind
from oe.run.attempt import Attempts, End, Job, Result
from oe.run.recorder import Recorder
from oe.run.restored import Restored
from oe.run.views import Views
from oe.spec.model import Node, Unit
from oe.state.ledger import Ledger


class UnitRunner(Protocol):
    """Runs units of one form."""

    def restore(self, rank: int, unit: Unit) -> Result | None:
        """The unit's result as an earlier process of the run committed it, or None where it has to be run."""

    async def run(self, rank: int, unit: Unit, refusal: NodeError | None) -> Result:
        """The unit's result, committed. `refusal` is an error found before the unit could start. Never raises but for
        faults of the engine and the store."""


class Executors:
    """The executors of a run's nodes, each made when it is first needed."""

    def __init__(self, kinds: Mapping[str, NodeKind], files: Files) -> None:
        self._kinds = kinds
        self._files = files
        self._made: dict[str, Executor] = {}

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
    executors: Executors
    restored: Restored
    recorder: Recorder
    clock: Clock
    concurrency: int


class NodeRunner:
    """Single nodes: one slot each."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def restore(self, rank: int, unit: Unit) -> Result | None:
        """The slot's committed success."""
        outcome = self._tools.restored.take_success(unit.id)
        if outcome is None:
            return None
        self._tools.recorder.restore((outcome,))
        return Result(End.SUCCESS, tuple(outcome.writes), outcome.edge_output)

    async def run(self, rank: int, unit: Unit, refusal: NodeError | None) -> Result:
        """Carries out the node's one slot."""
        assert isinstance(unit, Node)
        scope, view = self._tools.views.of_node(rank, unit)
        job = Job(unit, unit.id, lambda: self._tools.executors.of(unit), scope, view, refusal=refusal)
        return await self._tools.attempts.carry_out(job)


class AnyUnitRunner:
    """Hands each unit to the runner of its form."""

    def __init__(self, tools: Tools) -> None:
        from oe.run.fan_out import FanOutRunner

        self._single = NodeRunner(tools)
        self._fan_out = FanOutRunner(tools)

    def restore(self, rank: int, unit: Unit) -> Result | None:
        """See UnitRunner."""
        return self._runner(unit).restore(rank, unit)

    async def run(self, rank: int, unit: Unit, refusal: NodeError | None) -> Result:
        """See UnitRunner."""
        return await self._runner(unit).run(rank, unit, refusal)

    def _runner(self, unit: Unit) -> UnitRunner:
        return self._single if isinstance(unit, Node) and unit.for_each is None else self._fan_out
