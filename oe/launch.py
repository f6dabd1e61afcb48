"""The composition root, part two: carrying out runs. Builds everything that a run touches, and takes it apart again."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from oe.app import KINDS_BY_NAME, Workspace, load_experience, schema_loader
from oe.clock import SystemClock, iso
from oe.errors import AlreadyRunningError, OeError, UsageError
from oe.ids import is_run_id, new_run_id
from oe.lang.scope import Missing
from oe.net.processes import Processes
from oe.ports.cache import ResultCache
from oe.ports.committed import committed_events, log_of
from oe.ports.store import Milestone, NewRun, Outcome, Run, RunExists
from oe.redact import Redactor, secrets_of
from oe.run.bus import EventBus
from oe.run.replay import CacheUse
from oe.run.session import Outside, Part, RunResult, Session
from oe.run.threads import DaemonThreads
from oe.sealed import is_sealed, seal
from oe.spec.arguments import bind_arguments, is_text_argument, secret_arguments
from oe.spec.model import Experience
from oe.state.run_state import RunState
from oe.state.status import StopReason, exit_code
from oe.store.cache_files import CacheFiles
from oe.store.event_log import JsonlLog
from oe.store.local_files import LocalFiles
from oe.store.node_log import NodeLogFiles
from oe.values import Json, canonical

__all__ = [
    "EventBus", "Resumed", "RunHandle", "RunOptions", "RunResult", "is_text_argument", "resume_run", "run_experience",
    "start_run",
]


class RunHandle(Protocol):
    """A run that is going on, as a surface may hold it."""

    state: RunState

    def stop(self, reason: StopReason) -> None:
        """Asks the run to end; a second time, at once."""


class RunOptions(NamedTuple):
    """How one run is to be carried out, beside what the experience says."""

    args: Mapping[str, Json] = {}
    concurrency: int | None = None
    timeout_seconds: float | None = None
    run_id: str | None = None
    data_dir: str | None = None
    warn: Callable[[str], None] | None = None
    on_start: Callable[[RunHandle], None] | None = None
    cache: bool | ResultCache = True
    refresh: frozenset[str] = frozenset()


async def run_experience(spec: Experience | str | os.PathLike[str], *,  # noqa: PLR0913 -- the library's documented call
                         experience_dir: str | None = None, args: Mapping[str, Json] | None = None,
                         events: EventBus | None = None, cache: bool | ResultCache = True,
                         concurrency: int | None = None, data_dir: str | None = None) -> RunResult:
    """Runs an experience to its end and gives run id, status and final state.

    `spec` is what `load_experience` gave, or a path; `cache` may be a CacheStore of another folder.
    Raises SpecError, UsageError for arguments, StoreError.
    """
    experience = spec if isinstance(spec, Experience) else load_experience(experience_dir or spec)
    options = RunOptions(args=args or {}, concurrency=concurrency, data_dir=data_dir, cache=cache)
    return await start_run(experience, options, events)


async def start_run(experience: Experience, options: RunOptions, events: EventBus | None = None) -> RunResult:
    """A new run from its arguments to its end."""
    files = LocalFiles(experience.folder)
    args = bind_arguments(experience, dict(options.args), schema_loader(files))
    if options.run_id is not None and not is_run_id(options.run_id):
        raise UsageError(f"'{options.run_id}' is no run id", hint="letters, digits, '.', '_' and '-', at most 100")
    with Workspace(experience.file, options.data_dir, durability=experience.runtime.durability) as workspace:
        run = _create_run(workspace, experience, args, options.run_id)
        from oe.ports.store import Milestone

        milestone = Milestone(1, "run.started", run.started_at, {"args": run.args})
        return await _carry_out(workspace, experience, _part(run, args, milestone, options), options, events)


class Resumed(NamedTuple):
    """What `resume_run` came to. `reopened` is False for a run that had succeeded already: nothing was done then."""

    result: RunResult
    reopened: bool


async def resume_run(experience: Experience, options: RunOptions, events: EventBus | None = None) -> Resumed:
    """Continues the run `options.run_id` (a name as for `find_run`) unless it has succeeded.

    Raises AlreadyRunningError where a live process owns it, UsageError where a secret argument is not given again.
    """

    with Workspace(experience.file, options.data_dir, durability=experience.runtime.durability) as workspace:
        run = workspace.find_run(options.run_id or "latest")
        if run.status == "success":
            return Resumed(_result_of(workspace, experience, run), reopened=False)
        args = {**run.args, **_secrets_again(experience, run, options.args)}
        if not workspace.lock(run.run_id):
            raise AlreadyRunningError(f"run '{run.run_id}' is being carried out by {_describe(run)}")
        now = SystemClock().now()
        run = workspace.store.reopen_run(run.run_id, workspace.owner, now, _spec_text(experience))
        milestone = Milestone(0, "run.resumed", now, {})
        part = _part(run, args, milestone, options)
        return Resumed(await _carry_out(workspace, experience, part, options, events), reopened=True)


def _result_of(workspace: Workspace, experience: Experience, run: Run) -> RunResult:
    """A run that has ended, as its own process gave it."""

    state = RunState(experience.units)
    for entry in workspace.store.everything(run.run_id):
        if isinstance(entry, Outcome):
            for event in committed_events(entry):
                state.apply(event)
    return RunResult(run.run_id, run.status, run.reason, exit_code(run.status, run.reason), run.state or {},
                     [unit.as_object() for unit in state.units.values()], run.totals)


def _spec_text(experience: Experience) -> str:
    return canonical(experience.document.value)


def _create_run(workspace: Workspace, experience: Experience, args: dict[str, Json], run_id: str | None) -> Run:

    now = SystemClock().now()
    secret = set(secret_arguments(experience))
    fields = experience.fields.values()
    defaults = {field.name: field.default for field in fields if not isinstance(field.default, Missing)}
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
                defaults, [field.name for field in fields if field.persist], _spec_text(experience), now,
                workspace.owner))
        except RunExists:
            workspace.unlock()
            if run_id:
                raise UsageError(f"run '{run_id}' exists already",
                                 hint=f"`oe resume --run-id {run_id}` continues it", code="run-exists") from None


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


def _part(run: Run, args: dict[str, Json], milestone: Milestone, options: RunOptions) -> Part:

    return Part(run, args, milestone, options.concurrency, options.timeout_seconds)


async def _carry_out(workspace: Workspace, experience: Experience, part: Part, options: RunOptions,
                     events: EventBus | None) -> RunResult:

    run = part.run
    redactor = Redactor(secrets_of(os.environ))
    redactor.add(str(part.args[name]) for name in secret_arguments(experience) if name in part.args)
    outside = _outside(workspace, experience, run.run_id, redactor, options)
    if events is not None:
        outside = outside._replace(bus=events)
    if run.resumed:
        outside.log.repair(log_of(workspace.store.everything(run.run_id)))
    session = Session(experience, part, outside)
    if options.on_start is not None:
        options.on_start(session)
    try:
        return await session.carry_out()
    finally:
        if outside.log.broken:
            outside.log.repair(log_of(workspace.store.everything(run.run_id)))
        outside.log.close()


def _outside(workspace: Workspace, experience: Experience, run_id: str, redactor: Redactor,
             options: RunOptions) -> Outside:

    files = LocalFiles(experience.folder)
    folder = workspace.folder
    def trouble(error: OeError) -> None:
        (options.warn or _ignore)(f"oe: warning: {error.message}")

    cache = CacheFiles(folder.cache, trouble) if options.cache is True else options.cache or None
    log = JsonlLog(folder.event_log(run_id), run_id, redactor=redactor, on_trouble=trouble)
    return Outside(
        store=workspace.store, log=log, bus=EventBus(), clock=SystemClock(), processes=Processes(),
        threads=DaemonThreads(), files=files, kinds=KINDS_BY_NAME, redactor=redactor, environment=os.environ,
        node_logs=NodeLogFiles(lambda slot: folder.node_log(run_id, slot), redactor),
        artifact=lambda name: folder.artifact(run_id, name), load_schema=schema_loader(files), random=_random,
        cache=CacheUse(cache, experience.runtime.cache, options.refresh))


def _random() -> float:
    """Evenly from 0 up to 1. The module `random` would cost 3 ms at every start, for the rare retry with jitter."""
    return int.from_bytes(os.urandom(6), "big") / 2**48


def _ignore(_: str) -> None:
    """A warning that nobody asked for."""
