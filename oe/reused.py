"""Runs of a part of a graph (`--only`, `--from`, `--refresh`): which part, what they reuse of earlier runs, and how
they begin. Reads the store, changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from oe.app import EARLIER_RUNS, Workspace
from oe.errors import NotFoundError, UsageError
from oe.plan.graph import Graph
from oe.plan.selection import Selection, select
from oe.ports.cache import Entry
from oe.ports.store import Run
from oe.spec.model import Experience
from oe.state.ledger import base_defaults
from oe.text import did_you_mean
from oe.values import Json, JsonObject


def asked_for(only: str | None, start: str | None, refresh: Sequence[str]) -> dict[str, Json]:
    """The part of the graph that is asked for, as it is recorded with the run."""
    asked: dict[str, Json] = {"only": only, "from": start, "refresh": list(refresh)}
    return {name: value for name, value in asked.items() if value}


def selection_of(experience: Experience, asked: JsonObject) -> Selection:
    if not asked:
        return Selection()
    only, start, refresh = asked.get("only"), asked.get("from"), asked.get("refresh")
    return select(Graph(experience), only=str(only) if only else None, start=str(start) if start else None,
                  refresh=[str(name) for name in refresh] if isinstance(refresh, list) else ())


def latest_run(workspace: Workspace, before: str | None = None) -> Run | None:
    """The latest run, or the latest one `before` a run."""
    return next(iter(workspace.store.find_runs(workspace.key, before=before, limit=1)), None)


def results_of(workspace: Workspace, run: Run) -> dict[str, Entry]:
    """By key what a run gave, whether its nodes are cached or not."""
    entries: dict[str, Entry] = {}
    for outcome in workspace.store.journal(run.run_id):
        if outcome.status == "success" and outcome.key is not None and not outcome.details.get("fallback"):
            entries[outcome.key] = Entry(dict(outcome.writes), outcome.edge_output, outcome.metrics, run.run_id,
                                         outcome.finished_at, outcome.slot, {}, _texts(outcome.details.get("produces")))
    return entries


def published_units(workspace: Workspace, selection: Selection, before: str | None = None) -> frozenset[str]:
    """The units whose results, if they are reused, were published by the run that they are from: by the latest one, or
    the latest `before` a run, that was for all that the procedure ends with."""
    if not selection.reused:
        return frozenset()
    runs = workspace.store.find_runs(workspace.key, before=before, limit=EARLIER_RUNS)
    whole = next((run for run in runs if run.published or not run.selection.get("only")), None)
    return selection.reused if whole is not None and whole.published else frozenset()


def begun_as(workspace: Workspace, experience: Experience, before: Run | None) -> tuple[JsonObject, list[str]]:
    """The defaults of a run, and its fields that begin with what the workspace has. Where it reuses results of a run
    `before`, lists begin as they did there: in the workspace they hold what is reused."""
    fields = experience.fields.values()
    defaults, persistent = base_defaults(fields), [field.name for field in fields if field.persist]
    if before is None:
        return defaults, persistent
    held = workspace.store.workspace(workspace.key)
    grown = {field.name for field in fields if field.persist and field.merge == "array_append" and field.name in held}
    defaults.update((name, before.base[name]) for name in grown if name in before.base)
    return defaults, [name for name in persistent if name not in grown]


def selection_again(experience: Experience, run: Run, again: Sequence[str]) -> Selection:
    """The part of the graph that the run was begun for; units that are to be run again have to be in it."""
    try:
        selection = selection_of(experience, run.selection)
    except NotFoundError as error:
        raise NotFoundError(f"run '{run.run_id}' was begun for a part of its graph, and {error.message} any more",
                            hint="`oe run` starts a new run") from error
    for name in again:
        if name in selection.barred or name in selection.required:
            raise UsageError(f"'{name}' is not in the part of the graph that run '{run.run_id}' was begun for",
                             hint=f"it was begun with --only {run.selection.get('only')}; `oe run` starts a new run")
    return selection


def expect_units(experience: Experience, names: Sequence[str]) -> None:
    """Raises NotFoundError for a name that no unit has."""
    for name in names:
        if name not in experience.units:
            raise NotFoundError(f"the experience has no unit '{name}'", hint=did_you_mean(name, experience.units))


def _texts(value: Json) -> dict[str, str]:
    return {name: str(text) for name, text in value.items()} if isinstance(value, dict) else {}
