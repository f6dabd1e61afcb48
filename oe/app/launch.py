"""The composition root, part two: carrying out runs. Builds everything that a run touches, and takes it apart again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from functools import partial
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol, TypeAlias

from oe.app.children import Children
from oe.app.experiences import kinds_by_name, load_experience, schema_loader
from oe.app.live import LiveKeeper, LookedAt
from oe.app.model_faults import model_problems
from oe.app.models import ModelAccess, ModelOptions, as_recorded, budget_of, continued, evenly
from oe.app.reused import (
    Publications,
    asked_for,
    begun_as,
    expect_units,
    latest_run,
    results_of,
    selection_again,
    selection_of,
)
from oe.app.workspace import Workspace, result_in_journal
from oe.clock import SystemClock, iso
from oe.errors import AlreadyRunningError, OeError, SkippedError, SpecError, UsageError, expect
from oe.ids import is_run_id, new_run_id
from oe.lang.scope import Missing
from oe.net.processes import Processes
from oe.ports.cache import Entry, ResultCache
from oe.ports.committed import committed_events, log_of
from oe.ports.store import Milestone, NewRun, Outcome, Reopened, Run, RunExists
from oe.redact import Redactor, secrets_of
from oe.run.bus import EventBus
from oe.run.capture import OutputCapture
from oe.run.level import Outside
from oe.run.replay import CacheUse
from oe.run.session import Part, RunResult, Session
from oe.run.threads import DaemonThreads
from oe.sealed import is_sealed, seal
from oe.spec.arguments import bind_arguments, expect_no_secrets, secret_arguments
from oe.spec.model import Experience
from oe.state.ledger import base_defaults
from oe.state.run_state import RunState
from oe.state.status import StopReason, exit_code
from oe.store.cache_files import CacheFiles
from oe.store.event_log import JsonlLog
from oe.store.local_files import LocalFiles
from oe.store.node_log import NodeLogFiles
from oe.text import clip
from oe.values import Json, JsonObject, canonical

__all__ = [
    "EventBus", "Resumed", "RunHandle", "RunOptions", "RunResult", "resume_run", "run_experience",
    "start_run",
]


IfRunning: TypeAlias = Literal["allow", "wait", "skip", "fail"]

_POLL_SECONDS = 0.2


class RunHandle(LookedAt, Protocol):
    """A run that is going on, as a surface may hold it."""

    state: RunState

    @property
    def abandoned(self) -> list[str]:
        """What did not end when it was cancelled, and still runs."""

    def stop(self, reason: StopReason) -> None:
        """Asks the run to end; a second time, at once."""


class RunOptions(NamedTuple):
    """How one run is to be carried out, beside what the experience says. `only`, `start` (--from) and `refresh` select
    a part of the graph; `again` are nodes that a resumed run runs although it has finished them."""

    args: Mapping[str, Json] = {}
    concurrency: int | None = None
    timeout_seconds: float | None = None
    run_id: str | None = None
    data_dir: str | None = None
    warn: Callable[[str], None] | None = None
    on_start: Callable[[RunHandle], None] | None = None
    cache: bool | ResultCache = True
    only: str | None = None
    start: str | None = None
    refresh: Sequence[str] = ()
    again: Sequence[str] = ()
    earlier: Mapping[str, Entry] = MappingProxyType({})
    if_running: IfRunning = "allow"
    models: ModelOptions = ModelOptions()


async def run_experience(spec: Experience | str | os.PathLike[str], *,  # noqa: PLR0913 -- the library's documented call
                         experience_dir: str | None = None, args: Mapping[str, Json] | None = None,
                         events: EventBus | None = None, cache: bool | ResultCache = True,
                         concurrency: int | None = None, data_dir: str | None = None, llm: str | None = None,
                         record: str | None = None, replay: str | None = None,
                         budget: Mapping[str, float] | None = None) -> RunResult:
    """Runs an experience to its end and gives run id, status and final state.

    `spec` is what `load_experience` gave, or a path, which `experience_dir` is put before; with an experience that was
    loaded elsewhere its files and data are those of `experience_dir`. `cache` may be a CacheStore of another folder.
    `llm`, `record`, `replay` are as on the command line; `budget` holds `usd`, `tokens`, `calls`. Raises SpecError,
    UsageError for arguments and limits, StoreError.
    """
    expect(concurrency is None or concurrency >= 1, "concurrency must be at least 1", concurrency)
    expect(isinstance(cache, bool) or hasattr(cache, "keep"), "cache must be true, false or a CacheStore", cache)
    expect(args is None or isinstance(args, Mapping), "args must be a mapping of names to values", args)
    expect(events is None or hasattr(events, "publish"), "events must be an EventBus", events)
    experience = _placed(spec, experience_dir)
    models = ModelOptions(llm, record, replay, budget_of(budget) if budget else None)
    options = RunOptions(args=args or {}, concurrency=concurrency, data_dir=data_dir, cache=cache, models=models)
    return await start_run(experience, options, events)


def _placed(spec: Experience | str | os.PathLike[str], folder: str | None) -> Experience:
    if not isinstance(spec, Experience):
        expect(isinstance(spec, str | os.PathLike), "an experience must be a path or come of load_experience", spec)
        return load_experience(spec if folder is None else os.path.join(folder, spec))
    if folder is None:
        return spec
    place = os.path.abspath(folder)
    return spec._replace(folder=place, file=os.path.join(place, os.path.basename(spec.file)))


async def start_run(experience: Experience, options: RunOptions, events: EventBus | None = None) -> RunResult:
    """A new run from its arguments to its end. Raises SkippedError where `if_running` says skip and another runs."""
    args = bind_arguments(experience, dict(options.args), schema_loader(LocalFiles(experience.folder)))
    if options.run_id is not None and not is_run_id(options.run_id):
        raise UsageError(f"'{options.run_id}' is no run id",
                         hint="letters, digits, '.', '_' and '-', at most 100; not 'latest', and nothing that ends in "
                              ".jsonl, .live or .lock")
    asked = asked_for(options.only, options.start, options.refresh)
    selection = selection_of(experience, asked)
    with closing(_access(experience, args, options)) as access:
        expect_no_secrets(experience, args, access.redactor)
        with Workspace(experience.file, options.data_dir, durability=experience.runtime.durability) as workspace:
            before = latest_run(workspace) if selection.reused else None
            earlier = results_of(workspace, before) if before is not None else {}
            with await _entry(workspace, options.if_running):
                _tell_shared_files(workspace, experience, options)
                run = _create_run(workspace, access, args, options, (asked, before))
            part = Part(run, args, Milestone(1, "run.started", run.started_at, {"args": run.args}),
                        options.concurrency, options.timeout_seconds, selection)
            return await _carry_out(workspace, access, part, options._replace(earlier=earlier), events)


def _access(experience: Experience, args: Mapping[str, Json], options: RunOptions) -> ModelAccess:
    """The models of a run. Raises SpecError for nodes that could never ask theirs."""
    redactor = Redactor(secrets_of(os.environ))
    redactor.add(str(args[name]) for name in secret_arguments(experience) if name in args)
    access = ModelAccess(experience, options.models, redactor, options.warn or _ignore)
    try:
        if problems := model_problems(access):
            raise SpecError(problems)
    except OeError:
        access.close()
        raise
    return access


async def _entry(workspace: Workspace, rule: IfRunning) -> AbstractContextManager[object]:
    """The right to begin a run, as `--if-running` says: with every rule but allow, those who ask take turns between
    looking at who runs and being one who does. Raises AlreadyRunningError, SkippedError."""
    if rule == "allow":
        return nullcontext()
    while True:
        turn = workspace.folder.turn(workspace.owner)
        if turn is not None:
            living = workspace.living_runs()
            if not living:
                return turn
            turn.release()
            if rule == "skip":
                raise SkippedError(f"run '{living[0].run_id}' is being carried out by {_describe(living[0])}; skipped")
            if rule == "fail":
                raise AlreadyRunningError(f"run '{living[0].run_id}' is being carried out by {_describe(living[0])}")
        await asyncio.sleep(_POLL_SECONDS)


def _tell_shared_files(workspace: Workspace, experience: Experience, options: RunOptions) -> None:
    """Warns where another run may be writing the very files that this one makes: they are the experience's, not a
    run's."""
    files = [path for node in experience.nodes.values() for path in node.produces]
    living = workspace.living_runs() if files and options.if_running == "allow" else ()
    if living:
        (options.warn or _ignore)(
            f"oe: warning: run '{living[0].run_id}' goes on too, and makes the same files: "
            f"{clip(', '.join(files), 200)}; whoever writes last wins (--if-running wait lets runs follow each other)")


