"""Fan-outs: a node with `for_each`, one slot an item."""

from __future__ import annotations

import asyncio

from oe.errors import NodeError
from oe.ids import item_slot
from oe.lang.scope import Scope
from oe.ports.store import Outcome
from oe.run.attempt import End, Job, Result
from oe.run.items import ItemRule, Items, resolve_list
from oe.run.slots import Place
from oe.run.turns import Turns
from oe.run.unit_outcome import UnitOutcome
from oe.run.units import Tools
from oe.spec.model import ForEach, Node, Unit
from oe.values import Json, JsonObject


class FanOutRunner:
    """Runs nodes with `for_each`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def restore(self, rank: int, unit: Unit) -> Result | None:
        """None: looking through all items takes its time, in which the loop has to have its turns. `run` does it."""
        return None

    async def run(self, rank: int, unit: Unit, refusal: NodeError | None) -> Result:
        """All items, then the unit's own outcome."""
        assert isinstance(unit, Node)
        tools = self._tools
        try:
            if refusal is not None:
                raise refusal
            fan_out = self._begin(rank, unit)
        except NodeError as error:
            return await tools.slots.take_or_carry_out(
                Place(unit, tools.slot_of(unit.id), *tools.views.of_node(rank, unit), None, refusal=error,
                      keeps_failures=tools.keeps_failures))
        items = fan_out.items
        try:
            if await self._restore(unit, fan_out):
                return Result(End.SUCCESS, (), items.gathered())
        except asyncio.CancelledError:  # nothing was begun: a resumed run looks through it again
            return Result(End.CANCELLED)
        outcome = UnitOutcome(tools, unit, len(items))
        try:
            await items.carry_out(tools.concurrency)
        except asyncio.CancelledError:
            return outcome.cancel()
        failure = items.verdict()
        if failure is None:
            return outcome.succeed(items.metrics(), items.gathered(), {})
        rule = unit.on_error
        policy = rule.then if rule.policy == "retry" else rule.policy
        return outcome.fail(failure, items.metrics(), fails_run=policy == "fail_run")

    async def _restore(self, unit: Node, fan_out: _FanOut) -> bool:
        """Whether the unit's committed success holds: every item of it would do the same again. Items that would are
        taken in any case."""
        outcome = self._tools.restored.find_success(self._tools.slot_of(unit.id))
        if outcome is None or not _is_of_items(outcome, len(fan_out.items)):
            return False
        if self._tools.slots.is_nested(unit):
            await fan_out.look_at_failures()
            return False
        if not await fan_out.take_all():
            return False
        self._tools.restored.take(outcome.slot)
        self._tools.recorder.restore((outcome,))
        return True

    def _begin(self, rank: int, node: Node) -> _FanOut:
        """The items of the list that the source is now. Raises NodeError where it is none."""
        assert node.for_each is not None
        scope, view = self._tools.views.of_node(rank, node)
        source = resolve_list(node.for_each.source, scope, "for_each")
        scope, view = without_list(node.for_each, scope, view)
        shared = self._tools.keys.shared(node, scope, view)
        in_journal = self._tools.attempts.is_in_journal(node, len(source))
        place = Place(node, self._tools.slot_of(node.id), scope, view, shared, in_journal=in_journal,
                      keeps_failures=self._tools.keeps_failures)
        return _FanOut(self._tools, rank, place, source)


def without_list(rule: ForEach, scope: Scope, view: JsonObject) -> tuple[Scope, JsonObject]:
    """What items see: everything but the list itself, so that one more item changes nothing for the others."""
    if rule.listed_field in view:
        view = {name: value for name, value in view.items() if name != rule.listed_field}
    if rule.listed_input in scope.inputs:
        inputs = {name: value for name, value in scope.inputs.items() if name != rule.listed_input}
        scope = Scope(state=scope.state, args=scope.args, inputs=inputs, reads=view)
    return scope, view


def _is_of_items(outcome: Outcome, count: int) -> bool:
    """Whether a unit's outcome is that of so many items: the node may have had no `for_each` when it was committed. A
    slot of its own would have a key."""
    return outcome.key is None and not outcome.writes and outcome.metrics.get("items") == count


class _FanOut:
    """One fan-out. `base` is the unit's own place, which each item's is made from."""

    def __init__(self, tools: Tools, rank: int, base: Place, source: list[Json]) -> None:
        self._tools = tools
        self._rank = rank
        self._base = base
        self._source = source
        rule = base.node.for_each
        assert rule is not None
        self.items = Items(base.node.id, len(source), ItemRule(rule.concurrency, rule.on_item_error, rule.min_success),
                           self._carry)

    async def take_all(self) -> bool:
        """Takes what an earlier process committed; whether that is every item and the unit's success holds. Failures of
        items count only then: otherwise they are tried again."""
        turns = Turns()
        failed: list[int] = []
        for index in range(len(self._source)):
            await turns.step()
            job = self._job(index)
            if self._tools.slots.find_failure(job) is not None:
                failed.append(index)
                continue
            result = self._taken(index, job)
            if result is None:
                return False
            self.items.finish(index, result.edge_output)
        if not self.items.is_success(len(failed)):
            return False
        for index in failed:
            await turns.step()
            outcome = self._tools.slots.find_failure(self._job(index))
            if outcome is not None and outcome.error is not None:
                self._tools.recorder.restore((outcome,))
                self.items.fail(index, outcome.error.message)
        return True

    async def look_at_failures(self) -> None:
        """Finds out of nested experiences whether failures of items count, as `take_all` does: so far as their own keys
        tell. What is in them is looked through when they are carried out."""
        turns = Turns()
        failed = 0
        for index in range(len(self._source)):
            await turns.step()
            end = self._tools.slots.find_end(self._job(index))
            if end is None:
                return
            failed += end.status == "failed"
        if self.items.is_success(failed):
            self._base = self._base._replace(keeps_failures=True)

    async def _carry(self, index: int) -> Result:
        job = self._job(index)
        taken = self._taken(index, job)
        if taken is not None:
            return taken
        result = await self._tools.slots.carry_out(job)
        if result.end is End.SUCCESS:
            self._tools.ledger.record(self._rank, index, result.writes, result.origin)
        return result

    def _taken(self, index: int, job: Job) -> Result | None:
        result = self._tools.slots.restore(job)
        if result is not None:
            self._tools.ledger.record(self._rank, index, result.writes, result.origin)
        return result

    def _job(self, index: int) -> Job:
        base = self._base
        scope = base.scope
        own = Scope(state=scope.state, args=scope.args, inputs=scope.inputs, item=self._source[index], index=index,
                    reads=base.view)
        return self._tools.slots.prepare(
            base._replace(slot=item_slot(base.slot, index), scope=own, item_index=index))
