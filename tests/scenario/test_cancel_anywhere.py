"""Runs that are ended at any moment, in every way: everything that began ends once, nothing is left, and the resumed run
comes to where an undisturbed one does."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import pytest

from oe.errors import NodeError
from oe.ports.committed import log_of
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.ports.store import Outcome
from oe.run.session import Session
from oe.state.events import EVENTS, as_object
from tests.support.random_graphs import CHILD, STATE, Graph, random_graph, worker
from tests.support.scenario import Scenario, Script

REASONS = {"user", "deadline", "timeout", "parent_failed", "sibling_failed", "budget", "scope_ended", "manual"}
ENDINGS = {"node.finished", "node.failed", "node.cancelled"}
CLEANUP_SECONDS = 30.0
LATEST_SECONDS = CLEANUP_SECONDS + 10.0
"""Clean-ups have 30 s, and what runs after that 10 s to end."""
STEP = "kind: step, reads: [last, log], writes: [last, log]"
FREE = "kind: step, writes: [last, log]"
GRAPHS = {
    "chain": "nodes:\n" + "".join(
        f"    - {{id: n{number}, {STEP}, needs: [{f'n{number - 1}' if number else ''}]}}\n" for number in range(8)),
    "fan-out": f"""nodes:
    - {{id: n0, {STEP}, for_each: {{source: $.words, concurrency: 3}}}}
    - {{id: n1, {STEP}, needs: [n0]}}
""",
    "pipeline": f"""nodes:
    - {{id: n0, {STEP}}}
    - {{id: n1, {STEP}}}
    - {{id: n2, {STEP}, needs: [pipe]}}
  pipelines: [{{id: pipe, items: $.words, stages: [n0, n1]}}]
""",
    "loop": f"""nodes:
    - {{id: n0, {STEP}}}
    - {{id: n1, {STEP}}}
    - {{id: n2, {STEP}, needs: [again]}}
  loops: [{{id: again, body: [n0, n1], max_iters: 4}}]
""",
    "nested": f"""nodes:
    - {{id: n0, {STEP}}}
    - {{id: n1, kind: experience, impl: child.yaml, needs: [n0], outputs: {{last: sum, log: kept}}, writes: [last, log]}}
    - {{id: n2, kind: experience, impl: child.yaml, needs: [n0], outputs: {{log: kept}}, writes: [log],
       for_each: {{source: $.words, concurrency: 2}}}}
    - {{id: n3, {STEP}, needs: [n1, n2]}}
""",
    "always": f"""nodes:
    - {{id: n0, {FREE}}}
    - {{id: n1, {FREE}}}
    - {{id: n2, {STEP}, needs: [n0, n1]}}
    - {{id: n3, kind: step, needs: [n2], join: always}}
    - {{id: n4, kind: step, needs: [n3], join: always}}
""",
    "retries": "nodes:\n" + "".join(
        f"    - {{id: n{number}, {FREE}, on_error: {{policy: retry, attempts: 4, base_ms: 3000}}}}\n"
        for number in range(3)) + f"    - {{id: n3, {STEP}, needs: [n0, n1, n2]}}\n",
    "timeouts": f"""nodes:
    - {{id: n0, {FREE}, timeout: 4s}}
    - {{id: n1, {STEP}, needs: [n0]}}
    - {{id: n2, {FREE}, timeout: 4s, on_error: {{policy: continue, output: {{state_delta: {{log: [none]}}}}}}}}
    - {{id: n3, {STEP}, needs: [n2]}}
""",
    "fail_run": f"""nodes:
    - {{id: n0, {FREE}}}
    - {{id: bad, {STEP}, needs: [n0], on_error: {{policy: fail_run}}}}
    - {{id: n1, {FREE}}}
    - {{id: n2, kind: step, needs: [bad, n1], join: always}}
