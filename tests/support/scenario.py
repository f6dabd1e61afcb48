"""Engine scenarios in memory: a graph as YAML text, a script for each node, a loop whose time jumps, no disk at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from fnmatch import fnmatch
from typing import Any

from oe import digests
from oe.errors import NodeError, NotFoundError
from oe.kinds.agent import AgentKind
from oe.kinds.experience import ExperienceKind
from oe.kinds.model_node import wanted_settings
from oe.kinds.skill import SkillKind
from oe.lang.scope import MISSING
from oe.lang.yaml import read_yaml
from oe.llm.memory import MemoryModel, MemoryModels
from oe.ports.cache import Entry
from oe.ports.committed import log_of
from oe.ports.kind import NodeContext, NodeKind, NodeOutput, Request
from oe.ports.model import ModelSettings, Usage
from oe.ports.store import Milestone, NewRun, Owner, Reopened, Run
from oe.redact import Redactor
from oe.run.bus import EventBus
from oe.run.level import Opened, Outside
from oe.run.model_use import ModelUse
from oe.run.replay import CacheUse
from oe.run.session import Part, RunResult, Session
from oe.spec.keys import Key
from oe.spec.load import build_experience
from oe.spec.model import Budget, Experience, Node, TaskKind
from oe.state.ledger import base_defaults
from oe.store.memory_cache import MemoryCache
from oe.store.memory_log import MemoryLog
from oe.store.memory_store import MemoryStore
from oe.values import JsonObject
from tests.support.jump_loop import JumpClock, JumpLoop

HEAD = "name: scenario\nversion: 1.0.0\n"
Script = Callable[[Request, NodeContext], Awaitable[NodeOutput]]
Meanwhile = Callable[[Session], Coroutine[Any, Any, None]]


def gives(delta: Mapping[str, Any] | None = None, *, after: float = 0.0, edge: Any = MISSING) -> Script:
    """A node that takes a while and succeeds."""
    async def script(request: Request, context: NodeContext) -> NodeOutput:
        await asyncio.sleep(after)
        return NodeOutput(dict(delta or {}), edge, {})
    return script


def fails(message: str = "broken", *, after: float = 0.0, times: int | None = None, name: str = "Broken",
          retryable: bool = True) -> Script:
    """A node that fails, always or the first `times` times."""
    count = 0

    async def script(request: Request, context: NodeContext) -> NodeOutput:
        nonlocal count
        count += 1
        await asyncio.sleep(after)
        if times is None or count <= times:
            raise NodeError(message, name=name, retryable=retryable)
        return NodeOutput({}, MISSING, {})
    return script


class StepKind:
    """A kind whose nodes do what the scenario says."""

    name = "step"
    task_kind: TaskKind = "custom"
    keys: tuple[Key, ...] = ()
    cached_by_default = False
    is_nested = False

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self.scripts = scripts
        self.calls: list[str] = []
        self.contents: dict[str, dict[str, str]] = {}

    def check(self, node: Node, experience: Experience, files: object) -> Iterable[Any]:
        return ()

    def references(self, node: Node) -> Iterable[Any]:
        return ()

    def is_cached_by_default(self, node: Node) -> bool:
        return True

    def uses_index(self, node: Node, files: object) -> bool:
        return False

    def materials(self, node: Node, scope: object, files: object) -> dict[str, Any]:
        return {name: digests.part_of_text(text) for name, text in self.contents.get(node.id, {}).items()}

    def prepare(self, node: Node, files: object) -> StepKind:
        return self

    async def execute(self, request: Request, context: NodeContext) -> NodeOutput:
        self.calls.append(context.slot)
        return await self.scripts.get(request.node.id, gives())(request, context)


class FilesInMemory:
    """An experience folder that holds texts by path."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = {_plain(path): text for path, text in texts.items()}

    def is_file(self, path: str) -> bool:
        return _plain(path) in self.texts

    def is_folder(self, path: str) -> bool:
        return any(name.startswith(f"{_plain(path)}/") for name in self.texts)

    def read_bytes(self, path: str) -> bytes:
        if _plain(path) not in self.texts:
            raise NotFoundError(f"there is no file '{path}'")
        return self.texts[_plain(path)].encode()

    def digest(self, path: str) -> digests.Part:
        return digests.part_of_bytes(self.read_bytes(path))

    def names(self, path: str) -> list[str]:
        return sorted(name for name in self.texts if "/" not in name)

    def glob(self, pattern: str) -> list[str]:
        return sorted(name for name in self.texts if fnmatch(name, _plain(pattern).replace("**", "*")))

    def absolute(self, path: str) -> str:
        return path


