"""The state of a run that has not ended: the fold of what is committed, in the order of the graph, not of time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from oe.app.inspection import declared_fields, state_of_run
from oe.app.workspace import Workspace
from oe.lang.yaml import read_yaml
from oe.ports.store import Failure, Outcome, Owner, Run
from oe.values import canonical

SPEC = """\
name: fold
version: 1.0.0
state:
  persist: true
  schema:
    log: {type: array, merge: array_append, persist: false}
    last: {type: string}
    once: {type: string, merge: set_once}
graph:
  nodes:
    - {id: fan, kind: tool, command: [x], for_each: {source: [1, 2, 3]}, writes: [log, last]}
    - {id: one, kind: tool, command: [x], writes: [log]}
    - {id: two, kind: tool, command: [x], writes: [log]}
    - {id: body, kind: tool, command: [x], writes: [log]}
    - {id: after, kind: tool, command: [x], writes: [log]}
    - {id: child, kind: experience, experience: ./child, writes: [log]}
    - {id: early, kind: tool, command: [x], writes: [log, once]}
  pipelines:
    - {id: pipe, items: [1, 2], stages: [one, two]}
  loops:
    - {id: again, body: [body, after], max_iters: 20}
  edges:
    - {from: early, to: fan}
    - {from: fan, to: pipe}
    - {from: pipe, to: again}
    - {from: again, to: child}
"""

SLOTS = ["early", "fan[0]", "fan[1]", "fan[2]", "pipe[0]/one", "pipe[0]/two", "pipe[1]/one", "pipe[1]/two",
         "again[0]/body", "again[0]/after", "again[9]/body", "again[10]/body", "child"]


class Journal:
    """As much of a store as the fold asks for."""

    def __init__(self, outcomes: list[Outcome]) -> None:
        self.store = self
        self._outcomes = outcomes

    def journal(self, run_id: str) -> Iterator[Outcome]:
        return iter(self._outcomes)


def run_of(folder: Path, **changes: Any) -> Run:
    spec = canonical(read_yaml(SPEC.encode(), "experience.yaml").value)
    return Run("r-1", str(folder / "experience.yaml"), "fold", "1.0.0", "running", None, 0.0, None, {}, {},
               {"log": ["base"]}, spec, Owner("host", 1, 1), 0, {}, None, False)._replace(**changes)


def outcome(slot: str, writes: list[tuple[str, Any]], **changes: Any) -> Outcome:
    return Outcome(slot, 1, "success", 0.0, 0.0, writes=writes)._replace(**changes)


def fold(run: Run, outcomes: list[Outcome]) -> Any:
    return state_of_run(cast(Workspace, Journal(outcomes)), run)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_graph_counts_and_not_that_of_time(tmp_path: Path, seed: int) -> None:
    outcomes = [outcome(slot, [("log", slot)]) for slot in SLOTS]
    random.Random(seed).shuffle(outcomes)
    assert fold(run_of(tmp_path), outcomes) == {"log": ["base", *SLOTS]}


def test_each_merge_has_its_rule(tmp_path: Path) -> None:
    outcomes = [outcome("fan[2]", [("last", "third")]), outcome("fan[0]", [("last", "first")]),
                outcome("early", [("once", "kept")])]
    assert fold(run_of(tmp_path, base={}), outcomes) == {"last": "third", "once": "kept"}


def test_what_does_not_count_is_left_out(tmp_path: Path) -> None:
    outcomes = [outcome("child/early", [("log", "of the child")]), outcome("gone", [("log", "x")]),
                outcome("pipe[0]/gone", [("log", "x")]),
                outcome("fan[0]", [("log", "x")], status="failed", error=Failure("Error", "x"))]
    assert fold(run_of(tmp_path), outcomes) == {"log": ["base"]}


def test_a_run_that_has_ended_has_its_state(tmp_path: Path) -> None:
    assert fold(run_of(tmp_path, state={"log": []}), [outcome("early", [("log", "x")])]) == {"log": []}


def test_fields_are_those_that_the_run_knew(tmp_path: Path) -> None:
    assert declared_fields(run_of(tmp_path)) == {"log": False, "last": True, "once": True}
    assert declared_fields(run_of(tmp_path, spec='{"name": "x"}')) == {}
