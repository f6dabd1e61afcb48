"""The items of a unit: a bounded number at once, outputs in item order, and one verdict over all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

from oe.errors import NodeError
from oe.ids import item_slot
from oe.lang.scope import Missing, Scope
from oe.lang.template import ValueTemplate
from oe.ports.store import Failure
from oe.run.attempt import End, Result
from oe.run.cancelling import is_being_cancelled
from oe.run.turns import Turns
from oe.text import plural
from oe.values import Json, JsonObject, kind_of

_LISTED_FAILURES = 100


class ItemRule(NamedTuple):
    """How many items at once (None: as many as units), and what failures of items mean for the unit."""

    concurrency: int | None
    on_item_error: str
    min_success: int | None = None


class Items:
    """Items and how they ended. `carry` brings one item to its end; it is not called for items that are done."""

    def __init__(self, unit_id: str, count: int, rule: ItemRule, carry: Callable[[int], Awaitable[Result]]) -> None:
        self._unit_id = unit_id
        self._rule = rule
        self._carry = carry
        self._outputs: list[Json] = [None] * count
        self._done = bytearray(count)
        self._failures: list[int] = []
        self._first_failure = count
        self._first_error = ""
        self._cancelled = False
        self._turns = Turns()
        self.fails_run = False

    def __len__(self) -> int:
        return len(self._outputs)

    async def carry_out(self, concurrency: int) -> None:
        """Runs all items that are not done; tasks are as many as may run at once, never as many as there are items.
        Raises CancelledError when they were cancelled, after the last of them has ended."""
        left = iter(range(len(self)))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._rule.concurrency or concurrency, len(self))):
                    group.create_task(self._work(left))
        except BaseExceptionGroup as errors:  # a fault of the store is one error, however many items met it
            raise errors.exceptions[0] from errors
        if self._cancelled:
            raise asyncio.CancelledError

    def finish(self, index: int, output: Json | Missing) -> None:
        """Takes the success of an item."""
        self._done[index] = 1
        if not isinstance(output, Missing):
            self._outputs[index] = output

    def fail(self, index: int, error: str) -> None:
        """Takes the failure of an item."""
        if index < self._first_failure:
            self._first_failure = index
            self._first_error = f"first {item_slot(self._unit_id, index)}: {error}"
        self._failures.append(index)

    def verdict(self) -> Failure | None:
        """Why the unit fails, or None where it does not."""
        total, failed = len(self), len(self._failures)
        if self.is_success(failed):
            return None
        if failed and self._rule.on_item_error == "fail":
            return Failure("ItemsFailed", f"{failed} of {plural(total, 'item')} failed; {self._first_error}")
        more = f"; {self._first_error}" if failed else ""
        return Failure("ItemsFailed", f"{total - failed} of {plural(total, 'item')} succeeded, "
                                      f"min_success is {self._rule.min_success}{more}")

    def is_success(self, failed: int) -> bool:
        """Whether the unit succeeds where so many items fail."""
        if failed and self._rule.on_item_error == "fail":
            return False
        return self._rule.min_success is None or len(self) - failed >= self._rule.min_success

    def metrics(self) -> JsonObject:
        """How many items there were, and which failed."""
        metrics: dict[str, Json] = {"items": len(self)}
        if self._failures:
            metrics["items_failed"] = len(self._failures)
            metrics["failures"] = sorted(self._failures)[:_LISTED_FAILURES]
        return metrics

    def gathered(self) -> Json:
        """The outputs in item order, null where an item has none."""
        return self._outputs

    async def _work(self, left: Iterator[int]) -> None:
        for index in left:
            await self._turns.step()
            if self._cancelled:
                return
            if self._done[index]:
                continue
            result = await self._carry(index)
            if result.end is End.SUCCESS:
                self.finish(index, result.edge_output)
            elif result.end is not End.CANCELLED:
                self.fails_run = self.fails_run or result.end is End.FAIL_RUN
                self.fail(index, result.error)
            if result.end is End.CANCELLED or is_being_cancelled():
                self._cancelled = True
                return


def resolve_list(template: ValueTemplate, scope: Scope, key: str) -> list[Json]:
    """The list that `key` names. Raises NodeError where it is none."""
    source = template.resolve(scope)
    if not isinstance(source, list):
        raise NodeError(f"{key} needs a list, its source is {_with_article(kind_of(source))}", name="NotAList",
                        retryable=False, code="not-a-list")
    return source


def _with_article(noun: str) -> str:
    return noun if noun == "null" else f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"
