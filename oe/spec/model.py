"""The experience as the engine sees it: checked, typed, immutable. Built by `build`, judged by `checks`; runs nothing.

NamedTuples, not dataclasses: sixteen frozen dataclasses cost 8 ms at every start, a tenth of a whole small run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from oe.lang.document import Document, Path
from oe.lang.expression import Expression
from oe.lang.scope import Missing
from oe.lang.template import ValueTemplate
from oe.values import Json, JsonObject

TaskKind: TypeAlias = Literal["io", "llm", "tool", "cpu", "custom"]
"""What sort of work a task is (docs/reference/events.md): few, so that work can be counted by them."""

Join: TypeAlias = Literal["all", "any", "always"]
Merge: TypeAlias = Literal["last_wins", "array_append", "set_once"]
Policy: TypeAlias = Literal["skip", "fail_run", "retry", "continue"]
Backoff: TypeAlias = Literal["exponential", "linear", "fixed"]


class Argument(NamedTuple):
    """One declared argument of the experience."""

    name: str
    schema: Json
    required: bool
    default: Json | Missing
    secret: bool
    path: Path


class Field(NamedTuple):
    """One declared state field. `schema` holds the JSON Schema keywords alone (no merge, persist, default)."""

    name: str
    schema: Json
    merge: Merge
    persist: bool
    default: Json | Missing
    path: Path


class ForEach(NamedTuple):
    """A fan-out: one attempt for each item of a list."""

    source: ValueTemplate
    concurrency: int | None
    on_item_error: Literal["fail", "continue"]
    min_success: int | None
    path: Path

    @property
    def listed_field(self) -> str | None:
        """The state field that `source` names as a whole: it is no part of an item's view or key."""
        return _whole(self.source, "state")

    @property
    def listed_input(self) -> str | None:
        """The same for the edge input of a predecessor."""
        return _whole(self.source, "inputs")


class Output(NamedTuple):
    """What a node gives: writes to state, and a value handed to its successors (MISSING where it has none)."""

    state_delta: JsonObject
    edge_output: Json | Missing


class OnError(NamedTuple):
    """What a failed attempt leads to. `attempts` counts all tries; `then` is what follows the last one."""

    policy: Policy
    attempts: int
    backoff: Backoff
    base_seconds: float
    max_seconds: float
    jitter: bool
    retry_on: tuple[str, ...]
    then: Literal["skip", "fail_run", "continue"]
    output: Output | None


class CacheRule(NamedTuple):
    """`enabled` None: the kind's default."""

    enabled: bool | None
    ttl_seconds: float | None


class Budget(NamedTuple):
    """Hard limits; None is unlimited."""

    usd: float | None
    tokens: int | None
    calls: int | None


class Node(NamedTuple):
    """A node with the keys that all kinds share; `options` holds the kind's own keys as written, defaults applied."""

    id: str
    kind: str
    phase: str | None
    when: Expression | None
    join: Join
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    args: ValueTemplate
    for_each: ForEach | None
    on_error: OnError
    timeout_seconds: float | None
    cache: CacheRule
    inputs: tuple[str, ...]
    env: tuple[str, ...]
    produces: tuple[str, ...]
    effects: bool
    budget: Budget | None
    options: JsonObject
    path: Path


class Edge(NamedTuple):
    """An edge between two units; `needs` entries are edges too. `path` leads to it in the document."""

    source: str
    target: str
    when: Expression | None
    path: Path


class Pipeline(NamedTuple):
    """Items stream through stages without a barrier."""

    id: str
    items: ValueTemplate
    stages: tuple[str, ...]
    phase: str | None
    concurrency: int | None
    on_item_error: Literal["fail", "continue"]
    when: Expression | None
    join: Join
    path: Path

    @property
    def listed_field(self) -> str | None:
        """The state field that `items` names as a whole: as ForEach.listed_field."""
        return _whole(self.items, "state")

    @property
    def listed_input(self) -> str | None:
        """The same for the edge input of a predecessor."""
        return _whole(self.items, "inputs")


class Loop(NamedTuple):
    """A body that is repeated until a condition, a bound or a budget ends it."""

    id: str
    body: tuple[str, ...]
    until: Expression | None
    max_iters: int | None
    budget: Budget | None
    on_exhausted: Literal["continue", "fail"]
    phase: str | None
    when: Expression | None
    join: Join
    path: Path


Unit: TypeAlias = Node | Pipeline | Loop


class Runtime(NamedTuple):
    """How a run is carried out; nothing here can change a result."""

    concurrency: int
    max_in_flight: int
    timeout_seconds: float | None
    cleanup_timeout_seconds: float
    llm: JsonObject
    budget: Budget | None
    cache: CacheRule
    durability: Literal["process", "power"]


class Experience(NamedTuple):
    """A whole experience. `arguments` is None where the section is missing: any object is accepted then.

    `nodes` holds every node, stages and bodies included, in the order of the file; `units` what edges may name,
    in that order too: pipelines, loops, and nodes that are no stage or body. `folder` is the directory of the file.
    """

    name: str
    version: str
    description: str
    arguments: Mapping[str, Argument] | None
    fields: Mapping[str, Field]
    phases: Mapping[str, str]
    nodes: Mapping[str, Node]
    pipelines: Mapping[str, Pipeline]
    loops: Mapping[str, Loop]
    units: Mapping[str, Unit]
    edges: tuple[Edge, ...]
    runtime: Runtime
    strict_formats: bool
    file: str
    folder: str
    document: Document


def _whole(source: ValueTemplate, root: str) -> str | None:
    for path, reference in source.references():
        if not path and reference.root == root and len(reference.segments) == 1:
            return str(reference.segments[0])
    return None
