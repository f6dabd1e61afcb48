"""What a run would do, without doing it: looks at keys, caches and journals, runs nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, cast

from oe.app.call_costs import CallCosts, Estimate
from oe.app.children import Children
from oe.app.experiences import kinds_by_name, schema_loader
from oe.app.host import settings_of
from oe.app.model_faults import model_problems
from oe.app.models import ModelAccess, ModelOptions
from oe.app.workspace import EARLIER_RUNS, Workspace, result_in_journal
from oe.clock import SystemClock
from oe.errors import NodeError, OeError, SpecError
from oe.ids import child_slot
from oe.lang.scope import Scope
from oe.plan.graph import Graph
from oe.ports.cache import Entry, ResultCache
from oe.ports.kind import NestingKind, NodeKind
from oe.ports.store import Outcome
from oe.redact import Redactor, secrets_of
from oe.run.forecast import Forecast
from oe.run.forecast_slots import Inside, Known, Planned
from oe.run.keys import Keys
from oe.run.level import Opened
from oe.run.model_use import ModelUse
from oe.run.nested import MOST_LEVELS, arguments_of, cache_below, too_deep
from oe.run.replay import CacheUse, Replay
from oe.run.views import Views
from oe.spec.arguments import bind_arguments, secret_arguments
from oe.spec.model import Experience, Node
from oe.state.ledger import Ledger, base_defaults
from oe.state.writes import WriteRules
from oe.store.cache_files import CacheFiles
from oe.store.data_folder import DataFolder
from oe.store.local_files import LocalFiles
from oe.text import plural
from oe.values import Json, JsonObject

__all__ = ["Plan", "Planned", "kept_results", "plan_run"]

_MOST_LOOKED_INTO = 10_000
"""Nested experiences that a plan looks into: those of a long list may nest others in turn."""


class Plan(NamedTuple):
    """What would happen to each unit, and what the calls of models may cost."""

    units: list[Planned]
    estimate: Estimate


class _Costs:
    """What all levels of a plan would cost."""

    def __init__(self) -> None:
        self.total = Estimate()

    def add(self, estimate: Estimate) -> None:
        """One more part of it."""
        self.total = self.total.plus(estimate)


class _Tally:
    """A Tally of one level."""

    def __init__(self, world: _World, level: _Level, costs: CallCosts) -> None:
        self._world = world
        self._level = level
        self._costs = costs
        self._sum = world.costs

    def would_run(self, node: Node, scope: Scope, args: JsonObject, view: JsonObject) -> None:
        """See Tally: a slot whose question can be put together."""
        self._sum.add(self._costs.of_slot(node, scope, args, view))

    def may_run(self, node: Node, times: int = 1, *, is_loop: bool = False) -> None:
        """See Tally. Every node that is nested in it counts once each time."""
        before = self._sum.total
        left, known = [(self._level.opened, node)], {self._level.opened.key}
        while left:
            outer, each = left.pop()
            self._sum.add(self._costs.of_unknown(each))
            if not self._world.kinds[each.kind].is_nested:
                continue
            try:
                opened = _open(self._world, outer, each)
            except OeError:
                continue  # the plan says so where it comes to it
            if opened.key not in known:
                known.add(opened.key)
                left += [(opened, inner) for inner in opened.experience.nodes.values()]
        self._sum.total = self._sum.total.repeated(before, times - 1, is_loop=is_loop)

    def stretch(self) -> Callable[[int, bool], None]:
        """See Tally."""
        before = self._sum.total

        def repeat(times: int, is_same: bool) -> None:
            self._sum.total = self._sum.total.repeated(before, times, is_loop=True, is_same=is_same)
        return repeat

    def open_end(self) -> None:
        """See Tally."""
        if self._sum.total.cost.calls:
            self._sum.add(Estimate(is_least=True))


class _Count:
    """How often something was done."""

    counted = 0


class _World(NamedTuple):
    """What all levels of a plan share."""

    kinds: Mapping[str, NodeKind]
    access: ModelAccess
    redactor: Redactor
    earlier: Mapping[str, Outcome]
    children: Children
    bases: Mapping[str, JsonObject]
    costs: _Costs
    looked_into: _Count


class _Level(NamedTuple):
    """One experience of a plan; `slot` is the one that it is nested in, '' for the run's own, below `depth` others."""

    opened: Opened
    args: JsonObject
    use: CacheUse
    model_use: ModelUse
    slot: str = ""
    depth: int = 0


def kept_results(path: str, data_dir: str | None) -> ResultCache:
    """The cache that a run of the experience at `path` would use: it may have been brought along without any run."""
    place = settings_of(path, data_dir, os.environ)[0]
    folder = DataFolder(place.value)
    folder.expect_own(is_chosen=place.origin != "default")
    return CacheFiles(folder.cache, _say_nothing)


