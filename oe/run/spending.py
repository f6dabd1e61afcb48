"""What a run spends: every call is charged before it is made and settled after, within the budgets that cover it.

A charge is committed before the call, so that what a crash cuts off still counts. One that does not fit waits while
other calls are in flight, since those mostly cost less than their worst case; with none in flight it is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from oe.clock import Clock
from oe.errors import NodeError
from oe.ids import node_of
from oe.ports.spending import Charged, Cost, Spent
from oe.ports.store import Store
from oe.spec.model import Budget, Experience
from oe.state.events import Event
from oe.values import Json, JsonObject

WARN_SHARE = 0.8
"""The share of a limit from which on a run says that it is nearly spent."""

_TURNS = 64
"""Turns of the loop within which a stop reaches an attempt, through all experiences that it is nested in."""
_ROUNDING = 1e-9
"""Sums of money are sums of fractions, which leave a rest."""


class Limit:
    """One budget, and what of it is spent. `ends_run`: a call that it has no room for ends the run, and not only the
    loop that the budget is of. `slot` is where its experience is nested in the run."""

    def __init__(self, name: str, budget: Budget, covers: Callable[[str], bool], *, ends_run: bool = True,
                 slot: str = "") -> None:
        self.name = name
        self.slot = slot
        self.covers = covers
        self.ends_run = ends_run
        self.in_flight = 0
        self.is_refused = False
        self._most = {key: float(value) for key, value in budget._asdict().items() if value is not None}
        self._spent = Cost()
        self._reserved = Cost()
        self._warned: dict[str, float] = {}

    @property
    def told(self) -> str:
        """The name as it stands in a sentence."""
        return "the run" if self.name == "run" else self.name

    @property
    def way_on(self) -> str | None:
        """How a run that it has ended can be given more."""
        if self.name == "run":
            return "oe resume --budget gives more"
        return "raise it in the experience, then oe resume" if self.ends_run else None

    def lacking(self, worst: Cost) -> str | None:
        """What there is no room for now: usd, tokens or calls."""
        return next((key for key, most in self._most.items()
                     if self._held(key) + getattr(worst, key) > most + _ROUNDING), None)

    def counts(self, key: str) -> bool:
        """Whether it bounds usd, tokens or calls."""
        return key in self._most

    def hold(self, worst: Cost) -> None:
        """Counts a call that is made."""
        self._reserved = _sum(self._reserved, worst)
        self.in_flight += 1

    def let_go(self, worst: Cost) -> None:
        """The call is over."""
        self._reserved = _sum(self._reserved, worst, -1)
        self.in_flight -= 1

    def add(self, cost: Cost) -> None:
        """Counts what a call came to."""
        self._spent = _sum(self._spent, cost)

    def is_spent(self) -> bool:
        """Whether nothing more can be had of it."""
        return self.is_refused or any(getattr(self._spent, key) >= most for key, most in self._most.items())

    def standing(self, key: str) -> JsonObject:
        """How much of a limit is spent, as a warning tells it."""
        return {"budget": f"{self.name} {key}", "spent": _plain(getattr(self._spent, key)),
                "limit": _plain(self._most[key])}

    def warnings(self) -> list[JsonObject]:
        """Limits that have become nearly spent since the last call."""
        near = [key for key, most in self._most.items()
                if key not in self._warned and getattr(self._spent, key) >= WARN_SHARE * most]
        self._warned.update((key, float(getattr(self._spent, key))) for key in near)
        return [self.standing(key) for key in near]

    def was_told(self, key: str) -> bool:
        """Whether a warning has said just this: how much is spent now."""
        return self._warned.get(key) == float(getattr(self._spent, key))

    def _held(self, key: str) -> float:
        return float(getattr(self._spent, key) + getattr(self._reserved, key))


class Account(NamedTuple):
    """Where a run's spending is kept, and how it is told."""

    run_id: str
    store: Store
    clock: Clock
    emit: Callable[[Sequence[Event]], None]
    stop: Callable[[], None]