class Resumed(NamedTuple):
    """What `resume_run` came to. `reopened` is False for a run that had succeeded already: nothing was done then."""

    result: RunResult
    reopened: bool


async def resume_run(experience: Experience, options: RunOptions, events: EventBus | None = None) -> Resumed:
    """Continues the run `options.run_id` (a name as for `find_run`) unless it has succeeded.

    It stays a run of the part of the graph that it was begun for. Raises AlreadyRunningError where a live process owns
    it, NotFoundError for a unit to be run again that there is not, UsageError where a secret argument is not given
    again or its arguments do not fit the experience any more.
    """
    from oe.app.inspection import latest_moment, mend_log  # for resumed runs alone

    expect_units(experience, options.again)
    with Workspace(experience.file, options.data_dir, creates=False,
                   durability=experience.runtime.durability) as workspace:
        run = workspace.find_run(options.run_id or "latest")
        if run.status == "success":
            mend_log(workspace, run, options.warn or _ignore)  # a kill may have fallen between its last commit and log
            return Resumed(_result_of(workspace, experience, run), reopened=False)
        args = _arguments_again(experience, run, options.args)
        if not workspace.lock(run.run_id):
            raise AlreadyRunningError(f"run '{run.run_id}' is being carried out by {_describe(run)}")
        run = workspace.find_run(run.run_id)  # its owner may have brought it to its end before it gave up the lock
        if run.status == "success":
            return Resumed(_result_of(workspace, experience, run), reopened=False)
        selection = selection_again(experience, run, options.again)
        before = latest_run(workspace, run.run_id) if selection.reused else None
        earlier = results_of(workspace, before) if before is not None else {}
        options = options._replace(models=continued(options.models, run.models), earlier=earlier)
        with closing(_access(experience, args, options)) as access:
            now = SystemClock(latest_moment(workspace, run)).now()
            run = workspace.store.reopen_run(Reopened(
                run.run_id, workspace.owner, now, _spec_text(experience), base_defaults(experience.fields.values()),
                Children(experience, access.nested).persistent_fields(), as_recorded(options.models),
                [field.name for field in experience.fields.values() if field.persist]))
            part = Part(run, args, Milestone(0, "run.resumed", now, {}), options.concurrency, options.timeout_seconds,
                        selection, again=frozenset(options.again))
            return Resumed(await _carry_out(workspace, access, part, options, events), reopened=True)


