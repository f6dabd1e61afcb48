"""Fan-outs: one attempt-loop an item, a bounded number at once, outputs folded and gathered in item order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from oe.errors import NodeError
from oe.ids import item_slot
from oe.lang.scope import Missing, Scope
from oe.ports.store import Failure, Outcome
from oe.run.attempt import End, Job, Result
from oe.run.units import Tools
from oe.spec.model import ForEach, Node, Unit
from oe.state.events import Event
from oe.text import plural
from oe.values import Json, JsonObject, kind_of

_LISTED_FAILURES = 100


class FanOutRunner:
    """Nodes with `for_each`. Tasks are as many as may run at once, never as many as there are items."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def restore(self, rank: int, unit: Unit) -> Result | None:
        """The unit's committed success: its items are taken from their own outcomes."""
        outcome = self._tools.restored.take_success(unit.id)
        if outcome is None or not isinstance(unit, Node):
            return None
        self._tools.recorder.restore((outcome,))
        if "items" not in outcome.metrics:  # it failed before there were items, and went on with its fallback
            return Result(End.SUCCESS, tuple(outcome.writes), outcome.edge_output)
        count = outcome.metrics["items"]
        assert isinstance(count, int)
        items = _Items(self._tools, rank, unit, [None] * count)
        for index in range(count):
            items.take(index)
        return Result(End.SUCCESS, (), items.gathered())

    async def run(self, rank: int, unit: Unit, refusal: NodeError | None) -> Result:
        """All items, then the unit's own outcome."""
        assert isinstance(unit, Node) and unit.for_each is not None
        tools = self._tools
        number = tools.restored.numbers.get(unit.id, 0) + 1
        started = tools.clock.now()
        scope, view = tools.views.of_node(rank, unit)
        try:
            if refusal is not None:
                raise refusal
            source = _source_list(unit.for_each, scope)
        except NodeError as error:
            job = Job(unit, unit.id, lambda: tools.executors.of(unit), scope, view, refusal=error)
            return await tools.attempts.carry_out(job)
        tools.recorder.emit((Event("node.started", started, unit.id, number, None, unit.phase, {"items": len(source)}),))
        items = _Items(tools, rank, unit, source)
        try:
            await items.carry_out(scope, _view_without_source(unit, view))
        except asyncio.CancelledError:
            self._commit(unit, number, started, "cancelled", reason=tools.attempts.cancel_reason)
            return Result(End.CANCELLED)
        return self._settle(unit, items, number, started)

    def _settle(self, node: Node, items: _Items, number: int, started: float) -> Result:
        failure = items.verdict()
        if failure is None:
            self._commit(node, number, started, "success", metrics=items.metrics())
            return Result(End.SUCCESS, (), items.gathered())
        self._commit(node, number, started, "failed", metrics=items.metrics(), error=failure)
        rule = node.on_error
        policy = rule.then if rule.policy == "retry" else rule.policy
        return Result(End.FAIL_RUN if policy == "fail_run" else End.FAILED)

    def _commit(self, node: Node, number: int, started: float, status: str, *, metrics: JsonObject | None = None,  # noqa: PLR0913
                error: Failure | None = None, reason: str | None = None) -> None:
        details: JsonObject = {} if node.phase is None else {"phase": node.phase}
        self._tools.recorder.commit(Outcome(
            node.id, number, status, started, self._tools.clock.now(), metrics=metrics or {}, error=error,  # type: ignore[arg-type]
            reason=reason, details=details))


class _Items:
    """The items of one fan-out and how they ended. An item that an earlier process finished is not run again."""

    def __init__(self, tools: Tools, rank: int, node: Node, source: list[Json]) -> None:
        self._tools = tools
        self._rank = rank
        self._node = node
        self._source = source
        self._outputs: list[Json] = [None] * len(source)
        self._failures: list[int] = []
        self._first_error = ""
        self._left = iter(range(len(source)))
        self._cancelled = False

    async def carry_out(self, scope: Scope, view: JsonObject) -> None:
        """Runs all items. Raises CancelledError when they were cancelled, after the last of them has ended."""
        assert self._node.for_each is not None
        width = min(self._node.for_each.concurrency or self._tools.concurrency, len(self._source))
        async with asyncio.TaskGroup() as group:
            for _ in range(width):
                group.create_task(self._work(self._left, scope, view))
        if self._cancelled:
            raise asyncio.CancelledError

    def take(self, index: int) -> bool:
        """Takes an item's committed success; False where there is none."""
        outcome = self._tools.restored.take_success(item_slot(self._node.id, index))
        if outcome is None:
            return False
        self._tools.recorder.restore((outcome,))
        self._finish(index, tuple(outcome.writes), outcome.edge_output)
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

    async def _work(self, left: Iterator[int], scope: Scope, view: JsonObject) -> None:
        for index in left:
            if self._cancelled:
                return
            if self.take(index):
                continue
            result = await self._tools.attempts.carry_out(self._job(index, scope, view))
            if result.end is End.CANCELLED:
                self._cancelled = True
                return
            if result.end is End.SUCCESS:
                self._finish(index, result.writes, result.edge_output)
            else:
                self._fail(index, result.error)

    def _job(self, index: int, scope: Scope, view: JsonObject) -> Job:
        own = Scope(state=scope.state, args=scope.args, inputs=scope.inputs, item=self._source[index], index=index,
                    reads=view)
        node = self._node
        return Job(node, item_slot(node.id, index), lambda: self._tools.executors.of(node), own, view, item_index=index)

    def _finish(self, index: int, writes: tuple[tuple[str, Json], ...], output: Json | Missing) -> None:
        self._tools.ledger.record(self._rank, (index,), writes)
        if not isinstance(output, Missing):
            self._outputs[index] = output

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


def _listed_field(node: Node) -> str | None:
    """The state field that `source` names as a whole: it is no part of an item's view (semantics §2)."""
    assert node.for_each is not None
    for path, reference in node.for_each.source.references():
        if not path and reference.root == "state" and len(reference.segments) == 1:
            return str(reference.segments[0])
    return None


def _view_without_source(node: Node, view: JsonObject) -> JsonObject:
    field = _listed_field(node)
    return {name: value for name, value in view.items() if name != field} if field in view else view
