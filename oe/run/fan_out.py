"""Fan-outs: one attempt-loop an item, a bounded number at once, outputs folded and gathered in item order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from oe.errors import NodeError
from oe.ids import item_slot
from oe.lang.scope import Missing, Scope
from oe.ports.store import Failure, Outcome
from oe.run.attempt import End, Job, Result
from oe.run.slots import Place
from oe.run.units import Tools
from oe.spec.model import ForEach, Node, Unit
from oe.state.events import Event
from oe.state.status import OutcomeStatus
from oe.text import plural
from oe.values import Json, JsonObject, kind_of

_LISTED_FAILURES = 100


class FanOutRunner:
    """Nodes with `for_each`. Tasks are as many as may run at once, never as many as there are items."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._begun: dict[int, _Items] = {}

    def restore(self, rank: int, unit: Unit) -> Result | None:
        """The unit's committed success, if every item of it would do the same again. Items that would are taken in any
        case."""
        outcome = self._tools.restored.find_success(unit.id)
        if outcome is None or not isinstance(unit, Node):
            return None
        self._tools.restored.discard(unit.id)
        try:
            items = self._begun[rank] = self._begin(rank, unit)
        except NodeError:
            items = None
        if items is None or not items.take_all() or items.verdict() is not None:
            self._tools.recorder.supersede((unit.id,))
            return None
        del self._begun[rank]
        self._tools.recorder.restore((outcome,))
        return Result(End.SUCCESS, (), items.gathered())

    async def run(self, rank: int, unit: Unit, refusal: NodeError | None) -> Result:
        """All items, then the unit's own outcome."""
        assert isinstance(unit, Node)
        tools = self._tools
        number = tools.restored.numbers.get(unit.id, 0) + 1
        started = tools.clock.now()
        try:
            if refusal is not None:
                raise refusal
            items = self._begun.pop(rank, None) or self._begin(rank, unit)
        except NodeError as error:
            place = Place(unit, unit.id, *tools.views.of_node(rank, unit), None, refusal=error)
            return await tools.slots.carry_out(tools.slots.prepare(place))
        tools.recorder.emit((Event("node.started", started, unit.id, number, None, unit.phase, {"items": len(items)}),))
        try:
            await items.carry_out(tools.concurrency)
        except asyncio.CancelledError:
            outcome = self._outcome(unit, number, started, "cancelled")
            tools.recorder.commit(outcome._replace(reason=tools.attempts.cancel_reason))
            return Result(End.CANCELLED)
        return self._settle(unit, items, number, started)

    def _begin(self, rank: int, node: Node) -> _Items:
        """The items of the list that the source is now. Raises NodeError where it is none."""
        assert node.for_each is not None
        scope, view = self._tools.views.of_node(rank, node)
        source = _source_list(node.for_each, scope)
        listed = node.for_each.listed_field
        if listed in view:
            view = {name: value for name, value in view.items() if name != listed}
        shared = self._tools.keys.shared(node, scope, view)
        in_journal = self._tools.attempts.is_in_journal(node, len(source))
        return _Items(self._tools, rank, Place(node, node.id, scope, view, shared, in_journal=in_journal), source)

    def _settle(self, node: Node, items: _Items, number: int, started: float) -> Result:
        failure = items.verdict()
        outcome = self._outcome(node, number, started, "failed" if failure else "success")
        self._tools.recorder.commit(outcome._replace(metrics=items.metrics(), error=failure))
        if failure is None:
            return Result(End.SUCCESS, (), items.gathered())
        rule = node.on_error
        policy = rule.then if rule.policy == "retry" else rule.policy
        return Result(End.FAIL_RUN if policy == "fail_run" else End.FAILED)

    def _outcome(self, node: Node, number: int, started: float, status: OutcomeStatus) -> Outcome:
        details: JsonObject = {} if node.phase is None else {"phase": node.phase}
        return Outcome(node.id, number, status, started, self._tools.clock.now(), details=details)