def _result_of(workspace: Workspace, experience: Experience, run: Run) -> RunResult:
    """A run that has ended, as its own process gave it."""
    state = RunState(experience.units)
    for entry in workspace.store.everything(run.run_id):
        if isinstance(entry, Outcome):
            for event in committed_events(entry):
                state.apply(event)
    return RunResult(run.run_id, run.status, run.reason, exit_code(run.status, run.reason), run.state or {},
                     [unit.as_object() for unit in state.units.values()], run.totals, _artifacts(workspace, run.run_id))


def _artifacts(workspace: Workspace, run_id: str) -> list[JsonObject]:
    """The files that the nodes of a run made for people."""
    folder = workspace.folder.artifacts(run_id)
    return [{"name": name, "path": f"{folder}/{name}", "bytes": size}
            for name, size in workspace.folder.artifact_files(run_id)]


def _spec_text(experience: Experience) -> str:
    return canonical(experience.document.value)


def _create_run(workspace: Workspace, access: ModelAccess, args: dict[str, Json], options: RunOptions,
                asked: tuple[JsonObject, Run | None]) -> Run:
    """Records the run of the part that is asked for, which reuses results of another run or of none."""
    run_id, experience = options.run_id, access.experience
    begun = begun_as(workspace, Children(experience, access.nested), *asked)
    now = SystemClock().now()
    secret = set(secret_arguments(experience))
    while True:
        chosen = run_id or new_run_id(iso(now)[:10].replace("-", ""), os.urandom(3))
        if not workspace.lock(chosen):
            if run_id:
                raise AlreadyRunningError(f"run '{run_id}' is being carried out by another process")
            continue
        try:
            return workspace.store.create_run(NewRun(
                chosen, workspace.key, experience.name, experience.version,
                {name: value for name, value in args.items() if name not in secret},
                {name: seal(str(args[name]), os.urandom(16)) for name in sorted(secret) if name in args},
                begun.defaults, begun.persistent, _spec_text(experience), now, workspace.owner, asked[0],
                begun.nested, as_recorded(options.models), begun.nested_values))
        except RunExists:
            workspace.unlock()
            if run_id:
                raise UsageError(f"run '{run_id}' exists already",
                                 hint=f"`oe resume --run-id {run_id}` continues it", code="run-exists") from None


def _arguments_again(experience: Experience, run: Run, given: Mapping[str, Json]) -> dict[str, Json]:
    """The arguments of a resumed run as its experience declares them now: the defaults of those that were added since
    are filled in, and those that it no longer declares are left out."""
    args = {**run.args, **_secrets_again(experience, run, given)}
    declared = experience.arguments
    if declared is None:
        return args
    for argument in declared.values():
        if argument.required and isinstance(argument.default, Missing) and argument.name not in args:
            raise UsageError(f"argument '{argument.name}' has been added since the run began, and has no default",
                             hint="give it a default, or start a new run with `oe run`", code="invalid-arguments")
    kept = {name: value for name, value in args.items() if name in declared}
    return bind_arguments(experience, kept, schema_loader(LocalFiles(experience.folder)))


