"""The composition root, part one: reading experiences, and an experience's place on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, cast

from oe.clock import seconds_of_iso
from oe.diagnostics import Problem
from oe.errors import ExitCode, NotFoundError, OeError, SpecError, UsageError
from oe.ids import is_run_id
from oe.lang.document import Document
from oe.spec.model import Experience, Node
from oe.store.data_folder import DataFolder
from oe.store.local_files import LocalFiles
from oe.store.lock import this_process
from oe.values import Json

if TYPE_CHECKING:
    from oe.ports.cache import Entry
    from oe.ports.kind import NestingKind, NodeKind
    from oe.ports.store import Outcome, Run, RunLock, Store

__all__ = ["Experience", "Loaded", "Workspace", "find_file", "load_experience", "read_experience"]

FILE_NAMES = ("experience.yaml", "experience.yml", "experience.json")
"""What an experience's file is called in its directory, first one first."""
EARLIER_RUNS = 20
"""How many runs back an earlier result of a node is looked for."""


def kinds_by_name() -> Mapping[str, NodeKind]:
    """Every node kind by its name."""
    from oe.kinds import KINDS

    return KINDS


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
        what = "neither a file nor a directory" if os.path.exists(path) else "no such file or directory"
        raise NotFoundError(f"{what}: '{path}'")
    return path


def read_experience(path: str) -> Loaded:
    """Reads and checks an experience and those that it nests, at any depth; runs and creates nothing. A text that
    cannot be read is a problem too."""
    file = find_file(path)
    loaded = read_alone(file)
    if loaded.experience is None:
        return loaded
    problems = list(loaded.problems)
    known = {os.path.realpath(file)}
    left = [_beside(file, inner) for inner in files_nested_in(loaded.experience)]
    while left:
        inner = left.pop(0)
        if os.path.realpath(inner) in known:
            continue
        known.add(os.path.realpath(inner))
        child = read_alone(inner)
        problems += child.problems
        if child.experience is not None:
            left += [_beside(inner, deeper) for deeper in files_nested_in(child.experience)]
    has_errors = any(problem.severity == "error" for problem in problems)
    return Loaded(None if has_errors else loaded.experience, problems)


def files_nested_in(experience: Experience, nodes: Iterable[Node] | None = None) -> Iterator[str]:
    """The files of the experiences that the nodes of one carry out, or some of them, relative to its folder."""
    kinds = kinds_by_name()
    nesting = [node for node in nodes or experience.nodes.values() if kinds[node.kind].is_nested]
    if not nesting:
        return
    files = LocalFiles(experience.folder)
    for node in nesting:
        with suppress(OeError):  # the check of the node's kind has told it
            file = cast("NestingKind", kinds[node.kind]).child_file(node, files)
            files.absolute(file)
            yield file.removeprefix("./")


def _beside(file: str, other: str) -> str:
    return os.path.normpath(os.path.join(os.path.dirname(file), other))


def read_alone(file: str) -> Loaded:
    """Reads and checks one experience file, without those that it nests."""
    from oe.spec.load import build_experience  # costs 15 ms, which looking at runs can do without

    try:
        document = read_document(file)
    except SpecError as error:
        return Loaded(None, list(error.problems))
    files = LocalFiles(os.path.dirname(os.path.abspath(file)))
    experience, problems = build_experience(document, kinds_by_name(), files)
    return Loaded(experience, problems)


def load_experience(path: str | os.PathLike[str]) -> Experience:
    """The experience of a directory or file. Raises SpecError with every error, NotFoundError."""
    loaded = read_experience(os.fspath(path))
    if loaded.experience is None:
        raise SpecError(loaded.problems)
    return loaded.experience


class Workspace:
    """An experience's place on disk: its data folder and store. Close it, or use it in a `with` statement."""

    def __init__(self, file: str, data_dir: str | None = None, *, read_only: bool = False, creates: bool = True,
                 durability: str = "process") -> None:
        """`creates` False: written to where it is, but not made. Raises NotFoundError where it is not there."""
        from oe.store.sqlite_store import SqliteStore

        self.key = os.path.realpath(file)
        if data_dir == "":
            raise UsageError("the data folder's name is empty", hint="leave it out for the one beside the experience")
        chosen = data_dir or os.environ.get("OE_DATA_DIR")
        self.folder = DataFolder(chosen or os.path.join(os.path.dirname(self.key), ".openexpertise"))
        self.folder.expect_own(is_chosen=bool(chosen))
        if (read_only or not creates) and not self.folder.exists():
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
                raise self.no_runs()
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

    def no_runs(self) -> NotFoundError:
        """What is said where the experience has no runs: they belong to the path of its file, which may have moved."""
        moved = [run.experience for run in self.store.find_runs(None) if not os.path.exists(run.experience)]
        hint = "`oe run` makes one"
        if moved:
            hint = f"there are runs of '{moved[0]}', which is not there any more: runs belong to the path of their file"
        return NotFoundError("no runs yet", hint=hint)

    def living_runs(self) -> list[Run]:
        """Runs of this experience that a live process carries, newest first."""
        return [run for run in self.store.find_runs(self.key, limit=1000)
                if run.status == "running" and self.folder.liveness(run.run_id, run.owner) != "dead"]

    def status_of(self, run: Run) -> str:
        """The run's status, with `running` told apart from `interrupted` by the kernel lock of its owner."""
        if run.status == "running" and self.folder.liveness(run.run_id, run.owner) == "dead":
            return "interrupted"
        return run.status


def read_document(file: str) -> Document:
    """The text of an experience file as values with their positions; nothing is checked. Raises SpecError, OeError."""
    try:
        with open(file, "rb") as stream:
            data = stream.read()
    except OSError as error:
        raise OeError(f"cannot read '{file}': {(error.strerror or str(error)).lower()}", code="unreadable",
                      exit_code=ExitCode.INVALID) from error
    return _parse(data, file)


def _parse(data: bytes, name: str) -> Document:
    if name.endswith(".json"):
        from oe.lang.json_reader import read_json

        return read_json(data, name)
    from oe.lang.yaml import read_yaml

    return read_yaml(data, name)


def schema_loader(files: LocalFiles) -> Callable[[str], Json]:
    """Reads the files that a `$ref` names."""
    return lambda path: _parse(files.read_bytes(path), path).value


def result_in_journal(workspace: Workspace, key: str) -> Entry | None:
    """What the journal keeps under a key, as a cache entry."""
    found = workspace.store.find_result(key)
    return None if found is None else entry_of(*found)


def entry_of(run_id: str, outcome: Outcome) -> Entry:
    """What a run's outcome gave, as a cache entry. A replay is as old as what it replayed."""
    from oe.ports.cache import Entry

    origin, products = outcome.details.get("cached"), outcome.details.get("produces")
    since = seconds_of_iso(str(origin.get("since"))) if isinstance(origin, Mapping) else outcome.finished_at
    return Entry(dict(outcome.writes), outcome.edge_output, outcome.metrics, maker_of(run_id, outcome), since,
                 outcome.slot, {}, {path: str(digest) for path, digest in products.items()}
                 if isinstance(products, Mapping) else {})


def maker_of(run_id: str, outcome: Outcome) -> str:
    """The run that carried out what a run's outcome gave: an earlier one where that was a replay."""
    origin = outcome.details.get("cached")
    return str(origin.get("run")) if isinstance(origin, Mapping) else run_id
