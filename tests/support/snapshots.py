"""States of runs for tests of snapshots, trees and diagnoses: a graph as YAML, and the events that brought it there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from oe.lang.yaml import read_yaml
from oe.plan.graph import Graph
from oe.spec.load import build_experience
from oe.spec.model import TaskKind
from oe.state.events import Event
from oe.state.facts import UnitFacts, facts_of
from oe.state.run_state import RunState
from oe.state.snapshot import Moment, Snapshot, take_snapshot
from tests.support.scenario import FilesInMemory, StepKind

START = 1_795_210_801.0


class ToolLike:
    """A kind that does what tools do."""

    task_kind: TaskKind = "tool"


class Watched(NamedTuple):
    """A run's state with its graph."""

    state: RunState
    facts: dict[str, UnitFacts]

    def apply(self, *events: Event) -> Watched:
        """Takes events; times in them are seconds since the start."""
        for event in events:
            self.state.apply(event._replace(ts=START + event.ts))
        return self

    def snapshot(self, after: float, *, most: int | None = None, **known: Any) -> Snapshot:
        """The run `after` seconds from its start; times in `known` are seconds from the start too."""
        times = {name: START + known.pop(name) for name in ("deadline_at", "loop_seen_at", "stopping_since")
                 if name in known}
        moment = Moment("r-20261120-7f3a", "review-branch", START + after, **times, **known)
        return take_snapshot(self.state, self.facts, moment, most)


def watched(text: str) -> Watched:
    """A run of the graph that has just begun."""
    head = "name: review-branch\nversion: 1.0.0\nstate: {schema: {list: {type: array, default: []}}}\n"
    experience, problems = build_experience(read_yaml(head + text, "watched.yaml"), {"step": StepKind({})}, FilesInMemory({}))
    assert experience is not None, problems
    run = Watched(RunState(experience.units), facts_of(Graph(experience), {"step": ToolLike()}))
    return run.apply(Event("run.started", 0.0, data={"args": {}}))


def node(name: str, *more: str) -> str:
    """A line of the graph."""
    return "    - {id: " + ", ".join((name, "kind: step", *more)) + "}\n"


def nodes(lines: Iterable[str]) -> str:
    """The graph of these lines."""
    return "graph:\n  nodes:\n" + "".join(lines)


def started(slot: str, ts: float = 0.0, attempt: int | None = 1, **data: Any) -> Event:
    return Event("node.started", ts, slot, attempt, data=data)


def finished(slot: str, ts: float, item: int | None = None, **data: Any) -> Event:
    return Event("node.finished", ts, slot, 1, item, data=data)


def failed(slot: str, ts: float, name: str, item: int | None = None) -> Event:
    return Event("node.failed", ts, slot, 1, item, data={"error": "broken", "name": name})


def retrying(slot: str, ts: float, attempt: int, delay_ms: float, item: int | None = None) -> Event:
    return Event("node.retrying", ts, slot, attempt, item,
                 data={"error": "busy", "name": "BusyError", "delay_ms": delay_ms})


def progress(slot: str, ts: float, pct: float | None, message: str | None = None) -> Event:
    return Event("node.progress", ts, slot, 1, data={"pct": pct, "message": message})
