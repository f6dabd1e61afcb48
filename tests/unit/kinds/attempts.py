"""Attempts of nodes with real files, threads and processes: a node as written, one attempt, what came of it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from oe.diagnostics import Problem
from oe.kinds import KINDS
from oe.lang.scope import MISSING, Missing, Scope
from oe.lang.yaml import read_yaml
from oe.net.processes import Processes
from oe.ports.kind import Executor, NodeKind, NodeOutput, Request
from oe.ports.model import Answer, Question
from oe.ports.spending import Cost, Spent
from oe.run.threads import DaemonThreads
from oe.spec.load import build_experience
from oe.spec.model import Experience, Node, TaskKind
from oe.store.local_files import LocalFiles
from oe.values import Json, JsonObject

KIND_OF: dict[str, NodeKind] = dict(KINDS)
FIELDS: dict[str, Json] = {"a": True, "b": True, "rows": True}


class Bill:
    """Implements Charge: keeps what it is told."""

    def __init__(self, worst: Cost) -> None:
        self.worst = worst
        self.settled: list[Spent] = []
        self.is_forgotten = False

    def settle(self, spent: Spent) -> None:
        self.settled.append(spent)

    def forget(self) -> None:
        self.is_forgotten = True


class Context:
    """Implements NodeContext: keeps what it is told."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.run_id = "r-1"
        self.slot = "node[2]"
        self.attempt = 3
        self.folder = str(folder)
        self.environment = environment
        self.processes = Processes()
        self.threads = DaemonThreads()
        self.files = LocalFiles(folder)
        self.cancelled = False
        self.logged: list[str] = []
        self.reports: list[tuple[float | None, str | None, Json]] = []
        self.activities: list[str] = []
        self.bills: list[Bill] = []
        self.deferred: list[Callable[[], object]] = []
        self.opened_scopes: list[tuple[TaskKind, str]] = []
        self.closed_scopes: list[str] = []

    @property
    def log_text(self) -> str:
        """The node's log."""
        return "".join(text if text.endswith("\n") else text + "\n" for text in self.logged)

    def log(self, text: str) -> None:
        self.logged.append(text)

    def report(self, pct: float | None, message: str | None, data: Json) -> None:
        self.reports.append((pct, message, data))

    def activity(self, text: str) -> None:
        self.activities.append(text)

    async def ask(self, question: Question) -> Answer:
        raise AssertionError("this attempt asks no model")

    @asynccontextmanager
    async def charge(self, worst: Cost) -> AsyncIterator[Bill]:
        self.bills.append(Bill(worst))
        yield self.bills[-1]

    def defer(self, function: Callable[[], object]) -> None:
        self.deferred.append(function)

    @contextmanager
    def opened(self, kind: TaskKind, name: str) -> Iterator[None]:
        self.opened_scopes.append((kind, name))
        try:
            yield
        finally:
            self.closed_scopes.append(name)

    def artifact(self, name: str) -> str:
        folder = Path(self.folder, "artifacts")
        folder.mkdir(exist_ok=True)
        return str(folder / name)


class Experiment:
    """An experience's folder in which single nodes are tried."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.context = Context(folder, {"PATH": os.environ["PATH"], "MY_API_KEY": "key-value-1", "DECLARED": "yes"})
        self.files = self.context.files
        self.view: dict[str, Json] = {"a": [1, {"deep": []}]}
        self.args: dict[str, Json] = {}
        self.scope = Scope(state=self.view, args={"given": [1, 2]}, inputs={"before": {"x": 1}})

    def write(self, path: str, text: str | bytes, *, executable: bool = False) -> None:
        """Makes a file of the experience."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        if executable:
            file.chmod(0o755)

    def check(self, **options: Json) -> list[Problem]:
        """The problems of an experience with this one node."""
        return self.build(**options)[1]

    def build(self, **options: Json) -> tuple[Experience | None, list[Problem]]:
        """The experience of this one node; flow style, so that every key has a column of its own."""
        node = {"id": "node", "kind": "tool", "cache": False, **options}
        fields = {field: {} for field in FIELDS}
        text = json.dumps({"name": "x", "version": "1.0.0", "args": {"given": {}}, "state": {"schema": fields},
                           "graph": {"nodes": [node]}}, indent=1)
        return build_experience(read_yaml(text, "experience.yaml"), KIND_OF, self.files)

    def node(self, **options: Json) -> Node:
        """The node as the engine gets it."""
        experience, problems = self.build(**options)
        assert experience is not None, [str(problem) for problem in problems]
        return experience.nodes["node"]

    def executor(self, **options: Json) -> tuple[Node, Executor]:
        """The node and what executes it."""
        node = self.node(**options)
        return node, KIND_OF[node.kind].prepare(node, self.files)

    def request(self, node: Node) -> Request:
        """One attempt's inputs."""
        return Request(node, self.args, self.scope, self.view, node.writes)

    def run(self, **options: Json) -> NodeOutput:
        """One attempt, bounded."""
        node, executor = self.executor(**options)

        async def main() -> NodeOutput:
            return await asyncio.wait_for(executor.execute(self.request(node), self.context), 60)

        return asyncio.run(main())

    def given(self, **options: Json) -> tuple[Json, Json | Missing, Json]:
        """What one attempt gives: delta, edge output, metrics."""
        output = self.run(**options)
        return output.state_delta, output.edge_output, output.metrics

    def delta(self, **options: Json) -> JsonObject:
        """What one attempt writes."""
        return self.run(**options).state_delta


def fan_out_item(item: Json, index: int | Missing = MISSING) -> Scope:
    """The scope of one item."""
    return Scope(item=item, index=index)