def _secrets_again(experience: Experience, run: Run, given: Mapping[str, Json]) -> dict[str, Json]:
    """Secret arguments of a resumed run: given again, checked against their digests."""
    unknown = [name for name in given if name not in run.secrets]
    if unknown:
        raise UsageError(f"argument '{unknown[0]}' cannot be given to resume: arguments come from the run",
                         hint="only secret arguments are given again; `oe run` starts a new run")
    for name, sealed in run.secrets.items():
        if name not in given:
            raise UsageError(f"secret argument '{name}' is needed again to resume",
                             hint=f"--arg {name}=env:NAME, {name}=file:PATH or {name}=VALUE")
        if not is_sealed(str(given[name]), sealed):
            raise UsageError(f"secret argument '{name}' is not the one that the run was started with")
    return dict(given)


def _describe(run: Run) -> str:
    return f"process {run.owner.pid} on {run.owner.host}"


async def _carry_out(workspace: Workspace, access: ModelAccess, part: Part, options: RunOptions,
                     events: EventBus | None) -> RunResult:
    run_id, store = part.run.run_id, workspace.store
    outside = _outside(workspace, access, part, options)
    if events is not None:
        outside = outside._replace(bus=events)
    log = outside.log
    with ExitStack() as ending:  # what one of them meets, as a database that has gone, keeps no other from its end
        for close in (outside.threads.close, outside.processes.close, log.close):
            ending.callback(close)
        ending.callback(lambda: log.broken and log.repair(log_of(store.everything(run_id))))
        access.begin()
        if part.run.resumed:
            log.repair(log_of(_before(part.milestone, store.everything(run_id))))
        session = Session(access.experience, part, outside)
        keeper = LiveKeeper(session, workspace, run_id, options.warn or _ignore)
        if options.on_start is not None:
            options.on_start(session)
        with OutputCapture(access.redactor), keeper:
            result = await session.carry_out()
    return result._replace(artifacts=_artifacts(workspace, run_id))


def _before(milestone: Milestone, entries: Iterable[Outcome | Milestone]) -> Iterator[Outcome | Milestone]:
    """All but the milestone that began this part of the run: it is committed, but the session has yet to tell it."""
    for entry in entries:
        if not (isinstance(entry, Milestone) and (entry.type, entry.ts) == (milestone.type, milestone.ts)):
            yield entry


def _outside(workspace: Workspace, access: ModelAccess, part: Part, options: RunOptions) -> Outside:
    run_id, selection = part.run.run_id, part.selection
    experience, redactor = access.experience, access.redactor
    files, folder = LocalFiles(experience.folder), workspace.folder

    def trouble(error: OeError) -> None:
        (options.warn or _ignore)(f"oe: warning: {error.message}")

    cache = CacheFiles(folder.cache, trouble) if options.cache is True else options.cache or None
    if options.models.record is not None:
        cache = None  # what is not asked is not recorded
    log = JsonlLog(folder.event_log(run_id), run_id, redactor=redactor, on_trouble=trouble)
    return Outside(
        store=workspace.store, log=log, bus=EventBus(), clock=SystemClock(part.milestone.ts), processes=Processes(),
        threads=DaemonThreads(), files=files, kinds=kinds_by_name(), redactor=redactor, environment=dict(os.environ),
        node_logs=NodeLogFiles(lambda slot: folder.node_log(run_id, slot), redactor),
        artifact=lambda name: folder.artifact(run_id, name), load_schema=schema_loader(files), random=evenly,
        cache=CacheUse(cache, experience.runtime.cache, _nodes_of(experience, selection.refreshed | part.again),
                       _nodes_of(experience, selection.reused), _nodes_of(experience, selection.required),
                       options.earlier, partial(result_in_journal, workspace),
                       Publications(workspace, run_id).hold),
        model_use=access.use(), open_nested=Children(experience).opener(part.run.nested))


def _nodes_of(experience: Experience, units: Iterable[str]) -> frozenset[str]:
    """The units with the stages and bodies that they consist of: what attempts go by are nodes."""
    names = set(units)
    for name in tuple(names):
        if name in experience.pipelines:
            names.update(experience.pipelines[name].stages)
        elif name in experience.loops:
            names.update(experience.loops[name].body)
    return frozenset(names)


def _ignore(_: str) -> None:
    """A warning that nobody asked for."""
