"""What a run would do, and why a node of a run was run or cached: looks at keys and journals, runs nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from oe.app import Workspace, kinds_by_name, result_in_journal, schema_loader
from oe.call_costs import CallCosts, Estimate
from oe.clock import SystemClock
from oe.errors import NodeError, NotFoundError, OeError, SpecError
from oe.lang.scope import Scope
from oe.models import ModelAccess, ModelOptions
from oe.plan.fingerprint import Change, changes
from oe.plan.graph import Graph
from oe.ports.cache import Entry
from oe.ports.kind import NodeKind
from oe.ports.store import Outcome, Run
from oe.redact import Redactor, secrets_of
from oe.run.forecast import Forecast, Known, Planned
from oe.run.keys import Keys
from oe.run.replay import CacheUse, Replay
from oe.run.views import Views
from oe.spec.arguments import bind_arguments, secret_arguments
from oe.spec.model import Experience, Node
from oe.state.ledger import Ledger, base_defaults
from oe.state.writes import WriteRules
from oe.store.cache_files import CacheFiles
from oe.store.local_files import LocalFiles
from oe.text import did_you_mean
from oe.values import Json, JsonObject

_EARLIER_RUNS = 20
"""How many runs back an earlier result of a node is looked for."""


class Explanation(NamedTuple):
    """Why a slot was run or cached. `compared_with` is the run whose key the changes are against, or the one that a
    cached result is from; None where there is none."""

    slot: str
    run_id: str
    decision: str
    changed: list[Change]
    compared_with: str | None


class Plan(NamedTuple):
    """What would happen to each unit, and what the calls of models may cost."""

    units: list[Planned]
    estimate: Estimate


class _Costs:
    """Adds up what slots would cost."""

    def __init__(self, access: ModelAccess, kinds: dict[str, NodeKind], files: LocalFiles) -> None:
        self._costs = CallCosts(access, kinds, files)
        self.total = Estimate()

    def would_run(self, node: Node, scope: Scope, args: JsonObject, view: JsonObject) -> None:
        """A slot whose question can be put together."""
        self.total = self.total.plus(self._costs.of_slot(node, scope, args, view))

    def may_run(self, node: Node) -> None:
        """A node of which no more is known."""
        self.total = self.total.plus(self._costs.of_unknown(node))


def plan_run(experience: Experience, given: Mapping[str, Json], workspace: Workspace | None, *,
             use_cache: bool = True, models: ModelOptions | None = None) -> Plan:
    """What `run` with these arguments would do with each unit. `workspace` None: nothing has been run yet. Raises
    SpecError for nodes that could never ask their models."""
    files = LocalFiles(experience.folder)
    load = schema_loader(files)
    args = bind_arguments(experience, dict(given), load)
    graph = Graph(experience)
    ledger = Ledger(graph, experience.fields, _base(experience, workspace))
    kinds = kinds_by_name()
    cache = CacheFiles(workspace.folder.cache, _say_nothing) if workspace is not None and use_cache else None
    journal = None if workspace is None else partial(result_in_journal, workspace)
    use = CacheUse(cache, experience.runtime.cache, journal=journal)
    rules = WriteRules(experience, load, ledger.set_before)

    def is_valid(node: Node, entry: Entry) -> bool:
        try:
            rules.check(node, entry.state_delta)
        except NodeError:
            return False
        return True

    earlier = _outcomes_by_slot(workspace)
    redactor = _redactor(experience, args)
    access = ModelAccess(experience, models or ModelOptions(), redactor, lambda _: None)
    if problems := access.problems():
        raise SpecError(problems)
    keys = Keys(experience, kinds, files, dict(os.environ), redactor, access.identity)
    costs = _Costs(access, kinds, files)
    views = Views(graph, experience.fields, ledger, args, kinds, files)
    replay = Replay("", use, kinds, files, SystemClock())
    planned = Forecast(Known(graph, views, ledger, keys, replay, is_valid, earlier.get, costs.would_run,
                             costs.may_run)).units()
    return Plan(planned, costs.total)


def explain(workspace: Workspace, run: Run, name: str) -> Explanation:
    """Why the node or slot `name` was run or cached in that run. Of a fan-out, the first item that was run tells.

    Raises NotFoundError where the run has no such node, or has not come to it.
    """
    outcomes = [outcome for outcome in workspace.store.journal(run.run_id) if _is_of(outcome.slot, name)]
    tried = [outcome for outcome in outcomes if "parts" in outcome.details]
    if not tried:
        if outcomes:
            raise NotFoundError(f"'{name}' was not run in {run.run_id}: {outcomes[-1].reason or outcomes[-1].status}")
        slots = {outcome.slot for outcome in workspace.store.journal(run.run_id)}
        raise NotFoundError(f"run {run.run_id} has no result of '{name}'", hint=did_you_mean(name, slots))
    told = next((outcome for outcome in tried if "cached" not in outcome.details), tried[0])
    cached = told.details.get("cached")
    if isinstance(cached, Mapping):
        return Explanation(told.slot, run.run_id, "cached", [], str(cached.get("run")))
    before = _before(workspace, run, told.slot)
    if before is None:
        return Explanation(told.slot, run.run_id, "run", [], None)
    compared, outcome, texts = before
    texts.update(_texts(workspace, run))
    return Explanation(told.slot, run.run_id, "run", changes(_parts(outcome), _parts(told), texts), compared)


def _redactor(experience: Experience, args: Mapping[str, Json]) -> Redactor:
    redactor = Redactor(secrets_of(os.environ))
    redactor.add(str(args[name]) for name in secret_arguments(experience) if name in args)
    return redactor


def _base(experience: Experience, workspace: Workspace | None) -> JsonObject:
    fields = experience.fields.values()
    base = base_defaults(fields)
    if workspace is not None:
        kept = workspace.store.workspace(workspace.key)
        base.update({field.name: kept[field.name] for field in fields if field.persist and field.name in kept})
    return base


def _outcomes_by_slot(workspace: Workspace | None) -> dict[str, Outcome]:
    """The latest outcome with a key of every slot in the latest runs."""
    found: dict[str, Outcome] = {}
    if workspace is not None:
        for run in reversed(workspace.store.find_runs(workspace.key, limit=_EARLIER_RUNS)):
            found.update((each.slot, each) for each in workspace.store.journal(run.run_id) if "parts" in each.details)
    return found


def _before(workspace: Workspace, run: Run, slot: str) -> tuple[str, Outcome, dict[str, str]] | None:
    """The run before that has a key of the slot, with its outcome and its longer texts."""
    for earlier in workspace.store.find_runs(workspace.key, before=run.run_id, limit=_EARLIER_RUNS):
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


def _say_nothing(_: OeError) -> None:
    """A plan tells what would run; a cache entry that cannot be read simply does not count."""