""",
}
SHAPES = (*GRAPHS, "random")


class Deferred:
    """Clean-ups that were registered, and those that were begun."""

    def __init__(self) -> None:
        self.registered: Counter[str] = Counter()
        self.begun: Counter[str] = Counter()

    def around(self, script: Script, seed: int) -> Script:
        """The script with two clean-ups, one of which takes its time."""
        async def cleaning(request: Request, context: NodeContext) -> NodeOutput:
            slot = context.slot

            async def slow() -> None:
                self.begun[slot] += 1
                await asyncio.sleep(random.Random(f"{seed} {slot}").random() * 3)

            def quick() -> None:
                self.begun[slot] += 1
            context.defer(slow)
            context.defer(quick)
            self.registered[slot] += 2
            return await script(request, context)
        return cleaning


def fails_at_first(times: int, script: Script) -> Script:
    """The script, after so many failures of each slot."""
    failed: Counter[str] = Counter()

    async def failing(request: Request, context: NodeContext) -> NodeOutput:
        output = await script(request, context)
        if failed[context.slot] < times:
            failed[context.slot] += 1
            raise NodeError("broken", name="Broken")
        return output
    return failing


def always_fails(script: Script) -> Script:
    """Takes as long as the script."""
    return fails_at_first(10**6, script)


def build(shape: str, seed: int) -> tuple[Scenario, Deferred]:
    """A scenario of the shape; its seed gives durations, and everything else where the shape is random."""
    if shape == "random":
        graph = random_graph(seed % 8, failures=0.0)
    else:
        names = (*(f"n{number}" for number in range(9)), "bad")
        scripts = {name: worker(seed % 8, 0.0) for name in names}
        scripts |= {name: worker(seed % 8, 0.0, {"kept": "log", "sum": "last"}) for name in ("one", "many", "two")}
        if shape == "retries":
            scripts |= {name: fails_at_first(2, scripts[name]) for name in ("n0", "n1", "n2")}
        scripts["bad"] = always_fails(scripts["bad"])
        graph = Graph(STATE + "graph:\n  " + GRAPHS[shape], {"child.yaml": CHILD}, scripts)
    deferred = Deferred()
    scripts = {name: deferred.around(script, seed % 8) for name, script in graph.scripts.items()}
    return graph._replace(scripts=scripts).scenario(), deferred


class Undisturbed(NamedTuple):
    """What a run comes to that nobody ends."""

    outcome: dict[str, Any]
    events: int
    seconds: float


def outcome_of(scenario: Scenario, run_id: str = "r-1") -> dict[str, Any]:
    """What a run that was ended and resumed must come to as well."""
    result = scenario.result
    assert result is not None
    rows = {row.slot: row for row in scenario.store.journal(run_id)}  # of a slot's outcomes the last one
    counted = Counter(row.slot for row in scenario.store.journal(run_id) if row.status == "success")
    assert set(counted.values()) == {1}, "a slot counts twice"
    return {
        "status": result.status, "reason": result.reason, "state": result.state,
        "units": {str(node["id"]): node["status"] for node in result.nodes},
        "slots": {row.slot: (row.status, row.key, row.writes, row.edge_output) for row in rows.values()},
        "published": [scenario.store.workspace(file) for file in ("scenario.yaml", "child.yaml")]}


@cache
def undisturbed(shape: str, seed: int) -> Undisturbed:
    scenario, _ = build(shape, seed)
    result = scenario.run(concurrency=3)
    seconds = float(result.totals["duration_ms"]) / 1000  # type: ignore[arg-type]
    outcome = outcome_of(scenario)
    if result.status == "failed":  # what else had finished until then is a matter of timing
        outcome = {"status": result.status, "reason": result.reason}
    return Undisturbed(outcome, len(scenario.shown), seconds)


class Watch(list[dict[str, Any]]):
    """The events of a run as they are shown; calls `act` with the one of that number."""

    def __init__(self, number: int, act: Callable[[], None]) -> None:
        super().__init__()
        self._number = number
        self._act = act

    def append(self, record: dict[str, Any]) -> None:
        super().append(record)
        if len(self) == self._number:
            self._act()


class Ender:
    """Ends a run in one of the ways, once or twice."""

    WAYS = ("user", "user", "hangup", "deadline", "task", "node")

    def __init__(self, scenario: Scenario, rng: random.Random) -> None:
        self._scenario = scenario
        self._rng = rng
        self._session: Session | None = None
        self.way = rng.choice(self.WAYS)
        self.again = rng.choice((None, None, 0.0, 0.01, 1.0, 5.0, 35.0))
        self.is_immediate = rng.random() < 0.3
        self.ended_at: float | None = None

    async def attend(self, session: Session) -> None:
        """Runs beside the run, for as long as that lasts."""
        self._session = session

    def act(self) -> None:
        """Ends it, at once or in the next turn of the loop."""
        loop = asyncio.get_running_loop()
        if self.is_immediate and self.way not in ("task", "node"):
            self.end()
        else:
            loop.call_soon(self.end)
        if self.again is not None:
            loop.call_later(self.again, self.end)

    def end(self) -> None:
        """Asks for the end."""
        assert self._scenario.carrying is not None
        session = self._session
        if session is None or self._scenario.carrying.done():
            return
        self.ended_at = self.ended_at or asyncio.get_running_loop().time()
        if self.way == "task":
            self._scenario.carrying.cancel()
        elif self.way == "node":
            going_on = sorted(session.state.active)
            if going_on:
                session.cancel(self._rng.choice(going_on))
        else:
            session.stop(self.way)  # type: ignore[arg-type]


def end_somewhere(scenario: Scenario, expected: Undisturbed, rng: random.Random) -> Ender:
    """Runs it, and ends it at a random event or a random time."""
    ender = Ender(scenario, rng)
    at_event = rng.random() < 0.6

    async def meanwhile(session: Session) -> None:
        await ender.attend(session)
        if not at_event:
            await asyncio.sleep(rng.random() * expected.seconds)
            ender.act()
    if at_event:
        scenario.shown = Watch(rng.randint(1, expected.events), ender.act)
    try:
        scenario.run(concurrency=3, seed=rng.randrange(10**6), meanwhile=meanwhile)
    except asyncio.CancelledError:
        assert ender.way == "task"
    return ender


def check_end(scenario: Scenario, deferred: Deferred, ender: Ender) -> None:
    """Everything that began has ended once, for a reason of the closed set, and nothing is left."""
    assert not scenario.left
    run = scenario.store.find_run("r-1")
    assert run is not None and run.status in {"success", "partial", "failed", "cancelled"}
    records = scenario.events()
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    going_on: dict[Any, str] = {}
    for record in records:
        slot = record.get("slot")
        if record["type"] == "node.started":
            assert going_on.get(slot) in {None, "waits"}, f"{slot} begins twice"
            going_on[slot] = "runs"
        elif record["type"] == "node.retrying":
            assert going_on[slot] == "runs"
            going_on[slot] = "waits"
        elif record["type"] in ENDINGS:
            assert going_on.pop(slot, None), f"{slot} ends twice"
        if record["type"] == "node.cancelled":
            assert record["reason"] in REASONS
    assert not going_on, "these never ended"
    truth = [as_object(event, "r-1", None) for event in log_of(scenario.store.everything("r-1"))]
    committed = [{key: value for key, value in record.items() if key != "seq"} for record in records
                 if EVENTS[record["type"]].committed]
    assert committed == truth
    if ender.way == "node" or ender.ended_at is None:
        assert deferred.begun == deferred.registered, "a clean-up was left out"
        return
    seconds = float(run.finished_at or 0) - run.started_at - ender.ended_at
    assert seconds < LATEST_SECONDS + 0.01
    if ender.again is None and seconds < CLEANUP_SECONDS - 0.01:
        assert deferred.begun == deferred.registered, "a clean-up was left out"


def repeated(scenario: Scenario) -> list[str]:
    """Slots that were carried out although they had succeeded before, with the same inputs. Clean-ups of a run that was
    ended may have had others than those of its end."""
    done = Counter((row.slot, row.key) for row in scenario.store.everything("r-1")
                   if isinstance(row, Outcome) and row.status == "success")
    executed = set(scenario.kind.calls)
    return [slot for (slot, _), count in done.items() if count > 1 and slot in executed]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("first", [0, *(pytest.param(first, marks=pytest.mark.long) for first in range(30, 600, 30))])
def test_a_run_that_is_ended_anywhere_can_be_resumed_to_its_end(shape: str, first: int) -> None:
    for seed in range(first, first + 30):
        expected = undisturbed(shape, seed % 8)
        scenario, deferred = build(shape, seed)
        ender = end_somewhere(scenario, expected, random.Random(f"{shape} {seed}"))
        what = f"{shape} {seed}: {ender.way}, again after {ender.again}, immediate {ender.is_immediate}"
        try:
            check_end(scenario, deferred, ender)
            run = scenario.store.find_run("r-1")
            if run is not None and run.status != "success":
                scenario.shown = []
                scenario.resume(concurrency=3)
                assert outcome_of(scenario).items() >= expected.outcome.items()
            assert not repeated(scenario), "what had succeeded was carried out again"
        except AssertionError as error:
            error.add_note(what)
            raise
