"""The composition root: the only place that builds stores, logs, engines and hands them to each other."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from oe.clock import SystemClock, iso
from oe.diagnostics import Problem
from oe.errors import AlreadyRunningError, NotFoundError, SpecError, UsageError
from oe.ids import is_run_id, new_run_id
from oe.kinds import KINDS
from oe.lang.document import Document
from oe.redact import Redactor, secrets_of
from oe.sealed import is_sealed, seal
from oe.spec.arguments import bind_arguments, secret_arguments
from oe.spec.load import build_experience
from oe.spec.model import Experience
from oe.store.data_folder import DataFolder
from oe.store.local_files import LocalFiles
from oe.store.lock import this_process
from oe.values import Json, canonical

if TYPE_CHECKING:
    from oe.ports.store import Milestone, Run, RunLock, Store
    from oe.run.bus import EventBus
    from oe.run.session import Outside, Part, RunResult, Session

FILE_NAMES = ("experience.yaml", "experience.yml", "experience.json")
"""What an experience's file is called in its directory, first one first."""

_KINDS = {kind.name: kind for kind in KINDS}


class Loaded(NamedTuple):
    """A spec that was read: the experience unless there are errors, and every problem."""

    experience: Experience | None
    problems: list[Problem]


def find_file(path: str) -> str:
    """The experience file that PATH means: a directory's own, or the file itself. Raises NotFoundError."""
    if os.path.isdir(path):
        for name in FILE_NAMES:
            if os.path.isfile(os.path.join(path, name)):
                return os.path.join(path, name)
        raise NotFoundError(f"no experience in '{path}'",
                            hint=f"expected {' or '.join(FILE_NAMES)}; `oe init` makes one")
    if not os.path.isfile(path):
        raise NotFoundError(f"no such file or directory: '{path}'")
    return path


def read_experience(path: str) -> Loaded:
    """Reads and checks an experience; runs and creates nothing. A text that cannot be read is a problem too."""
    file = find_file(path)
    try:
        document = _read_document(file)
    except SpecError as error:
        return Loaded(None, list(error.problems))
    experience, problems = build_experience(document, _KINDS, LocalFiles(os.path.dirname(os.path.abspath(file))))
    return Loaded(experience, problems)


def load_experience(path: str | os.PathLike[str]) -> Experience:
    """The experience of a directory or file. Raises SpecError with every error, NotFoundError."""
    loaded = read_experience(os.fspath(path))
    if loaded.experience is None:
        raise SpecError(loaded.problems)
    return loaded.experience


class Workspace:
    """An experience's place on disk: its data folder and store. Close it, or use it in a `with` statement."""

    def __init__(self, file: str, data_dir: str | None = None, *, read_only: bool = False,
                 durability: str = "process") -> None:
        from oe.store.sqlite_store import SqliteStore

        self.key = os.path.realpath(file)
        root = data_dir or os.environ.get("OE_DATA_DIR") or os.path.join(os.path.dirname(self.key), ".openexpertise")
        self.folder = DataFolder(root)
        if read_only and not self.folder.exists():
            raise NotFoundError(f"no runs yet: '{self.folder.root}' holds no state.sqlite",
                                hint="`oe run` makes one; --data-dir names another place")
        if not read_only:
            self.folder.create()
        self.owner = this_process()
        self._lock: RunLock | None = None
        self.store: Store = SqliteStore.open(self.folder.database, read_only=read_only,
                                             durability="power" if durability == "power" else "process")

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the store and gives up the lock of the run that was carried out here."""
        self.store.close()
        self.unlock()

    def lock(self, run_id: str) -> bool:
        """Takes the run's lock for this process; False where a live process holds it."""
        self._lock = self.folder.lock(run_id, self.owner)
        return self._lock is not None

    def unlock(self) -> None:
        """Gives up the lock, if one is held."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def find_run(self, name: str) -> Run:
        """The run of that id, of that unique prefix, or the `latest`. Raises NotFoundError, UsageError."""
        if name == "latest":
            newest = self.store.find_runs(self.key, limit=1)
            if not newest:
                raise NotFoundError("no runs yet", hint="`oe run` makes one")
            return newest[0]
        exact = self.store.find_run(name) if is_run_id(name) else None
        if exact is not None and exact.experience == self.key:
            return exact
        found = self.store.find_runs(self.key, prefix=name, limit=3) if is_run_id(name) else []
        if not found:
            raise NotFoundError(f"no run '{name}'", hint="`oe runs` lists them")
        if len(found) > 1:
            raise UsageError(f"'{name}' is the beginning of several runs: {', '.join(run.run_id for run in found)}")
        return found[0]

    def status_of(self, run: Run) -> str:
        """The run's status, with `running` told apart from `interrupted` by the kernel lock of its owner."""
        if run.status == "running" and self.folder.liveness(run.run_id, run.owner) == "dead":
            return "interrupted"
        return run.status


