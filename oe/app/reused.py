"""Runs of a part of a graph (`--only`, `--from`, `--refresh`): which part, what they reuse of earlier runs, and how
they begin. Reads the store, changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import NamedTuple

from oe.app.children import Children
from oe.app.workspace import EARLIER_RUNS, Workspace, entry_of, maker_of
from oe.errors import NotFoundError, UsageError
from oe.ids import unit_of
from oe.plan.graph import Graph
from oe.plan.selection import Selection, no_such_unit, select
from oe.ports.cache import Entry
from oe.ports.store import Run
from oe.spec.model import Experience, Merge
from oe.state.ledger import Origin, base_defaults
from oe.values import Json, JsonObject, equal


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
    return {outcome.key: entry_of(run.run_id, outcome) for outcome in workspace.store.journal(run.run_id)
            if outcome.status == "success" and outcome.key is not None and not outcome.details.get("fallback")}


class Publications:
    """Which of the results that a run reuses have reached the workspace. The latest runs before it are looked at when
    that is first asked."""

    def __init__(self, workspace: Workspace, run_id: str) -> None:
        self._store = workspace.store
        self._runs = cache(partial(workspace.store.find_runs, workspace.key, before=run_id, limit=EARLIER_RUNS))
        self._made: dict[str, dict[Origin, bool]] = {}

    def hold(self, origin: Origin) -> bool:
        """Whether the latest run that made or used the result has published it. One that reused it too left that to
        the run before it."""
        for run in self._runs():
            was_made = self._results(run.run_id).get(origin)
            if was_made is None:
                continue
            if run.published:
                return True
            if was_made or not (run.selection.get("only") or run.selection.get("from")):
                return False
        maker = self._store.find_run(origin.run_id)
        return maker is not None and maker.published

    def _results(self, run_id: str) -> dict[Origin, bool]:
        """What a run made (True) or took from other runs."""
        found = self._made.get(run_id)
        if found is None:
            found = self._made[run_id] = {}
            for outcome in self._store.journal(run_id):
                if outcome.status == "success" and outcome.key is not None:
                    maker = maker_of(run_id, outcome)
                    found[Origin(outcome.key, maker)] = maker == run_id
        return found


class Beginning(NamedTuple):
    """How a run begins: its `defaults`, and the `persistent` fields that begin with what the workspace has; the same of
    the experiences nested in it by file, but for defaults of their own: `nested_values` and `nested`."""

    defaults: dict[str, Json]
    persistent: list[str]
    nested: dict[str, list[str]]
    nested_values: dict[str, JsonObject]


def begun_as(workspace: Workspace, children: Children, asked: JsonObject, before: Run | None) -> Beginning:
    """How a run of the part that is `asked` for begins. Where it reuses results of a run `before`, lists begin as they
    did there, and so do other fields that have come to their values by what is reused: in the workspace they hold it.
    """
    experience = children.experience
    fields = experience.fields.values()
    defaults, persistent = base_defaults(fields), [field.name for field in fields if field.persist]
    nested = children.persistent_fields()
    if before is None:
        return Beginning(defaults, persistent, {file: list(merges) for file, merges in nested.items()}, {})
    grown = _grown(workspace, workspace.key, {field.name: field.merge for field in fields if field.persist})
    selection = selection_of(experience, asked)
    grown |= _come_to(workspace, experience, selection, before)
    defaults.update((name, before.base[name]) for name in grown if name in before.base)
    ours = Beginning(defaults, [name for name in persistent if name not in grown], {}, {})
    given = _given_inside(workspace, selection, before) if nested else {}
    for file, merges in nested.items():
        known, held = before.nested.get(file), workspace.store.workspace(file)
        as_before = _grown(workspace, file, merges) | {
            name for name in held if name in merges and any(equal(held[name], value) for value in given.get(name, ()))}
        ours.nested[file] = [name for name in merges if known is None or name not in as_before]
        ours.nested_values[file] = {name: value for name, value in (known or {}).items() if name in as_before}
    return ours


def _grown(workspace: Workspace, file: str, merges: Mapping[str, Merge]) -> set[str]:
    """The lists among the persistent fields of a file that its workspace holds."""
    held = workspace.store.workspace(file)
    return {name for name, merge in merges.items() if merge == "array_append" and name in held}


def _come_to(workspace: Workspace, experience: Experience, selection: Selection, before: Run) -> set[str]:
    """The persistent fields that reused units write and that hold what the run before came to: no other has written
    them since."""
    held, graph = workspace.store.workspace(workspace.key), Graph(experience)
    written = {name for unit in selection.reused for node in graph.nodes_of(experience.units[unit])
               for name in node.writes if experience.fields[name].persist}
    state = before.state or {}
    return {name for name in written if name in held and name in state and equal(held[name], state[name])}


def _given_inside(workspace: Workspace, selection: Selection, before: Run) -> dict[str, list[Json]]:
    """What the run before wrote to fields inside reused units, by field: of nested experiences no state is kept."""
    given: dict[str, list[Json]] = {}
    for outcome in workspace.store.journal(before.run_id):
        if "/" in outcome.slot and unit_of(outcome.slot) in selection.reused:
            for name, value in outcome.writes:
                given.setdefault(name, []).append(value)
    return given


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
            raise no_such_unit(experience, name)