class _Items:
    """The items of one fan-out and how they ended. `base` is the unit's own place, which each item's is made from."""

    def __init__(self, tools: Tools, rank: int, base: Place, source: list[Json]) -> None:
        self._tools = tools
        self._rank = rank
        self._base = base
        self._node = base.node
        self._source = source
        self._outputs: list[Json] = [None] * len(source)
        self._done = bytearray(len(source))
        self._failures: list[int] = []
        self._first_error = ""
        self._cancelled = False

    def __len__(self) -> int:
        return len(self._source)

    async def carry_out(self, concurrency: int) -> None:
        """Runs all items that are not done. Raises CancelledError when they were cancelled, after the last ended."""
        assert self._node.for_each is not None
        width = min(self._node.for_each.concurrency or concurrency, len(self._source))
        left = iter(range(len(self._source)))
        async with asyncio.TaskGroup() as group:
            for _ in range(width):
                group.create_task(self._work(left))
        if self._cancelled:
            raise asyncio.CancelledError

    def take_all(self) -> bool:
        """Takes what an earlier process committed, failures of items among it; whether that is every item."""
        for index in range(len(self._source)):
            job = self._job(index)
            if not self._take(index, job):
                failed = self._tools.restored.find_failure(job.slot)
                if failed is None or failed.error is None or job.found is None or failed.key != job.found.key:
                    self._failures.clear()
                    return False
                self._tools.recorder.restore((failed,))
                self._fail(index, failed.error.message)
        return True

    def verdict(self) -> Failure | None:
        """Why the unit fails, or None where it does not."""
        rule = self._node.for_each
        assert rule is not None
        total, failed = len(self._source), len(self._failures)
        if failed and rule.on_item_error == "fail":
            return Failure("ItemsFailed", f"{failed} of {plural(total, 'item')} failed; {self._first_error}")
        if rule.min_success is not None and total - failed < rule.min_success:
            more = f"; {self._first_error}" if failed else ""
            return Failure("ItemsFailed", f"{total - failed} of {plural(total, 'item')} succeeded, "
                                          f"min_success is {rule.min_success}{more}")
        return None

    def metrics(self) -> JsonObject:
        """How many items there were, and which failed."""
        metrics: dict[str, Json] = {"items": len(self._source)}
        if self._failures:
            metrics["items_failed"] = len(self._failures)
            metrics["failures"] = sorted(self._failures)[:_LISTED_FAILURES]
        return metrics

    def gathered(self) -> Json:
        """The edge outputs in item order, null where an item has none."""
        return self._outputs

    async def _work(self, left: Iterator[int]) -> None:
        for index in left:
            if self._cancelled:
                return
            if self._done[index]:
                continue
            job = self._job(index)
            if self._take(index, job):
                continue
            result = await self._tools.slots.carry_out(job)
            if result.end is End.CANCELLED:
                self._cancelled = True
                return
            if result.end is End.SUCCESS:
                self._finish(index, result)
            else:
                self._fail(index, result.error)

    def _take(self, index: int, job: Job) -> bool:
        result = self._tools.slots.restore(job)
        if result is None:
            return False
        self._finish(index, result)
        return True

    def _job(self, index: int) -> Job:
        base = self._base
        scope = base.scope
        own = Scope(state=scope.state, args=scope.args, inputs=scope.inputs, item=self._source[index], index=index,
                    reads=base.view)
        return self._tools.slots.prepare(
            base._replace(slot=item_slot(self._node.id, index), scope=own, item_index=index))

    def _finish(self, index: int, result: Result) -> None:
        self._done[index] = 1
        self._tools.ledger.record(self._rank, index, result.writes)
        if not isinstance(result.edge_output, Missing):
            self._outputs[index] = result.edge_output

    def _fail(self, index: int, error: str) -> None:
        if not self._failures or index < min(self._failures):
            self._first_error = f"first {item_slot(self._node.id, index)}: {error}"
        self._failures.append(index)


def _source_list(rule: ForEach, scope: Scope) -> list[Json]:
    source = rule.source.resolve(scope)
    if not isinstance(source, list):
        raise NodeError(f"for_each needs a list, its source is {_with_article(kind_of(source))}", name="NotAList",
                        retryable=False, code="not-a-list")
    return source


def _with_article(noun: str) -> str:
    return noun if noun == "null" else f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"
