"""The events of what was committed: a pure function of the journal, so that a log can be made again from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from oe.ports.store import Milestone, Outcome
from oe.state.events import Event
from oe.values import Json, JsonObject


def committed_events(entry: Outcome | Milestone) -> list[Event]:
    """The events of one entry in their order, all at the time when the attempt finished."""
    if isinstance(entry, Milestone):
        return [Event(entry.type, entry.ts, data=entry.data)]
    attempt = entry.attempt or None
    details = entry.details
    index, phase = cast("int | None", details.get("index")), cast("str | None", details.get("phase"))
    return [Event(kind, entry.finished_at, entry.slot, attempt, index, phase, data)
            for kind, data in _parts(entry)]


def log_of(entries: Iterable[Outcome | Milestone]) -> Iterator[Event]:
    """Every committed event of a run, for `EventLog.repair`; `entries` come from `Store.everything`."""
    for entry in entries:
        yield from committed_events(entry)


def _parts(outcome: Outcome) -> Iterator[tuple[str, JsonObject]]:
    details = outcome.details
    if details:
        if "cached" in details:
            yield "node.cached", cast(JsonObject, details["cached"])
        for tokens in cast("list[JsonObject]", details.get("tokens", ())):
            yield "node.tokens", tokens
    for field, _ in outcome.writes:
        yield "state.write", {"field": field}
    if "exhausted" in details:
        yield "loop.exhausted", {"iterations": details["exhausted"]}
    yield _ENDINGS[outcome.status], _ending(outcome)


_ENDINGS: Mapping[str, str] = {
    "success": "node.finished", "failed": "node.failed", "retrying": "node.retrying", "skipped": "node.skipped",
    "cancelled": "node.cancelled",
}


def _ending(outcome: Outcome) -> JsonObject:
    if outcome.status in {"skipped", "cancelled"}:
        return {"reason": outcome.reason or ""}
    data: dict[str, Json] = {}
    if outcome.error is not None:
        data["error"] = outcome.error.message
        if outcome.status != "success":
            data["name"] = outcome.error.name
    elif outcome.status != "success":
        data["error"] = outcome.reason or outcome.status
    if outcome.status == "retrying":
        data["delay_ms"] = outcome.details.get("delay_ms", 0)
        return data
    if outcome.status == "success":
        if outcome.metrics:
            data["metrics"] = outcome.metrics
        if outcome.details.get("fallback"):
            data["fallback"] = True
    data["duration_ms"] = round((outcome.finished_at - outcome.started_at) * 1000, 1)
    return data
