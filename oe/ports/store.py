"""The truth of runs: what was committed is what happened."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from oe.lang.scope import MISSING, Missing
from oe.state.status import OutcomeStatus, RunStatus
from oe.values import Json, JsonObject

if TYPE_CHECKING:  # the model is costly to import, and commands that only read need none of it
    from oe.ports.spending import Charged, Cost
    from oe.spec.model import Merge


NOTHING: JsonObject = {}


class Failure(NamedTuple):
    """Why an attempt failed: the error's class name and one redacted sentence."""

    name: str
    message: str


class Outcome(NamedTuple):
    """The journal row of one attempt: everything its committed events are made of.

    `writes` are (field, delta) in the order written. `details` holds what some outcomes have beside. Those that
    `oe.ports.committed` makes events of: `phase` and `index` (of the item) where there is one; `delay_ms` of a retry;
    `fallback`: true; `cached`: {key, saved, run}; `tokens`: [{input_tokens, output_tokens, model?}], one a call;
    `exhausted`: the iterations of a loop that reached its bound. Others are kept as they are (`by_failure` of a skip,
    `produces`: digests of the files that were made).
    """

    slot: str
    attempt: int
    status: OutcomeStatus
    started_at: float
    finished_at: float
    key: str | None = None
    writes: Sequence[tuple[str, Json]] = ()
    edge_output: Json | Missing = MISSING
    metrics: JsonObject = NOTHING
    error: Failure | None = None
    reason: str | None = None
    details: JsonObject = NOTHING


class Mark(NamedTuple):
    """Where an outcome stands in its run's journal, without what it holds. `number` counts the entries of the run;
    `counts` is False for one that has been superseded."""

    number: int
    slot: str
    attempt: int
    status: OutcomeStatus
    counts: bool


class Owner(NamedTuple):
    """The process that carries a run: its host, pid and start time (clock ticks since boot, or 0 where unknown)."""

    host: str
    pid: int
    started: int


class NewRun(NamedTuple):
    """What is recorded when a run begins. `secrets` are keyed digests of the secret arguments, never the values;
    `selection` is the part of the graph that was asked for: `only` or `from` (a unit), `refresh` (units); `nested` has
    the persistent fields of the experiences that it may carry out as nodes, by the absolute path of their files, and
    `nested_values` what others of their fields begin with whatever the workspace has; `models` how models are chosen:
    `llm` and `replay` as the command line said them, `budget`."""

    run_id: str
    experience: str
    name: str
    version: str
    args: JsonObject
    secrets: Mapping[str, str]
    defaults: JsonObject
    persistent: Sequence[str]
    spec: str
    started_at: float
    owner: Owner
    selection: JsonObject = NOTHING
    nested: Mapping[str, Iterable[str]] = MappingProxyType({})
    models: JsonObject = NOTHING
    nested_values: Mapping[str, JsonObject] = MappingProxyType({})


class Reopened(NamedTuple):
    """What is recorded when a run is resumed. Its base keeps what it began with in `persistent` fields; others begin
    with their `defaults` as they are now. What it lacks of these and of `nested` (as in NewRun), because the spec has
    had it only since, is added. `models` (as in NewRun) replaces what was recorded."""

    run_id: str
    owner: Owner
    ts: float
    spec: str
    defaults: JsonObject = NOTHING
    nested: Mapping[str, Iterable[str]] = MappingProxyType({})
    models: JsonObject = NOTHING
    persistent: Collection[str] = ()


class Run(NamedTuple):
    """A run as recorded. `base` is the state it started from; `state` its final state once it has ended; `selection`
    and `models` as in NewRun; `nested` holds the persistent values of nested experiences at its start, by file."""

    run_id: str
    experience: str
    name: str
    version: str
    status: RunStatus
    reason: str | None
    started_at: float
    finished_at: float | None
    args: JsonObject
    secrets: Mapping[str, str]
    base: JsonObject
    spec: str
    owner: Owner
    resumed: int
    totals: JsonObject
    state: JsonObject | None
    published: bool
    selection: JsonObject = NOTHING
    nested: Mapping[str, JsonObject] = MappingProxyType({})
    models: JsonObject = NOTHING


class Milestone(NamedTuple):
    """A committed event of the run itself: run.started, run.resumed, run.finished, state.published, state.conflict."""

    number: int
    type: str
    ts: float
    data: JsonObject


class Publication(NamedTuple):
    """One delta to a persistent field of the workspace: of the run's experience, or of a nested one's file. An
    array_append field that the workspace has not begins with its `default`."""

    field: str
    merge: Merge
    value: Json
    default: Json | Missing = MISSING
    experience: str | None = None


class Ending(NamedTuple):
    """How a run ended. `publications` are merged into the workspaces in order, in the same transaction."""

    status: RunStatus
    reason: str | None
    finished_at: float
    state: JsonObject
    totals: JsonObject
    publications: Sequence[Publication] = ()


