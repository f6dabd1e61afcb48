"""Loops: a body that is repeated until its condition holds or a bound is reached."""

from __future__ import annotations

import asyncio

from oe.errors import NodeError
from oe.ids import child_slot, item_slot
from oe.lang.scope import Missing, Scope
from oe.ports.store import Failure
from oe.run.attempt import End, Result
from oe.run.slots import Place
from oe.run.turns import Turns
from oe.run.unit_outcome import UnitOutcome
from oe.run.units import Tools
from oe.spec.model import Loop, Node, Unit
from oe.values import Json


class LoopRunner:
    """Runs loops, body after body. What an earlier process finished of one is taken slot by slot."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def restore(self, rank: int, unit: Unit) -> Result | None:
        """None: `run` takes every slot that would do the same again, and with all of them the loop's own outcome."""
        return None

    async def run(self, rank: int, unit: Unit, refusal: NodeError | None) -> Result:
        """All iterations, then the unit's own outcome."""
        assert isinstance(unit, Loop)
        outcome = UnitOutcome(self._tools, unit)
        if refusal is not None:
            return outcome.fail(Failure(refusal.name, refusal.message), {}, fails_run=False)
        rounds = _Rounds(self._tools, rank, unit)
        try:
            result = await rounds.carry_out()
        except NodeError as error:
            return outcome.fail(Failure(error.name, f"until: {error.message}"), {"iterations": rounds.count},
                                fails_run=False)
        except asyncio.CancelledError:
            return outcome.cancel()
        if result.end is End.CANCELLED:
            return outcome.cancel()
        metrics: dict[str, Json] = {"iterations": rounds.count}
        if result.end is not End.SUCCESS:
            return outcome.fail(Failure("BodyFailed", result.error), metrics, fails_run=result.end is End.FAIL_RUN)
        if rounds.is_exhausted and unit.on_exhausted == "fail":
            return outcome.fail(Failure("LoopExhausted", f"'until' did not hold after {rounds.count} iterations"),
                                metrics, fails_run=False)
        output = None if isinstance(result.edge_output, Missing) else result.edge_output
        return outcome.succeed(metrics, output, {"exhausted": rounds.count} if rounds.is_exhausted else {})


class _Rounds:
    """The iterations of one loop. An iteration sees the loop's base and all earlier iterations."""

    def __init__(self, tools: Tools, rank: int, loop: Loop) -> None:
        self._tools = tools
        self._rank = rank
        self._loop = loop
        self._body = tools.views.nodes_of(loop)
        self._inside: dict[str, Json] = {}
        self.count = 0
        self.is_exhausted = False

    async def carry_out(self) -> Result:
        """The result of the last body node that ran. Raises NodeError where `until` cannot be evaluated,
        CancelledError where the loop is ended between two slots."""
        last = Result(End.SUCCESS)
        turns = Turns()
        while True:
            await turns.step()
            for place_in_body, node in enumerate(self._body):
                result = await self._carry(node, place_in_body)
                if result is None:
                    continue
                if result.end is End.FAILED and self._is_budget_spent():
                    self.is_exhausted = True
                    return last
                if result.end is not End.SUCCESS:
                    slot = child_slot(item_slot(self._loop.id, self.count), node.id)
                    return result._replace(error=f"{slot}: {result.error}")
                last = result
            self.count += 1
            if self._loop.until is not None and self._holds():
                return last
            if self._is_bound_reached():
                self.is_exhausted = True
                return last

    async def _carry(self, node: Node, place_in_body: int) -> Result | None:
        """One body node in one iteration; None where its own condition is false."""
        place = self._place(node)
        if place is None:
            return None
        result = await self._tools.slots.take_or_carry_out(place)
        if result.end is End.SUCCESS:
            self._tools.ledger.record(self._rank, (self.count, place_in_body), result.writes, result.origin)
            self._tools.ledger.grow(self._rank, self._inside, result.writes)
        return result

    def _place(self, node: Node) -> Place | None:
        base, view = self._tools.views.of_node(self._rank, node, self._inside)
        scope = Scope(state=base.state, args=base.args, inputs=base.inputs, iteration=self.count, reads=view)
        slot = child_slot(item_slot(self._tools.slot_of(self._loop.id), self.count), node.id)
        try:
            if node.when is not None and not node.when.test(scope):
                return None
            return Place(node, slot, scope, view, self._tools.keys.shared(node, scope, view), self.count,
                         keeps_failures=self._tools.keeps_failures)
        except NodeError as error:
            return Place(node, slot, scope, view, None, self.count, error, keeps_failures=self._tools.keeps_failures)

    def _is_bound_reached(self) -> bool:
        most = self._loop.max_iters
        return (most is not None and self.count >= most) or self._is_budget_spent()

    def _is_budget_spent(self) -> bool:
        slot = self._tools.slot_of(self._loop.id)
        return self._loop.budget is not None and self._tools.attempts.is_budget_spent(slot)

    def _holds(self) -> bool:
        until = self._loop.until
        assert until is not None
        scope = self._tools.views.of_unit(self._rank, [((), each) for each in until.references()], self._inside)
        return until.test(Scope(state=scope.state, args=scope.args, inputs=scope.inputs, iteration=self.count - 1))
