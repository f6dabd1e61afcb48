"""A store that fails in the midst of a run: the run ends with that error, starts nothing more, and leaves nothing going."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from oe.errors import StoreError
from oe.lang.scope import MISSING
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.ports.store import Outcome
from oe.run.session import Session
from oe.store.memory_store import MemoryStore
from tests.support.scenario import Scenario, gives


class FaultyStore(MemoryStore):
    """A store whose commit fails for one slot, once, and from then on for all where it `stays_broken`."""

    def __init__(self, slot: str, *, stays_broken: bool = False) -> None:
        super().__init__()
        self._slot = slot
        self._stays_broken = stays_broken
        self._failed = False

    def commit(self, run_id: str, outcomes: Sequence[Outcome], superseded: Sequence[int] = ()) -> None:
        is_meant = self._stays_broken if self._failed else any(outcome.slot == self._slot for outcome in outcomes)
        if is_meant:
            self._failed = True
            raise StoreError("database is locked", code="store-locked")
        super().commit(run_id, outcomes, superseded)


def with_faulty_store(scenario: Scenario, slot: str, *, stays_broken: bool = False) -> Scenario:
    scenario.store = FaultyStore(slot, stays_broken=stays_broken)
    return scenario


def test_a_fault_of_the_store_in_a_fan_out_is_a_store_error() -> None:
    scenario = with_faulty_store(Scenario("""
state: {schema: {words: {type: array, default: [1, 2, 3]}}}
graph:
  nodes:
    - {id: each, kind: step, for_each: {source: $.words}}
"""), "each[1]")
    with pytest.raises(StoreError):
        scenario.run()


def test_a_fault_of_the_store_in_a_pipeline_is_a_store_error() -> None:
    scenario = with_faulty_store(Scenario("""
state: {schema: {words: {type: array, default: [1, 2, 3]}}}
graph:
  nodes:
    - {id: stage, kind: step}
  pipelines:
    - {id: pipe, items: $.words, stages: [stage]}
"""), "pipe[1]/stage")
    with pytest.raises(StoreError):
        scenario.run()


def test_after_a_fault_of_the_store_nothing_is_started() -> None:
    scenario = with_faulty_store(Scenario("""
graph:
  nodes:
    - {id: work, kind: step}
    - {id: other, kind: step}
    - {id: clean, kind: step, join: always, needs: [other]}
""", {"work": gives(after=1), "other": gives(after=100)}), "work")
    with pytest.raises(StoreError):
        scenario.run(concurrency=2)
    assert scenario.kind.calls == ["work", "other"]
    assert "work" not in [event["slot"] for event in scenario.events("node.finished")], "told, and not committed"


def test_after_a_fault_of_the_store_code_that_ignores_its_cancellation_is_left_behind() -> None:
    async def deaf(request: Request, context: NodeContext) -> NodeOutput:
        for _ in range(100):
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                continue
        return NodeOutput({}, MISSING, {})

    scenario = with_faulty_store(Scenario("""
graph:
  nodes:
    - {id: work, kind: step}
    - {id: deaf, kind: step}
runtime: {cleanup_timeout: 5}
""", {"work": gives(after=1), "deaf": deaf}), "work", stays_broken=True)
    sessions: list[Session] = []

    async def look(session: Session) -> None:
        sessions.append(session)
        await asyncio.sleep(30)

    with pytest.raises(StoreError):
        scenario.run(concurrency=2, meanwhile=look)
    assert sessions[0].abandoned == ["deaf"]
