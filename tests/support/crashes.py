"""Runs that are killed at chosen instants, resumed, and compared with one that nobody disturbed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from oe.app.workspace import Workspace
from oe.errors import NotFoundError
from oe.ports.store import Outcome, Run
from oe.state.events import EVENTS
from tests.support.crash_shapes import MODEL_SLOTS, options, write_shape
from tests.support.program import ROOT

RUN_ID = "killed"
BEGIN = ("run", "--quiet", "--run-id", RUN_ID, "--concurrency", "3")
GO_ON = ("resume", "--quiet", "--run-id", RUN_ID, "--concurrency", "3")
OF_ENDINGS = frozenset({"run.resumed", "run.finished", "node.cancelled"})
"""Events that a disturbed run has more of."""


class Instant(NamedTuple):
    """Where a process is to be killed: before, after or within the n-th call of a point. Without a point, `strikes` are
    signals by the number of the call at which it gets them, whatever is called."""

    strikes: Mapping[int, int] = MappingProxyType({})
    number: int = 0
    point: str = ""
    when: str = ""


NEVER = Instant()


def killed_at(call: int) -> Instant:
    """Killed at its n-th call."""
    return Instant({call: signal.SIGKILL})


def killed_beside(point: str, when: str, number: int = 1) -> Instant:
    """Killed at the n-th call of a point."""
    return Instant(number=number, point=point, when=when)


class Ended(NamedTuple):
    """How a process ended, and how often it came to each point if nobody killed it."""

    exit_code: int
    stdout: str
    stderr: str
    hits: dict[str, int]
    left: list[str]
    """Descriptors that it had not closed."""

    @property
    def was_killed(self) -> bool:
        return self.exit_code == -signal.SIGKILL


class CrashHost:
    """See tests/support/crash_host.py."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen([sys.executable, "-m", "tests.support.crash_host"], env=environment,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, folder: Path, *arguments: str, at: Instant = NEVER) -> Ended:
        """The command line in the folder, killed at the instant if it gets there."""
        assert self._process.stdin is not None and self._process.stdout is not None
        names = {name: str(self._folder / name) for name in ("stdout", "stderr", "hits")}
        Path(names["hits"]).write_text('{"hits": {}, "left": []}')
        order = {"argv": arguments, "cwd": str(folder), **at._asdict(), **names, "strikes": dict(at.strikes)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        found = json.loads(Path(names["hits"]).read_text())
        return Ended(code, Path(names["stdout"]).read_text(), Path(names["stderr"]).read_text(), **found)

    def close(self) -> None:
        """Ends the host."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(60)


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Workspace, Run]]:
    """The data folder and its run, to be looked at. Raises NotFoundError where there is none yet."""
    with Workspace(str(folder / "experience.yaml"), read_only=True) as workspace:
        run = workspace.store.find_run(RUN_ID)
        if run is None:
            raise NotFoundError("no run")
        yield workspace, run


def committed_slots(folder: Path, *, with_key: bool = False) -> set[str] | None:
    """The slots whose success is committed, or of those the ones that have a key; None where the run itself is not."""
    try:
        with opened(folder) as (workspace, _):
            return {row.slot for row in workspace.store.journal(RUN_ID) if row.status == "success" and (row.key or not with_key)}
    except NotFoundError:
        return None


def logged_slots(folder: Path) -> set[str]:
    """The slots that the log, as it was left, says have finished."""
    log = folder / ".openexpertise" / "runs" / f"{RUN_ID}.jsonl"
    whole = log.read_bytes().split(b"\n")[:-1] if log.exists() else []
    return {record["slot"] for record in map(json.loads, whole) if record["type"] == "node.finished"}


def executions(folder: Path) -> Counter[str]:
    """How often the tools of each slot ran to their end."""
    done = folder / "done"
    return Counter(done.read_text().split("\n")[:-1]) if done.exists() else Counter()


def truth(folder: Path) -> dict[str, Any]:
    """What the run came to: the same whether it was disturbed or not. Units that consist of others settle once more when
    a run is resumed, so the history is that of what was executed."""
    with opened(folder) as (workspace, run):
        rows = list(workspace.store.journal(RUN_ID))
        successes = Counter(row.slot for row in rows if row.status == "success")
        assert set(successes.values()) <= {1}, "an output counts twice"
        experiences = [str(path.resolve()) for path in sorted(folder.glob("*.yaml"))]
        return {
            "run": (run.status, run.reason, run.state, run.published),
            "slots": {row.slot: (row.status, row.key, row.writes, row.edge_output) for row in rows},
            "workspace": [workspace.store.workspace(experience) for experience in experiences],
            "history": Counter(json.dumps([entry.slot, entry.field, entry.delta])
                               for entry in workspace.store.history(RUN_ID)
                               if entry.slot in MODEL_SLOTS or entry.slot in executions(folder))}


def check_log(folder: Path) -> Counter[Any]:
    """Every line whole, numbers without a gap, each committed event of the truth once; the committed events."""
    text = (folder / ".openexpertise" / "runs" / f"{RUN_ID}.jsonl").read_text()
    assert text.endswith("\n")
    records = [json.loads(line) for line in text.splitlines()]
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    found = Counter((*(record.get(name) for name in ("type", "slot", "attempt", "field", "experience")), record["ts"])
                    for record in records if EVENTS[record["type"]].committed)
    with opened(folder) as (workspace, run):
        rows = [row for row in workspace.store.everything(RUN_ID) if isinstance(row, Outcome)]
        resumed = sum(count for key, count in found.items() if key[0] == "run.resumed")
        assert resumed == run.resumed
    assert sum(count for key, count in found.items() if key[0] == "node.finished") == sum(
        row.status == "success" for row in rows)
    told = sum(count for key, count in found.items() if key[0] == "node.tokens")
    calls = [row.details["tokens"] for row in rows if "tokens" in row.details]
    assert told == sum(len(each) for each in calls if isinstance(each, list | tuple)), "each call is told once"
    assert {count for key, count in found.items() if key[0] != "node.tokens"} == {1}, "an event stands twice"
    return Counter(key[:5] for key in found.elements())


class Calm(NamedTuple):
    """A run that nobody disturbed: what it came to, its log, and how often it called and came to each point."""

    truth: dict[str, Any]
    log: Any
    hits: dict[str, int]


Calms = Callable[[str], Calm]


class Life:
    """One run from its beginning to its end, through any number of kills. Without `keys`, a slot may have none, as where
    a file of it could not be read, and is then carried out again."""

    def __init__(self, host: CrashHost, folder: Path, shape: str, *, keys: bool = True) -> None:
        self.folder = write_shape(folder, shape)
        self.kills = 0
        self._host = host
        self._options = options(shape)
        self._keys = keys

    def go_on(self, at: Instant = NEVER, allowed: Collection[int] = (0, -signal.SIGKILL)) -> Ended:
        """Begins the run, or resumes it where it has begun. What is committed must not be carried out again, and what
        is not at most once. Its exit code has to be one of those that are allowed."""
        before, committed = executions(self.folder), committed_slots(self.folder, with_key=not self._keys)
        ended = self._host.run(self.folder, *(BEGIN if committed is None else GO_ON), *self._options, at=at)
        assert ended.exit_code in allowed, f"exit code {ended.exit_code}: {ended.stderr}"
        self.kills += ended.was_killed
        more = executions(self.folder) - before
        assert not more.keys() & (committed or set()), "what is committed was carried out again"
        assert set(more.values()) <= {1}
        assert logged_slots(self.folder) <= (committed_slots(self.folder) or set()), "the log told what is not committed"
        return ended

    def end(self, calm: Calm) -> None:
        """Brings it to its end and compares."""
        log = self.end_in_truth(calm)
        lost = {_without_attempt(key) for key in calm.log} - {_without_attempt(key) for key in log}
        assert not lost, f"lost from the log: {lost}"
        unknown = {key for key in log - calm.log if key[0] not in OF_ENDINGS and (key[2] or 1) == 1}
        assert not unknown, f"more in the log: {unknown}"

    def end_in_truth(self, calm: Calm) -> Counter[Any]:
        """Brings it to its end and compares what it came to; the committed events of its log, which may tell of failures."""
        self.go_on()
        assert self._host.run(self.folder, "inspect", RUN_ID, "--json").exit_code == 0  # mends what is behind the last commit
        found = truth(self.folder)
        for name, value in calm.truth.items():
            expected = value
            if name == "slots" and not self._keys:
                found[name], expected = _without_keys(found[name]), _without_keys(value)
            if name == "history" and not self._keys:  # it holds what was replaced too
                found[name], expected = set(found[name]), set(value)
            assert found[name] == expected, f"{name}: {found[name]} instead of {expected}"
        return check_log(self.folder)


def _without_keys(slots: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    return {slot: (status, *rest) for slot, (status, _, *rest) in slots.items()}


def _without_attempt(key: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*key[:2], *key[3:])
