"""Why a node of a run was run or cached: compares the parts of keys as journals have them, runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from oe.app.inspection import expect_node, recorded_experience
from oe.app.workspace import EARLIER_RUNS, Workspace
from oe.errors import NotFoundError
from oe.ids import node_of
from oe.plan.fingerprint import SECRET, Change, changes
from oe.ports.store import Outcome, Run
from oe.text import did_you_mean
from oe.values import JsonObject


class Explanation(NamedTuple):
    """Why a slot was run or cached. `compared_with` is the run whose key the changes are against, or the one that a
    cached result is from; None where there is none. `reason` says why it ran although nothing changed. `inside` is the
    slot that the changes are of where the slot is an experience: the first in it that was run."""

    slot: str
    run_id: str
    decision: str
    changed: list[Change]
    compared_with: str | None
    inside: str | None = None
    reason: str | None = None


def explain(workspace: Workspace, run: Run, name: str) -> Explanation:
    """Why the node or slot `name` was run or cached in that run. Of a fan-out, the first item that was run tells; of a
    node that is nowhere but in pipelines, loops or nested experiences, the first of its slots.

    Raises NotFoundError where the run has no such node, or has not come to it.
    """
    journal = list({outcome.slot: outcome for outcome in workspace.store.journal(run.run_id)}.values())
    outcomes = [outcome for outcome in journal if _is_of(outcome.slot, name)]
    outcomes = outcomes or [outcome for outcome in journal if node_of(outcome.slot) == name]
    tried = [outcome for outcome in outcomes if "parts" in outcome.details]
    if not tried:
        if outcomes:
            raise NotFoundError(f"'{name}' was not run in {run.run_id}: {outcomes[-1].reason or outcomes[-1].status}")
        expect_node(run, name)
        raise NotFoundError(f"run {run.run_id} has no result of '{name}'",
                            hint=did_you_mean(name, {outcome.slot for outcome in journal}))
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
    before = _within(workspace, run, told) or _before(workspace, run, told.slot)
    if before is None:
        return Explanation(told.slot, run.run_id, "run", [], None)
    compared, outcome, texts = before
    texts.update(_texts(workspace, run))
    changed = changes(_parts(outcome), _parts(told), texts)
    reason = None if changed else _why_anew(run, told, outcome)
    return Explanation(told.slot, run.run_id, "run", changed, compared, reason=reason)


def _within(workspace: Workspace, run: Run, told: Outcome) -> tuple[str, Outcome, dict[str, str]] | None:
    """What the same run had of the slot under another key: it was resumed after a change."""
    if not run.resumed:
        return None
    last = None
    texts: dict[str, str] = {}
    for outcome in workspace.store.everything(run.run_id):
        if not isinstance(outcome, Outcome):
            continue
        _add_texts(texts, outcome)
        is_before = outcome.slot == told.slot and outcome.attempt < told.attempt
        if is_before and "parts" in outcome.details and outcome.key != told.key:
            last = outcome
    return None if last is None else (run.run_id, last, texts)


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


def _why_anew(run: Run, told: Outcome, before: Outcome) -> str:
    """Why a slot was run although its key is that of an outcome before."""
    if before.status != "success":
        return f"it had {'been ' if before.status == 'cancelled' else ''}{before.status}"
    if SECRET.digest in (record[0] for record in _parts(told).values() if isinstance(record, list)):
        return "its result depends on a secret and is not kept"
    if not _is_kept(run, node_of(told.slot)):
        return "its results are not cached"
    return "its result was not in the cache"


def _is_kept(run: Run, name: str) -> bool:
    """Whether the run's spec lets results of the node be kept; True of one of a nested experience, whose spec is not
    at hand."""
    from oe.kinds import KINDS
    from oe.run.replay import is_kept

    experience = recorded_experience(run)
    node = experience.nodes.get(name)
    return node is None or is_kept(node, experience.runtime.cache, KINDS[node.kind])


def _texts(workspace: Workspace, run: Run) -> dict[str, str]:
    texts: dict[str, str] = {}
    for outcome in workspace.store.journal(run.run_id):
        _add_texts(texts, outcome)
    return texts


def _add_texts(texts: dict[str, str], outcome: Outcome) -> None:
    kept = outcome.details.get("texts")
    if isinstance(kept, Mapping):
        texts.update((digest, str(text)) for digest, text in kept.items())


def _parts(outcome: Outcome) -> JsonObject:
    parts = outcome.details.get("parts")
    return parts if isinstance(parts, Mapping) else {}


def _is_of(slot: str, name: str) -> bool:
    return slot == name or slot.startswith(f"{name}[")