class Spending:
    """The calls of a run. `limits` are its budgets; what earlier processes of the run have spent counts. What calls
    come to is left in `by_slot` until the attempt that made them is committed."""

    def __init__(self, limits: Iterable[Limit], account: Account, by_slot: dict[str, list[Spent]],
                 earlier: Iterable[Charged] = ()) -> None:
        self._limits: list[Limit] = []
        self._account = account
        self._waiting: list[asyncio.Future[None]] = []
        self._by_slot = by_slot
        self._earlier = list(earlier)
        self.cover(limits)

    def cover(self, limits: Iterable[Limit]) -> None:
        """Takes further limits, those of an experience that begins inside the run."""
        for limit in limits:
            self._limits.append(limit)
            for charged in self._earlier:
                if limit.covers(charged.slot):
                    limit.add(charged.cost)

    def uncover(self, slot: str) -> None:
        """Lets go of the limits of an experience that was carried out at a slot."""
        self._limits = [limit for limit in self._limits if limit.slot != slot]

    @asynccontextmanager
    async def charge(self, slot: str, worst: Cost) -> AsyncIterator[OpenCharge]:
        """See NodeContext.charge."""
        charge = OpenCharge(self, slot, self._covering(slot), worst)
        await self.reserve(charge)
        try:
            yield charge
        finally:
            self.close(charge)

    async def reserve(self, charge: OpenCharge) -> None:
        """Waits until a call fits, and counts its worst case. Raises NodeError where it never will."""
        await self._room(charge.slot, charge.limits, charge.worst)
        charge.number = self._account.store.charge(self._account.run_id, charge.slot, charge.worst)
        for limit in charge.limits:
            limit.hold(charge.worst)

    def close(self, charge: OpenCharge) -> None:
        """Puts what a call came to in the place of its worst case; nothing where none is charged."""
        if charge.number is None:
            return
        total, worst = charge.total, charge.worst
        if total is None:
            total = Charged(charge.slot, worst.tokens, 0, worst.usd, worst.calls, is_settled=False)
            for limit in charge.limits:
                limit.add(total.cost)
        self._account.store.settle(charge.number, total)
        charge.number = charge.total = None
        for limit in charge.limits:
            limit.let_go(worst)
        self._wake()
        self._warn(charge.limits)

    def count(self, charge: OpenCharge, spent: Spent) -> None:
        """Counts what a call came to."""
        self._by_slot.setdefault(charge.slot, []).append(spent)
        for limit in charge.limits:
            limit.add(Cost(spent.usd or 0.0, spent.input_tokens + spent.output_tokens, 1))

    def counts_usd(self, slot: str) -> bool:
        """Whether a budget in dollars covers the slot."""
        return any(limit.counts("usd") for limit in self._covering(slot))

    def is_spent(self, name: str) -> bool:
        """Whether the budget of that name is spent."""
        return any(limit.name == name and limit.is_spent() for limit in self._limits)

    def _covering(self, slot: str) -> list[Limit]:
        return [limit for limit in self._limits if limit.covers(slot)]

    async def _room(self, slot: str, limits: Sequence[Limit], worst: Cost) -> None:
        while True:
            short = next(((limit, key) for limit in limits if (key := limit.lacking(worst)) is not None), None)
            if short is None:
                return
            limit, key = short
            if not limit.in_flight:
                await self._refuse(slot, limit, key)
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn

    async def _refuse(self, slot: str, limit: Limit, key: str) -> None:
        standing = limit.standing(key)
        if not limit.is_refused:  # told once, however many wait
            limit.is_refused = True
            if not limit.was_told(key):
                self._account.emit((Event("budget.warning", self._account.clock.now(), data=standing),))
        if limit.ends_run:
            self._account.stop()
            for _ in range(_TURNS):  # the stop cancels this attempt, unless it belongs to a unit that runs always
                await asyncio.sleep(0)
        raise NodeError(f"the budget of {limit.told} does not allow another call: {standing['spent']} of "
                        f"{standing['limit']} {key} are spent, and this one may cost more than the rest",
                        name="BudgetSpent", retryable=False, code="budget-spent",
                        hint=limit.way_on)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)

    def _warn(self, limits: Sequence[Limit]) -> None:
        now = self._account.clock.now()
        events = [Event("budget.warning", now, data=standing) for limit in limits for standing in limit.warnings()]
        if events:
            self._account.emit(events)