def _plain(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in ("", "."))


class _Threads:
    async def call(self, function: Callable[[], Any], name: str) -> Any:
        return function()

    def busy(self) -> dict[int, str]:
        return {}

    def abandoned(self) -> list[str]:
        return []

    def close(self) -> None:
        pass


class _NodeLogs:
    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def open(self, slot: str) -> _NodeLog:
        return _NodeLog(self, slot)


class _NodeLog:
    def __init__(self, logs: _NodeLogs, slot: str) -> None:
        self._logs = logs
        self._slot = slot

    def write(self, text: str | bytes) -> None:
        text = text.decode() if isinstance(text, bytes) else text
        self._logs.texts[self._slot] = self._logs.texts.get(self._slot, "") + text

    def close(self) -> None:
        pass


class Scenario:
    """One experience and its scripts; each `run` is a run of it in the same store. `carrying` is the task that carries
    it out; `left` are tasks that were still there when it had ended."""

    def __init__(self, text: str, scripts: Mapping[str, Script] | None = None, *, files: Mapping[str, str] | None = None,
                 model: MemoryModel | None = None) -> None:
        self.kind = StepKind(scripts or {})
        self.kinds: dict[str, NodeKind] = {
            "step": self.kind, "agent": AgentKind(), "skill": SkillKind(), "experience": ExperienceKind()}
        self.files = FilesInMemory(files or {})
        self.model = model or MemoryModel()
        self.usd_per_token: float | None = 0.000001
        self.budget: Budget | None = None
        self.shown: list[dict[str, Any]] = []
        experience = self.experience = self._read(HEAD + text, "scenario.yaml")
        self.budget = experience.runtime.budget
        self.store = MemoryStore()
        self.logs: dict[str, MemoryLog] = {}
        self.node_logs = _NodeLogs()
        self.secrets: list[str] = []
        self.cache: MemoryCache | None = None
        self.result: RunResult | None = None
        self.carrying: asyncio.Task[RunResult] | None = None
        self.left: set[asyncio.Task[Any]] = set()
        self._count = 0

    def run(self, *, concurrency: int | None = None, seed: int | None = None, args: Mapping[str, Any] | None = None,
            meanwhile: Meanwhile | None = None, refresh: Iterable[str] = ()) -> RunResult:
        """A new run from start to end; `meanwhile` runs beside it."""
        self._count += 1
        run_id = f"r-{self._count}"
        fields = self.experience.fields.values()
        run = self.store.create_run(NewRun(
            run_id, "scenario.yaml", "scenario", "1.0.0", dict(args or {}), {},
            base_defaults(fields), [field.name for field in fields if field.persist], "{}", 1_800_000_000.0 + 3600 * self._count,
            Owner("host", 1, 1)))
        self.logs[run_id] = MemoryLog(run_id)
        milestone = Milestone(1, "run.started", run.started_at, {"args": run.args})
        return self._carry_out(run, milestone, concurrency, seed, dict(args or {}), meanwhile, refresh)

    def resume(self, *, concurrency: int | None = None, seed: int | None = None,
               meanwhile: Meanwhile | None = None) -> RunResult:
        """Goes on with the latest run."""
        run_id = f"r-{self._count}"
        started = 1_800_000_000.0 + 3600 * self._count + 1800
        fields = self.experience.fields.values()
        run = self.store.reopen_run(Reopened(run_id, Owner("host", 2, 2), started, "{}", base_defaults(fields),
                                             persistent=[field.name for field in fields if field.persist]))
        self.logs[run_id].repair(log_of(self.store.everything(run_id)))
        return self._carry_out(run, Milestone(0, "run.resumed", started, {}), concurrency, seed, dict(run.args),
                               meanwhile)

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The latest run's log."""
        records = [json.loads(line) for line in self.logs[f"r-{self._count}"].lines]
        return [record for record in records if kind is None or record["type"] == kind]

    def status(self, unit: str) -> str:
        """A unit's status after the latest run."""
        return str(self.node(unit)["status"])

    def node(self, unit: str) -> dict[str, Any]:
        """A unit as `--json` shows it."""
        assert self.result is not None
        return next(dict(node) for node in self.result.nodes if node["id"] == unit)

    def _price(self, settings: ModelSettings, usage: Usage) -> float | None:
        tokens = usage.all_input_tokens + usage.output_tokens
        return None if self.usd_per_token is None else tokens * self.usd_per_token

    def _identity(self, node: Node) -> JsonObject | None:
        if node.kind not in ("agent", "skill"):
            return None
        models = MemoryModels(self.model)
        settings = models.settings(wanted_settings(node))
        return models.provider(settings).identity(settings)

    def _read(self, text: str, file: str) -> Experience:
        document = read_yaml(text, file)
        experience, problems = build_experience(document, self.kinds, self.files)
        errors = [problem for problem in problems if problem.severity == "error"]
        assert experience is not None, errors
        return experience

    def _open_nested(self, file: str) -> Opened:
        experience = self._read(self.files.read_bytes(file).decode(), file)
        base = base_defaults(experience.fields.values()) | dict(self.store.workspace(file))
        return Opened(experience, file, base, self.files, lambda path: {})

    def _in_journal(self, key: str) -> Entry | None:
        found = self.store.find_result(key)
        if found is None:
            return None
        run_id, outcome = found
        return Entry(dict(outcome.writes), outcome.edge_output, outcome.metrics, run_id, outcome.finished_at,
                     outcome.slot, {}, {})

    def _carry_out(self, run: Run, milestone: Milestone, concurrency: int | None, seed: int | None,
                   args: dict[str, Any], meanwhile: Meanwhile | None,
                   refresh: Iterable[str] = ()) -> RunResult:
        async def main() -> RunResult:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, JumpLoop)
            bus = EventBus()
            bus.subscribe(lambda record: self.shown.append(dict(record)))
            outside = Outside(
                store=self.store, log=self.logs[run.run_id], bus=bus, clock=JumpClock(loop, milestone.ts),
                processes=None, threads=_Threads(), files=self.files, node_logs=self.node_logs,  # type: ignore[arg-type]
                kinds=self.kinds, redactor=Redactor(self.secrets), environment={}, artifact=str,
                load_schema=lambda path: {}, random=lambda: 0.5,
                cache=CacheUse(self.cache, self.experience.runtime.cache, frozenset(refresh), journal=self._in_journal),
                model_use=ModelUse(lambda: MemoryModels(self.model), lambda: self._price, self._identity, self.budget),
                open_nested=self._open_nested)
            session = Session(self.experience, Part(run, args, milestone, concurrency), outside)
            carrying = self.carrying = asyncio.create_task(session.carry_out())
            beside = asyncio.create_task(meanwhile(session)) if meanwhile else None
            try:
                result = await carrying
            finally:
                self.left = {task for task in asyncio.all_tasks() if task not in (asyncio.current_task(), beside)}
            if beside is not None:
                await beside
            return result

        with asyncio.Runner(loop_factory=lambda: JumpLoop(seed)) as runner:
            self.result = runner.run(main())
        return self.result