def plan_run(experience: Experience, given: Mapping[str, Json], workspace: Workspace | None, *,
             cache: ResultCache | None = None, models: ModelOptions | None = None) -> Plan:
    """What `run` with these arguments would do with each unit. `workspace` None: nothing has been run yet;
    `cache`: where a run would look for kept results. Raises SpecError for nodes that could never ask their models."""
    files = LocalFiles(experience.folder)
    load = schema_loader(files)
    args = bind_arguments(experience, dict(given), load)
    journal = None if workspace is None else partial(result_in_journal, workspace)
    redactor = Redactor(secrets_of(os.environ))
    redactor.add(str(args[name]) for name in secret_arguments(experience) if name in args)
    access = ModelAccess(experience, models or ModelOptions(), redactor, lambda _: None)
    if problems := model_problems(access):
        raise SpecError(problems)
    children = Children(experience, access.nested)
    bases = {} if workspace is None else {
        file: {name: value for name, value in workspace.store.workspace(file).items() if name in fields}
        for file, fields in children.persistent_fields().items()}
    world = _World(kinds_by_name(), access, redactor, _outcomes_by_slot(workspace), children, bases, _Costs(), _Count())
    opened = Opened(experience, "", _base(experience, workspace), files, load)
    use = CacheUse(cache, experience.runtime.cache, journal=journal)
    return Plan(_forecast(world, _Level(opened, args, use, access.use())).units(), world.costs.total)


def _forecast(world: _World, level: _Level) -> Forecast:
    experience, _, base, files, load = level.opened
    graph = Graph(experience)
    ledger = Ledger(graph, experience.fields, base)
    rules = WriteRules(experience, load, ledger.set_before)

    def is_valid(node: Node, entry: Entry) -> bool:
        try:
            rules.check(node, entry.state_delta)
        except NodeError:
            return False
        return True

    keys = Keys(experience, world.kinds, files, dict(os.environ), world.redactor,
                level.model_use.identity)
    views = Views(graph, experience.fields, ledger, level.args, world.kinds, files)
    replay = Replay("", level.use, world.kinds, files, SystemClock())
    costs = CallCosts(world.access, level.model_use, world.kinds, files)
    slot_of = partial(child_slot, level.slot)
    return Forecast(Known(
        graph, views, ledger, keys, slot_of, replay, is_valid, lambda slot: world.earlier.get(slot_of(slot)),
        _Tally(world, level, costs), partial(_look_inside, world, level)))


def _look_inside(world: _World, level: _Level, node: Node, name: str, args: JsonObject) -> Inside | None:
    """What would happen inside a slot whose node nests an experience; None for all other nodes. Raises NodeError where
    it could not be carried out."""
    if not world.kinds[node.kind].is_nested:
        return None
    slot = child_slot(level.slot, name)
    if level.depth >= MOST_LEVELS:
        raise too_deep()
    if world.looked_into.counted >= _MOST_LOOKED_INTO:
        return Inside(slot, "too much is nested to look into all of it")
    world.looked_into.counted += 1
    try:
        opened = _open(world, level.opened, node)
    except OeError as error:
        raise NodeError(error.message, hint=error.hint) from error
    bound = arguments_of(opened, args)
    world.redactor.add(str(bound[each]) for each in secret_arguments(opened.experience) if each in bound)
    inner = _Level(opened, bound, cache_below(level.use, node, opened.experience),
                   level.model_use.within(opened.experience), slot, level.depth + 1)
    forecast = _forecast(world, inner)
    planned = forecast.units()
    units = tuple(unit._replace(id=child_slot(slot, unit.id)) for unit in planned)
    first = next((unit for unit in units if unit.action == "run"), None)
    if first is not None:
        return Inside(first.inside or first.id, first.reason, None, units)
    output = cast(NestingKind, world.kinds[node.kind]).output_of(node, forecast.final())
    return Inside(None, f"all of {plural(len(planned), 'unit')}", output, units)


def _open(world: _World, outer: Opened, node: Node) -> Opened:
    kind = cast(NestingKind, world.kinds[node.kind])
    return world.children.opener(world.bases)(outer.files.absolute(kind.child_file(node, outer.files)))


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
        for run in reversed(workspace.store.find_runs(workspace.key, limit=EARLIER_RUNS)):
            found.update((each.slot, each) for each in workspace.store.journal(run.run_id) if "parts" in each.details)
    return found


def _say_nothing(_: OeError) -> None:
    """A plan tells what would run; a cache entry that cannot be read simply does not count."""