class OpenCharge:
    """Implements Charge. `number` is that of its record, None while nothing is charged; `total` is what was settled of
    it, None: nothing."""

    def __init__(self, spending: Spending, slot: str, limits: Sequence[Limit], worst: Cost) -> None:
        self._spending = spending
        self.slot = slot
        self.limits = limits
        self.worst = worst
        self.number: int | None = None
        self.total: Charged | None = None

    def settle(self, spent: Spent) -> None:
        """See Charge."""
        if self.number is None:  # cancelled while it waited for another call, which was not made
            return
        before = self.total or Charged(self.slot)
        self.total = Charged(self.slot, before.input_tokens + spent.input_tokens,
                             before.output_tokens + spent.output_tokens, before.usd + (spent.usd or 0.0),
                             before.calls + 1, is_unpriced=spent.usd is None)
        self._spending.count(self, spent)

    async def again(self) -> None:
        """See Charge."""
        self._spending.close(self)
        await self._spending.reserve(self)

    def forget(self) -> None:
        """See Charge."""
        self.total = self.total or Charged(self.slot)


def limits_of(experience: Experience, budget: Budget | None, slot: str = "") -> list[Limit]:
    """The limits of an experience's budgets; `budget` is that of the whole, `slot` where it is nested in a run."""
    prefix = f"{slot}/" if slot else ""

    def limit(name: str, budget: Budget, covers: Callable[[str], bool], *, ends_run: bool = True) -> Limit:
        def covers_nested(place: str) -> bool:
            return place.startswith(prefix) and covers(place[len(prefix):])

        return Limit(name, budget, covers_nested if prefix else covers, ends_run=ends_run, slot=slot)

    limits = [] if budget is None else [limit(f"experience {slot}" if slot else "run", budget, lambda _: True)]
    owners = {stage: pipeline.id for pipeline in experience.pipelines.values() for stage in pipeline.stages}
    owners.update((member, loop.id) for loop in experience.loops.values() for member in loop.body)
    for node in experience.nodes.values():
        if node.budget is not None:
            limits.append(limit(f"node {prefix}{node.id}", node.budget, _of_node(node.id, owners.get(node.id))))
    for loop in experience.loops.values():
        if loop.budget is not None:
            limits.append(limit(f"loop {prefix}{loop.id}", loop.budget, _of_unit(loop.id), ends_run=False))
    return limits


def _of_unit(unit_id: str) -> Callable[[str], bool]:
    return lambda slot: _first_name(slot) == unit_id


def _of_node(node_id: str, owner: str | None) -> Callable[[str], bool]:
    if owner is None:
        return _of_unit(node_id)
    return lambda slot: _first_name(slot) == owner and node_of("/".join(slot.split("/")[:2])) == node_id


def _first_name(slot: str) -> str:
    return slot.partition("/")[0].partition("[")[0]


def _sum(left: Cost, right: Cost, sign: int = 1) -> Cost:
    return Cost(left.usd + sign * right.usd, left.tokens + sign * right.tokens, left.calls + sign * right.calls)


def _plain(number: float) -> float:
    return int(number) if float(number).is_integer() else round(number, 6)


def tokens_of(calls: Iterable[Spent]) -> list[Json]:
    """What calls came to, as an outcome keeps it."""
    return [_as_object(spent) for spent in calls]


def metrics_of(calls: Sequence[Spent]) -> dict[str, Json]:
    """The same as the metrics of an attempt."""
    priced = [each.usd for each in calls if each.usd is not None]
    metrics: dict[str, Json] = {
        "calls": len(calls), "input_tokens": sum(each.input_tokens for each in calls),
        "output_tokens": sum(each.output_tokens for each in calls)}
    if calls and calls[-1].model:
        metrics["model"] = calls[-1].model
    if priced:
        metrics["cost_usd"] = round(sum(priced), 9)
    return metrics


def _as_object(spent: Spent) -> JsonObject:
    record: dict[str, Json] = {"input_tokens": spent.input_tokens, "output_tokens": spent.output_tokens}
    if spent.model:
        record["model"] = spent.model
    if spent.usd is not None:
        record["cost_usd"] = round(spent.usd, 9)
    if spent.is_estimated:
        record["estimated"] = True
    return record
