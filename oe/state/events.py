"""The closed set of events, one line each in EVENTS: shared by log, subscribers, reducer and `oe schema --events`."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from oe.clock import iso
from oe.ids import node_of
from oe.values import Json, JsonObject, compact

_NOTHING: JsonObject = {}


class Event(NamedTuple):
    """One moment of a run. `slot` is None for events of the run itself; `data` holds what its type adds."""

    type: str
    ts: float
    slot: str | None = None
    attempt: int | None = None
    index: int | None = None  # type: ignore[assignment]  # tuple has a method of that name
    phase: str | None = None
    data: JsonObject = _NOTHING


class EventType(NamedTuple):
    """A type of event: the JSON Schemas of what it adds, which of those are required, and whether it is committed:
    a committed event can be made again from the journal; another may be lost in a crash."""

    name: str
    doc: str
    committed: bool
    of_node: bool
    properties: dict[str, Json]
    required: tuple[str, ...] = ()


_TEXT: Json = {"type": "string"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_OBJECT: Json = {"type": "object"}

EVENTS: dict[str, EventType] = {event.name: event for event in (
    EventType("run.started", "a run begins", True, False, {"args": _OBJECT}),
    EventType("run.resumed", "a run is continued", True, False, {}),
    EventType("run.finished", "a run ends", True, False, {"status": _TEXT, "reason": _TEXT}, ("status",)),
    EventType("node.ready", "all incoming edges are decided", False, True, {}),
    EventType("node.started", "an attempt, or a unit of items, begins", False, True, {"items": _COUNT}),
    EventType("node.finished", "an attempt, or a unit of items, succeeded", True, True,
              {"metrics": _OBJECT, "fallback": {"type": "boolean"}, "error": _TEXT, "duration_ms": {"type": "number"}}),
    EventType("node.failed", "the last attempt failed", True, True,
              {"error": _TEXT, "name": _TEXT, "duration_ms": {"type": "number"}}, ("error",)),
    EventType("node.skipped", "a unit will not run", True, True, {"reason": _TEXT}, ("reason",)),
    EventType("node.cached", "an earlier result is replayed", True, True,
              {"key": _TEXT, "saved": _OBJECT, "run": _TEXT, "since": _TEXT}, ("key",)),
    EventType("node.retrying", "an attempt failed and is tried again", True, True,
              {"error": _TEXT, "name": _TEXT, "delay_ms": {"type": "number"}}, ("error", "delay_ms")),
    EventType("node.cancelled", "an attempt was ended from outside", True, True, {"reason": _TEXT}, ("reason",)),
    EventType("node.progress", "a node reports how far it is", False, True,
              {"pct": {"type": ["number", "null"]}, "message": {"type": ["string", "null"]}, "data": True}),
    EventType("node.activity", "what a node is doing", False, True,
              {"activity": _TEXT, "trouble": {"enum": ["cleanup_timeout", "cleanup_failed"]}, "prompt": _TEXT},
              ("activity",)),
    EventType("node.output", "a piece of streamed output; without a number where it is not in the log", False, True,
              {"chunk": _TEXT}, ("chunk",)),
    EventType("node.tokens", "tokens of one call; its cost where the price is known", True, True,
              {"input_tokens": _COUNT, "output_tokens": _COUNT, "model": _TEXT, "cost_usd": {"type": "number"},
               "estimated": {"type": "boolean"}}, ("input_tokens", "output_tokens")),
    EventType("state.write", "a field was written", True, True, {"field": _TEXT}, ("field",)),
    EventType("state.published", "persistent fields reached the workspace; with `experience`, a nested one's", True,
              False, {"fields": {"type": "array", "items": _TEXT}, "experience": _TEXT}, ("fields",)),
    EventType("state.conflict", "a set_once field of the workspace has another value already, which stays", True, False,
              {"field": _TEXT, "experience": _TEXT}, ("field",)),
    EventType("loop.exhausted", "a loop reached its bound", True, True, {"iterations": _COUNT}, ("iterations",)),
    EventType("budget.warning", "most of a budget is spent", False, False,
              {"budget": _TEXT, "spent": {"type": "number"}, "limit": {"type": "number"}}),
    EventType("log.repaired", "the log was mended from the journal", False, False, {"added": _COUNT}, ("added",)),
)}


UNNUMBERED = frozenset({"node.output"})
"""Types of which there are too many for the log, unless it is asked for them."""


def as_object(event: Event, run_id: str, seq: int | None) -> JsonObject:
    """The event as it stands in the log and reaches subscribers; one that is not in the log has no `seq`."""
    record: dict[str, Json] = {"type": event.type, "run_id": run_id, "ts": iso(event.ts)}
    if seq is not None:
        record["seq"] = seq
    if event.slot is not None:
        record["node_id"] = node_of(event.slot)
        record["slot"] = event.slot
        if event.attempt is not None:
            record["attempt"] = event.attempt
        if event.index is not None:
            record["index"] = event.index
        if event.phase is not None:
            record["phase"] = event.phase
    if event.data:
        record.update(event.data)
    return record


def as_line(event: Event, run_id: str, seq: int) -> str:
    """The event's line in the log, with its line end: `as_object` as JSON, put together without the object because
    several lines are written for every node."""
    kind, ts, slot, attempt, index, phase, data = event
    line = f'{{"type":"{kind}","run_id":{_quoted(run_id)},"ts":"{iso(ts)}","seq":{seq}'
    if slot is not None:
        line += f',"node_id":{_quoted(node_of(slot))},"slot":{_quoted(slot)}'
        if attempt is not None:
            line += f',"attempt":{attempt}'
        if index is not None:
            line += f',"index":{index}'
        if phase is not None:
            line += f',"phase":{_quoted(phase)}'
    return f"{line},{compact(data)[1:]}\n" if data else line + "}\n"


def event_schema(kind: EventType) -> JsonObject:
    """The JSON Schema of one type of event."""
    properties: dict[str, Json] = {
        "type": {"const": kind.name}, "run_id": _TEXT, "ts": {"type": "string", "format": "date-time"},
        "seq": {"type": "integer", "minimum": 1},
    }
    required = ["type", "run_id", "ts"] if kind.name in UNNUMBERED else ["type", "run_id", "ts", "seq"]
    if kind.of_node:
        properties |= {"node_id": _TEXT, "slot": _TEXT, "attempt": {"type": "integer", "minimum": 1},
                       "index": _COUNT, "phase": _TEXT}
        required += ["node_id", "slot"]
    return {"title": kind.name, "description": kind.doc, "type": "object", "additionalProperties": False,
            "properties": properties | kind.properties, "required": [*required, *kind.required]}


@lru_cache(maxsize=256)
def _quoted(text: str) -> str:
    return compact(text)
