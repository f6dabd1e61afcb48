"""Why a node of a run was run or cached: compares the parts of keys as journals have them, runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from oe.app import EARLIER_RUNS, Workspace
from oe.errors import NotFoundError
from oe.ids import node_of
from oe.plan.fingerprint import Change, changes
from oe.ports.store import Outcome, Run
from oe.text import did_you_mean
from oe.values import JsonObject


class Explanation(NamedTuple):
    """Why a slot was run or cached. `compared_with` is the run whose key the changes are against, or the one that a
    cached result is from; None where there is none. `inside` is the slot that the changes are of where the slot is an
    experience: the first in it that was run."""

    slot: str
    run_id: str
    decision: str
    changed: list[Change]
    compared_with: str | None
    inside: str | None = None


def explain(workspace: Workspace, run: Run, name: str) -> Explanation:
    """Why the node or slot `name` was run or cached in that run. Of a fan-out, the first item that was run tells; of a
    node that is nowhere but in pipelines, loops or nested experiences, the first of its slots.

    Raises NotFoundError where the run has no such node, or has not come to it.
    """
    journal = list(workspace.store.journal(run.run_id))
    outcomes = [outcome for outcome in journal if _is_of(outcome.slot, name)]
    outcomes = outcomes or [outcome for outcome in journal if node_of(outcome.slot) == name]
    tried = [outcome for outcome in outcomes if "parts" in outcome.details]
    if not tried:
        if outcomes:
            raise NotFoundError(f"'{name}' was not run in {run.run_id}: {outcomes[-1].reason or outcomes[-1].status}")
        slots = {outcome.slot for outcome in journal}
        raise NotFoundError(f"run {run.run_id} has no result of '{name}'", hint=did_you_mean(name, slots))
    told = next((outcome for outcome in tried if "cached" not in outcome.details), tried[0])
    cached = told.details.get("cached")
    if isinstance(cached, Mapping):
        return Explanation(told.slot, run.run_id, "cached", [], str(cached.get("run")))
    inside = next((outcome for outcome in journal if outcome.slot.startswith(told.slot + "/")
                   and "parts" in outcome.details and "cached" not in outcome.details), None)
    if inside is None:
        return _of_run(workspace, run, told)
    return _of_run(workspace, run, inside)._replace(slot=told.slot, inside=inside.slot)


def _of_run(workspace: Workspace, run: Run, told: Outcome) -> Explanation:
    before = _before(workspace, run, told.slot)
    if before is None:
        return Explanation(told.slot, run.run_id, "run", [], None)
    compared, outcome, texts = before
    texts.update(_texts(workspace, run))
    return Explanation(told.slot, run.run_id, "run", changes(_parts(outcome), _parts(told), texts), compared)


def _before(workspace: Workspace, run: Run, slot: str) -> tuple[str, Outcome, dict[str, str]] | None:
    """The run before that has a key of the slot, with its outcome and its longer texts."""
    for earlier in workspace.store.find_runs(workspace.key, before=run.run_id, limit=EARLIER_RUNS):
        last = None
        for outcome in workspace.store.journal(earlier.run_id):
            if outcome.slot == slot and "parts" in outcome.details:
                last = outcome
        if last is not None:
            return earlier.run_id, last, _texts(workspace, earlier)
    return None


def _texts(workspace: Workspace, run: Run) -> dict[str, str]:
    texts: dict[str, str] = {}
    for outcome in workspace.store.journal(run.run_id):
        kept = outcome.details.get("texts")
        if isinstance(kept, Mapping):
            texts.update((digest, str(text)) for digest, text in kept.items())
    return texts


def _parts(outcome: Outcome) -> JsonObject:
    parts = outcome.details.get("parts")
    return parts if isinstance(parts, Mapping) else {}


def _is_of(slot: str, name: str) -> bool:
    return slot == name or slot.startswith(f"{name}[")
