"""What is known of one slot, for a person who looks at it: how it was declared, its inputs, attempts, results, what it
printed, its cache key and why it was run. Reads; changes nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from oe.app.workspace import Workspace
from oe.clock import iso
from oe.errors import OeError
from oe.ids import node_of
from oe.lang.scope import Missing
from oe.redact import Redactor, secrets_of
from oe.render.value_lines import Bounds, value_lines
from oe.text import clip, format_duration, format_size
from oe.values import Json, JsonObject, compact

if TYPE_CHECKING:
    from oe.ports.store import Outcome, Run

_BOUNDS = Bounds(25, 400)
_MOST_ATTEMPTS = 20
_MOST_PRINTED = 15
_PRINTED_BYTES = 16_384
_LONGEST = 400
_EXPLAINED_UNITS = 500
"""Why a node was run is found by reading journals: for larger runs a person asks `oe explain`."""
_INPUTS = ("args.", "$")


class Section(NamedTuple):
    """A part of the details, under its title."""

    title: str
    lines: Sequence[str]


def details_of(workspace: Workspace, run: Run, slot: str) -> list[Section]:
    """Everything that is known of a slot, the more urgent first. Raises StoreError."""
    numbers = [mark.number for mark in workspace.store.marks(run.run_id) if mark.slot == slot]
    outcomes = [workspace.store.outcome(run.run_id, number) for number in numbers[-_MOST_ATTEMPTS:]]
    last = outcomes[-1] if outcomes else None
    redact = Redactor(secrets_of(os.environ)).text
    sections = [Section("attempts", [_attempt(outcome) for outcome in outcomes])]
    if last is not None:
        sections += [Section("inputs", list(_inputs(last))), Section("output", list(_results(last)))]
    sections.append(Section("printed", _printed(workspace, run, slot)))
    if last is not None and last.key is not None:
        sections.append(Section("cache", list(_cache(workspace, run, last))))
    sections.append(Section("declared", list(_declared(run, slot))))
    return [Section(title, list(map(redact, lines))) for title, lines in sections if lines]


def _attempt(outcome: Outcome) -> str:
    status = "cached" if "cached" in outcome.details else outcome.status
    took = format_duration(max(0.0, outcome.finished_at - outcome.started_at))
    line = f"{outcome.attempt} {status} at {iso(outcome.finished_at)[11:19]} UTC ({took})"
    if not outcome.attempt:  # it was never tried
        line = f"{status} at {iso(outcome.finished_at)[11:19]} UTC"
    if outcome.error is not None:
        name, message = outcome.error
        return f"{line} {message}" if message.startswith(name) else f"{line} {name}: {message}"
    return f"{line} {outcome.reason}" if outcome.reason else line


def _inputs(outcome: Outcome) -> Iterator[str]:
    """By the parts of the key, which name every value that the attempt was given."""
    parts, texts = outcome.details.get("parts"), outcome.details.get("texts")
    for name, part in parts.items() if isinstance(parts, Mapping) else ():
        if name.startswith(_INPUTS) and isinstance(part, list) and len(part) == 3:
            text = part[2] if part[2] is not None else texts.get(part[0]) if isinstance(texts, Mapping) else None
            size = f"({format_size(part[1])})" if isinstance(part[1], int) else ""
            yield f"{name} = {clip(str(text), _LONGEST) if text is not None else size}"


def _results(outcome: Outcome) -> Iterator[str]:
    for field, delta in outcome.writes:
        yield from _value(field, delta)
    if not isinstance(outcome.edge_output, Missing) and outcome.edge_output not in (None, {}):
        yield from _value("output", outcome.edge_output)
    if outcome.metrics:
        yield f"metrics: {compact(outcome.metrics)}"


def _value(name: str, value: Json) -> Iterator[str]:
    lines = [line.text for line in value_lines(value, str, _BOUNDS)]
    if len(lines) == 1:
        yield f"{name}: {lines[0]}"
        return
    yield f"{name}:"
    yield from (f"  {line}" for line in lines)


def _cache(workspace: Workspace, run: Run, outcome: Outcome) -> Iterator[str]:
    yield f"key {outcome.key}"
    cached = outcome.details.get("cached")
    if isinstance(cached, Mapping):
        yield f"the result of run {cached.get('run')}: nothing it depends on has changed"
        return
    if len(run.spec) > _EXPLAINED_UNITS * 100:
        yield f"`oe explain {outcome.slot}` says why it was run"
        return
    from oe.app.explaining import explain

    with suppress(OeError):
        told = explain(workspace, run, outcome.slot)
        if told.compared_with is None:
            yield "run: there was no earlier result"
        elif not told.changed:
            yield f"run: nothing has changed since {told.compared_with}, but its result was not in the cache"
        else:
            yield f"run: changed since {told.compared_with}: {', '.join(change.part for change in told.changed)}"


def _printed(workspace: Workspace, run: Run, slot: str) -> list[str]:
    """The last lines of what the slot printed."""
    try:
        with open(workspace.folder.node_log(run.run_id, slot), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _PRINTED_BYTES))
            return file.read(_PRINTED_BYTES).decode("utf-8", "replace").splitlines()[-_MOST_PRINTED:]
    except OSError:
        return []


def _declared(run: Run, slot: str) -> Iterator[str]:
    spec: Json = json.loads(run.spec)
    name = node_of(slot)
    for unit in _units(spec):
        if unit.get("id") == name:
            for key, value in unit.items():
                if key not in ("id", "stages", "body"):
                    yield f"{key}: {clip(value if isinstance(value, str) else compact(value), _LONGEST)}"
            return


def _units(spec: Json) -> Iterator[JsonObject]:
    """Everything in the graph that has an id, at any depth that a spec has."""
    graph = spec.get("graph") if isinstance(spec, Mapping) else None
    waiting: list[Json] = list(graph.values()) if isinstance(graph, Mapping) else []
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, Mapping):
            if "id" in part:
                yield part
            waiting += [value for value in part.values() if isinstance(value, list)]
