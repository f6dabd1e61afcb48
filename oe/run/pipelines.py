"""Pipelines: items stream through stages, each at its own pace, with no barrier between stages."""

from __future__ import annotations

import asyncio

from oe.errors import NodeError
from oe.ids import child_slot, item_slot
from oe.lang.scope import MISSING, Missing, Scope
from oe.ports.store import Failure
from oe.run.attempt import End, Result
from oe.run.items import ItemRule, Items, resolve_list
from oe.run.slots import Place
from oe.run.turns import Turns
from oe.run.unit_outcome import UnitOutcome
from oe.run.units import Tools
from oe.spec.model import Node, Pipeline, Unit
from oe.values import Json, JsonObject


class PipelineRunner:
    """Runs pipelines. What an earlier process finished of one is taken slot by slot."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def restore(self, rank: int, unit: Unit) -> Result | None:
        """None: `run` takes every slot that would do the same again, and then the pipeline's own outcome."""
        return None

    async def run(self, rank: int, unit: Unit, refusal: NodeError | None) -> Result:
        """All items through all stages, then the unit's own outcome."""
        assert isinstance(unit, Pipeline)
        try:
            if refusal is not None:
                raise refusal
            scope = self._tools.views.of_unit(rank, unit.items.references())
            source = resolve_list(unit.items, scope, "items")
        except NodeError as error:
            return UnitOutcome(self._tools, unit).fail(Failure(error.name, error.message), {}, fails_run=False)
        stream = _Stream(self._tools, rank, unit, source)
        try:
            await stream.look_at_failures()
        except asyncio.CancelledError:  # nothing was begun: a resumed run looks again
            return Result(End.CANCELLED)
        outcome = UnitOutcome(self._tools, unit, len(source))
        try:
            await stream.items.carry_out(self._tools.concurrency)
        except asyncio.CancelledError:
            return outcome.cancel()
        failure = stream.items.verdict()
        if failure is not None:
            return outcome.fail(failure, stream.items.metrics(), fails_run=stream.items.fails_run)
        return outcome.succeed(stream.items.metrics(), stream.items.gathered(), {})


class _Stream:
    """The items of one pipeline on their way."""

    def __init__(self, tools: Tools, rank: int, pipeline: Pipeline, source: list[Json]) -> None:
        self._tools = tools
        self._rank = rank
        self._pipeline = pipeline
        self._source = source
        self._stages = tools.views.nodes_of(pipeline)
        rule = ItemRule(pipeline.concurrency, pipeline.on_item_error)
        self.items = Items(pipeline.id, len(source), rule, self._carry)
        self._keeps_failures = tools.keeps_failures

    async def look_at_failures(self) -> None:
        """Finds out whether failures that an earlier process committed stand: if it finished the pipeline with them,
        and every slot would do the same again. Otherwise they are tried again."""
        before = self._tools.restored.find_success(self._tools.slot_of(self._pipeline.id))
        if before is None or not before.metrics.get("items_failed"):
            return
        turns = Turns()
        for index in range(len(self._source)):
            await turns.step()
            if not self._stands(index):
                return
        self._keeps_failures = True

    def _stands(self, index: int) -> bool:
        """Whether an earlier process brought the item to an end, and every slot on the way would do the same again."""
        prev: Json | Missing = MISSING
        inside: dict[str, Json] = {}
        for stage in self._stages:
            place = self._place(stage, index, prev, inside)
            if place is None:
                continue
            job = self._tools.slots.prepare(place)
            found = self._tools.slots.find_end(job)
            if found is None or found.status == "failed":
                return found is not None
            self._tools.ledger.grow(self._rank, inside, found.writes)
            prev = dict(found.writes) if isinstance(found.edge_output, Missing) else found.edge_output
        return True

    async def _carry(self, index: int) -> Result:
        """One item through all stages. A failed stage drops it; one without edge output does not stop it: what it wrote
        goes on as `$prev`."""
        prev: Json | Missing = MISSING
        inside: dict[str, Json] = {}
        for number, stage in enumerate(self._stages):
            place = self._place(stage, index, prev, inside)
            if place is None:
                continue
            result = await self._tools.slots.take_or_carry_out(place)
            if result.end is not End.SUCCESS:
                return result._replace(error=f"{stage.id}: {result.error}")
            self._tools.ledger.record(self._rank, (index, number), result.writes, result.origin)
            self._tools.ledger.grow(self._rank, inside, result.writes)
            prev = dict(result.writes) if isinstance(result.edge_output, Missing) else result.edge_output
        return Result(End.SUCCESS, (), prev)

    def _place(self, stage: Node, index: int, prev: Json | Missing, inside: JsonObject) -> Place | None:
        """Where the stage takes the item; None where its condition is false."""
        base, view = without_source(self._pipeline, *self._tools.views.of_node(self._rank, stage, inside))
        scope = Scope(state=base.state, args=base.args, inputs=base.inputs, item=self._source[index], index=index,
                      prev=prev, reads=view)
        slot = child_slot(item_slot(self._tools.slot_of(self._pipeline.id), index), stage.id)
        try:
            if stage.when is not None and not stage.when.test(scope):
                return None
            return Place(stage, slot, scope, view, self._tools.keys.shared(stage, scope, view), index,
                         keeps_failures=self._keeps_failures)
        except NodeError as error:
            return Place(stage, slot, scope, view, None, index, error, keeps_failures=self._keeps_failures)


def without_source(pipeline: Pipeline, scope: Scope, view: JsonObject) -> tuple[Scope, JsonObject]:
    """What stages see of what their pipeline does: everything but the list of items itself."""
    view = {name: value for name, value in view.items() if name != pipeline.listed_field}
    inputs = {name: value for name, value in scope.inputs.items() if name != pipeline.listed_input}
    return Scope(state=scope.state, args=scope.args, inputs=inputs, reads=view), view
