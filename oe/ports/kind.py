"""What a node kind is to the engine: keys for the format, a static check, and something that executes attempts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from oe.diagnostics import Problem
from oe.digests import Part
from oe.lang.document import Path
from oe.lang.reference import Reference
from oe.lang.scope import MISSING, Missing, Scope
from oe.ports.files import Files
from oe.ports.process import ProcessRunner
from oe.ports.threads import ThreadRunner
from oe.spec.keys import Key
from oe.spec.model import Experience, Node, TaskKind
from oe.state.status import RunStatus
from oe.values import Json, JsonObject

if TYPE_CHECKING:  # most runs ask no model
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from oe.ports.model import Answer, Question
    from oe.ports.spending import Charge, Cost

_NOTHING: JsonObject = {}


class NodeOutput(NamedTuple):
    """What an attempt gives. `edge_output` MISSING: nothing is handed on. `metrics` are numbers and short texts.
    `replayed` is set where nothing was run for it, as in NestedEnd."""

    state_delta: JsonObject
    edge_output: Json | Missing = MISSING
    metrics: JsonObject = _NOTHING
    replayed: JsonObject | None = None


class NestedEnd(NamedTuple):
    """How a nested experience ended: `state` is its final state; `trouble` names a unit that failed, with its error.
    `replayed` tells where its results came from if nothing of it was run: {run, since, saved}."""

    status: RunStatus
    reason: str | None
    state: JsonObject
    trouble: str | None
    counts: JsonObject
    replayed: JsonObject | None


class Request(NamedTuple):
    """One attempt's inputs, complete. `args` are resolved; `scope` resolves further references of the kind's own keys
    (`scope.state` is the view, `scope.inputs` the edge inputs, `scope.item` MISSING outside a fan-out).
    `declared` is what the node may write."""

    node: Node
    args: JsonObject
    scope: Scope
    view: JsonObject
    declared: tuple[str, ...]


class NodeContext(Protocol):
    """The engine's side of one attempt, as a kind sees it."""

    run_id: str
    slot: str
    attempt: int
    folder: str
    environment: Mapping[str, str]
    processes: ProcessRunner
    threads: ThreadRunner
    files: Files

    @property
    def cancelled(self) -> bool:
        """Whether the attempt has been asked to end. Safe from any thread."""

    def log(self, text: str) -> None:
        """Appends text to the node's log. Safe from any thread."""

    def report(self, pct: float | None, message: str | None, data: Json) -> None:
        """Progress: `pct` from 0 to 1. Safe from any thread."""

    def activity(self, text: str) -> None:
        """What is being done now, in a few words."""

    async def ask(self, question: Question) -> Answer:
        """Asks the model that the question and the run's settings choose, within the budgets; what it costs is counted
        for the attempt. Raises ModelError, and NodeError where no model can be chosen or a budget is spent."""

    def charge(self, worst: Cost) -> AbstractAsyncContextManager[Charge]:
        """The right to make a call of the kind's own that may cost that much: entering waits for room in the budgets.
        Raises NodeError where there will be none."""

    def defer(self, function: Callable[[], object]) -> None:
        """Registers a clean-up (sync or async) that runs after the attempt, last one first, however it ends."""

    def opened(self, kind: TaskKind, name: str) -> AbstractContextManager[None]:
        """A part of the attempt that has a name: while it is entered, the tree shows it. Safe from any thread."""

    def artifact(self, name: str) -> str:
        """An absolute path for a file that the run makes."""

    async def carry_out_experience(self, file: str, args: JsonObject) -> NestedEnd:
        """Carries out another experience as a part of this attempt: its units have slots below this one, in the same
        run. `file` is relative to `folder`. Raises NodeError where it cannot be begun."""


class Executor(Protocol):
    """A node made ready once for a run: files are read, modules are found."""

    async def execute(self, request: Request, context: NodeContext) -> NodeOutput:
        """One attempt. Raises NodeError for a failure of the node; any other exception is the node's failure too and is
        reported with its class name and message. On cancellation it leaves nothing running."""


class NodeKind(Protocol):
    """One kind of node: one file in `oe/kinds/` and one line in `KINDS`."""

    name: str
    task_kind: TaskKind
    keys: tuple[Key, ...]

    cached_by_default: bool
    is_nested: bool
    """Whether its attempts carry out units of their own: those are kept and found again one by one, not the whole."""

    def is_cached_by_default(self, node: Node) -> bool:
        """Whether the node's results are kept where it does not say `cache:`: those that depend on nothing but what a
        fingerprint holds."""

    def check(self, node: Node, experience: Experience, files: Files) -> Iterable[Problem]:
        """Everything of this kind that can be seen without running: missing files, keys that exclude each other."""

    def references(self, node: Node) -> Iterable[tuple[Path, Reference]]:
        """The references in the kind's own keys, each with the path of its text inside the node."""

    def uses_index(self, node: Node, files: Files) -> bool:
        """Whether the node's own code looks at `$index`, so that an item's place in the list counts. Raises OeError."""

    def materials(self, node: Node, scope: Scope, files: Files) -> Mapping[str, Part]:
        """What the output depends on beside inputs and spec: the contents of files that the node refers to, by the path
        as written; the provider and model that it would call. What a run uses is what was digested here.
        Raises NodeError or OeError for what is not there."""

    def prepare(self, node: Node, files: Files) -> Executor:
        """The node's executor. Raises NodeError (not retryable) where what it needs is not there."""


class NestingKind(NodeKind, Protocol):
    """A kind with `is_nested`."""

    def child_file(self, node: Node, files: Files) -> str:
        """The file of the experience that the node carries out. Raises OeError."""

    def output_of(self, node: Node, state: JsonObject) -> NodeOutput:
        """What the node gives when its experience ended with that state."""