class HistoryEntry(NamedTuple):
    """One committed write: the delta, not the value after it."""

    slot: str
    attempt: int
    field: str
    delta: Json
    ts: float


class CancelRequest(NamedTuple):
    """What another process asks the owner of a run to end: one node or slot, or with None the whole run."""

    number: int
    node: str | None


class RunExists(Exception):
    """A run of that id is there already."""


class Store(Protocol):
    """Runs, journal, state and history. Each method is one transaction and blocks until it is done.

    A database that another process holds is waited for (60 s) before StoreError `store-locked`; a full disk, a
    read-only place, a corrupt file or a newer schema raise StoreError that says so. What had been committed stays. A
    method that is given the id of a run raises NotFoundError where there is none, unless it says otherwise.
    Runs are keyed by `experience`, the absolute path of the experience's file: two files share neither state nor
    `latest`. Only the holder of a run's lock writes to it, but for requests; any process may read at any time. Values
    come back as equal JSON. Iterators are lazy and may be left unfinished; they do not hold the database.
    """

    def create_run(self, run: NewRun) -> Run:
        """Records the run and milestone run.started; its base = defaults overlaid by the workspace's values of the
        persistent fields at this moment. Raises RunExists."""

    def reopen_run(self, again: Reopened) -> Run:
        """Marks it running again under a new owner, with no end and no state, and adds milestone run.resumed. Requests
        to its earlier owner are forgotten."""

    def commit(self, run_id: str, outcomes: Sequence[Outcome], superseded: Sequence[int] = ()) -> None:
        """Journal rows with their writes, all or none. The earlier outcomes of these numbers no longer count: they stay
        in the history, not in `journal`."""

    def end_run(self, run_id: str, ending: Ending) -> Sequence[Milestone]:
        """Records the end, publishes, adds milestones (state.conflict for each field, state.published, run.finished)
        and returns the ones that were added. Only a success publishes, and a run publishes once; `set_once` stays as it
        is where the workspace has a value, and an unequal one is a conflict."""

    def remove_run(self, run_id: str) -> None:
        """Forgets the run and its journal; what it published stays."""

    def find_run(self, run_id: str) -> Run | None:
        """The run of that id, or None."""

    def find_runs(self, experience: str | None, *, prefix: str = "", before: str | None = None,
                  limit: int = 50) -> list[Run]:
        """Newest first by creation; `prefix` of the id; `before` a run id for the next page. `experience` None: of all
        files."""

    def journal(self, run_id: str) -> Iterator[Outcome]:
        """The outcomes that count, in commit order."""

    def marks(self, run_id: str) -> Iterator[Mark]:
        """Every outcome, superseded ones too, in commit order, without its contents."""

    def outcome(self, run_id: str, number: int) -> Outcome:
        """The outcome of that number. Raises NotFoundError where there is none."""

    def everything(self, run_id: str) -> Iterator[Outcome | Milestone]:
        """Every outcome, superseded ones too, and every milestone, in commit order: what the log is rebuilt from."""

    def find_result(self, key: str) -> tuple[str, Outcome] | None:
        """The newest outcome under that key whose details hold `kept`, and its run's id: the journal as a cache."""

    def history(self, run_id: str, field: str | None = None) -> Iterator[HistoryEntry]:
        """Writes in commit order, those of superseded outcomes too."""

    def charge(self, run_id: str, slot: str, worst: Cost) -> int:
        """Records what a call of the slot may cost at most, before it is made; a number to settle it by."""

    def settle(self, number: int, charged: Charged) -> None:
        """What the charge of that number came to."""

    def charges(self, run_id: str) -> Iterator[Charged]:
        """Everything that the run has been charged, in order."""

    def workspace(self, experience: str) -> JsonObject:
        """The values of persistent fields."""

    def clear_workspace(self, experience: str, field: str | None = None) -> list[str]:
        """Clears one or all persistent fields; the names that had a value."""

    def ask_to_cancel(self, run_id: str, node: str | None, ts: float) -> int:
        """Leaves a request for the owner of the run; its number."""

    def open_requests(self, run_id: str) -> Sequence[CancelRequest]:
        """The requests that are not answered, in the order in which they were made. To be called often: where no other
        process has written since the last call it is one look at a counter, and gives nothing."""

    def answer_request(self, number: int, answer: JsonObject) -> None:
        """Marks a request as dealt with, with what whoever made it is to know."""

    def find_answer(self, number: int) -> JsonObject | None:
        """The answer, once there is one; None too for a request that is gone with its run."""

    def close(self) -> None:
        """Closes; the write-ahead log is folded into the file."""


class RunLock(Protocol):
    """The kernel lock that says who carries a run."""

    def release(self) -> None:
        """Gives the run up."""
