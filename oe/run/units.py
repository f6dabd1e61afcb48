"""What it means to run a unit of the graph, one class for each form of unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from oe.errors import NodeError
from oe.ports.files import Files
from oe.ports.kind import Executor, NodeKind
from oe.run.attempt import Attempts, Job, Result
from oe.run.views import Views
from oe.spec.model import Node, Unit


class UnitRunner(Protocol):
    """Runs units. `refusal` is an error that was found before the unit could start."""

    async def run(self, rank: int, unit: Unit, refusal: NodeError | None) -> Result:
        """The unit's result, committed. Never raises but for faults of the engine and the store."""


class NodeRunner:
    """Runs units that are single nodes: one slot each."""

    def __init__(self, views: Views, attempts: Attempts, kinds: Mapping[str, NodeKind], files: Files) -> None:
        self._views = views
        self._attempts = attempts
        self._kinds = kinds
        self._files = files
        self._executors: dict[str, Executor] = {}

    async def run(self, rank: int, unit: Unit, refusal: NodeError | None) -> Result:
        """Carries out the node's one slot."""
        assert isinstance(unit, Node)
        scope, view = self._views.of_node(rank, unit)
        return await self._attempts.carry_out(
            Job(unit, unit.id, lambda: self._executor(unit), scope, view, refusal=refusal))

    def _executor(self, node: Node) -> Executor:
        executor = self._executors.get(node.id)
        if executor is None:
            executor = self._executors[node.id] = self._kinds[node.kind].prepare(node, self._files)
        return executor