class RunOptions(NamedTuple):
    """How one run is to be carried out, beside what the experience says."""

    args: Mapping[str, Json] = {}
    concurrency: int | None = None
    timeout_seconds: float | None = None
    run_id: str | None = None
    data_dir: str | None = None
    warn: Callable[[str], None] | None = None
    on_session: Callable[[Session], None] | None = None


async def run_experience(spec: Experience | str | os.PathLike[str], *, experience_dir: str | None = None,
                         args: Mapping[str, Json] | None = None, events: EventBus | None = None,
                         concurrency: int | None = None, data_dir: str | None = None) -> RunResult:
    """Runs an experience to its end and gives run id, status and final state.

    `spec` is what `load_experience` gave, or a path. Raises SpecError, UsageError for arguments, StoreError.
    """
    experience = spec if isinstance(spec, Experience) else load_experience(experience_dir or spec)
    options = RunOptions(args=args or {}, concurrency=concurrency, data_dir=data_dir)
    return await start_run(experience, options, events)


async def start_run(experience: Experience, options: RunOptions, events: EventBus | None = None) -> RunResult:
    """A new run from its arguments to its end."""
    files = LocalFiles(experience.folder)
    args = bind_arguments(experience, dict(options.args), _schema_loader(files))
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
    from oe.ports.store import Milestone

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
    from oe.ports.committed import committed_events
    from oe.ports.store import Outcome
    from oe.run.session import RunResult
    from oe.state.run_state import RunState
    from oe.state.status import exit_code

    state = RunState(experience.units)
    for entry in workspace.store.everything(run.run_id):
        if isinstance(entry, Outcome):
            for event in committed_events(entry):
                state.apply(event)
    return RunResult(run.run_id, run.status, run.reason, exit_code(run.status, run.reason), run.state or {},
                     [unit.as_object() for unit in state.units.values()], run.totals)


def _read_document(file: str) -> Document:
    with open(file, "rb") as stream:
        data = stream.read()
    return _parse(data, file)


def _parse(data: bytes, name: str) -> Document:
    if name.endswith(".json"):
        from oe.lang.json_reader import read_json

        return read_json(data, name)
    from oe.lang.yaml import read_yaml

    return read_yaml(data, name)


def _schema_loader(files: LocalFiles) -> Callable[[str], Json]:
    return lambda path: _parse(files.read_bytes(path), path).value


def _spec_text(experience: Experience) -> str:
    return canonical(experience.document.value)


def _create_run(workspace: Workspace, experience: Experience, args: dict[str, Json], run_id: str | None) -> Run:
    from oe.lang.scope import Missing
    from oe.ports.store import NewRun, RunExists

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
    from oe.run.session import Part

    return Part(run, args, milestone, options.concurrency, options.timeout_seconds)


async def _carry_out(workspace: Workspace, experience: Experience, part: Part, options: RunOptions,
                     events: EventBus | None) -> RunResult:
    from oe.ports.committed import log_of
    from oe.run.session import Session

    run = part.run
    redactor = Redactor(secrets_of(os.environ))
    redactor.add(str(part.args[name]) for name in secret_arguments(experience) if name in part.args)
    outside = _outside(workspace, experience, run.run_id, redactor, options.warn or _ignore)
    if events is not None:
        outside = outside._replace(bus=events)
    if run.resumed:
        outside.log.repair(log_of(workspace.store.everything(run.run_id)))
    session = Session(experience, part, outside)
    if options.on_session is not None:
        options.on_session(session)
    try:
        return await session.carry_out()
    finally:
        if outside.log.broken:
            outside.log.repair(log_of(workspace.store.everything(run.run_id)))
        outside.log.close()


def _outside(workspace: Workspace, experience: Experience, run_id: str, redactor: Redactor,
             warn: Callable[[str], None]) -> Outside:
    from oe.net.processes import Processes
    from oe.run.bus import EventBus
    from oe.run.session import Outside
    from oe.run.threads import DaemonThreads
    from oe.store.event_log import JsonlLog
    from oe.store.node_log import NodeLogFiles

    files = LocalFiles(experience.folder)
    folder = workspace.folder
    log = JsonlLog(folder.event_log(run_id), run_id, redactor=redactor,
                   on_trouble=lambda error: warn(f"oe: warning: {error.message}"))
    return Outside(
        store=workspace.store, log=log, bus=EventBus(), clock=SystemClock(), processes=Processes(),
        threads=DaemonThreads(), files=files, kinds=_KINDS, redactor=redactor, environment=os.environ,
        node_logs=NodeLogFiles(lambda slot: folder.node_log(run_id, slot), redactor),
        artifact=lambda name: folder.artifact(run_id, name), load_schema=_schema_loader(files), random=_random)


def _random() -> float:
    """Evenly from 0 up to 1. The module `random` would cost 3 ms at every start, for the rare retry with jitter."""
    return int.from_bytes(os.urandom(6), "big") / 2**48


def _ignore(_: str) -> None:
    """A warning that nobody asked for."""
