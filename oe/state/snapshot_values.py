"""Snapshots as JSON values and back: for the live file of a run, and for `oe dump --json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from oe.clock import iso, seconds_of_iso
from oe.spec.model import TaskKind
from oe.state.snapshot import Budget, Counts, Level, Notable, Scope, ScopeStatus, Snapshot
from oe.text import clip
from oe.values import Json, JsonObject

_LONGEST = 200
"""Characters of a message or a reason: what a person reads at a glance."""
_DEEPEST = 10
_MOST_WAITS = 100
"""Units that a pending one is said to wait for: in a wide graph it may be thousands."""
_TIMES = ("started_at", "deadline_at", "moved_at", "due_at")
_PLAIN = ("attempt", "attempts", "pct", "message", "tokens", "error", "reason", "seconds")


def as_object(snapshot: Snapshot) -> JsonObject:
    """The snapshot as a value; what is not known or not there is left out."""
    record: dict[str, Json] = {"run_id": snapshot.run_id, "taken_at": iso(snapshot.taken_at)}
    for name in ("loop_seen_at", "changed_at", "stopping_since"):
        seconds = getattr(snapshot, name)
        if seconds is not None:
            record[name] = iso(seconds)
    if snapshot.concurrency is not None:
        record["concurrency"] = snapshot.concurrency
    record["root"] = _scope_object(snapshot.root)
    if snapshot.abandoned:
        record["abandoned"] = [clip(name, _LONGEST) for name in snapshot.abandoned]
    if snapshot.recent:
        record["recent"] = [{**each._asdict(), "ts": iso(each.ts), "text": clip(each.text, _LONGEST)}
                            for each in snapshot.recent]
    if snapshot.budgets:
        record["budgets"] = [budget._asdict() for budget in snapshot.budgets]
    return record


def snapshot_from(value: object) -> Snapshot | None:
    """The reverse; None for a value that is no snapshot."""
    try:
        record: Any = value
        return Snapshot(
            str(record["run_id"]), seconds_of_iso(record["taken_at"]), _scope_from(record["root"], _DEEPEST),
            _time(record, "loop_seen_at"), _time(record, "changed_at"), _time(record, "stopping_since"),
            tuple(str(name) for name in record.get("abandoned", ())),
            tuple(Notable(str(each["type"]), str(each["slot"]), seconds_of_iso(each["ts"]), str(each["text"]))
                  for each in record.get("recent", ())),
            tuple(Budget(str(each["name"]), float(each["spent"]), float(each["limit"]))
                  for each in record.get("budgets", ())),
            int(record["concurrency"]) if "concurrency" in record else None)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _scope_object(scope: Scope) -> JsonObject:
    record: dict[str, Json] = {"name": scope.name, "level": scope.level, "kind": scope.kind, "status": scope.status}
    for name in _TIMES:
        seconds = getattr(scope, name)
        if seconds is not None:
            record[name] = iso(seconds)
    for name in _PLAIN:
        value = getattr(scope, name)
        if value != _DEFAULTS[name]:
            record[name] = clip(value, _LONGEST) if isinstance(value, str) else value
    if scope.tail:
        record["tail"] = scope.tail
    if scope.waits_for:
        record["waits_for"] = list(scope.waits_for[:_MOST_WAITS])
    if scope.counts is not None:
        record["counts"] = {name: count for name, count in scope.counts._asdict().items() if count or name == "total"}
    if scope.parts:
        record["parts"] = [_scope_object(part) for part in scope.parts]
    return record


_DEFAULTS: Mapping[str, Any] = Scope._field_defaults


def _scope_from(record: Any, depth: int) -> Scope:
    if depth == 0 or record["level"] not in get_args(Level) or record["kind"] not in get_args(TaskKind):
        raise ValueError
    if record["status"] not in get_args(ScopeStatus):
        raise ValueError
    known: dict[str, Any] = {name: _time(record, name) for name in _TIMES}
    known |= {name: record[name] for name in _PLAIN if name in record}
    if "tail" in record:
        known["tail"] = str(record["tail"])
    counts = Counts(**{name: int(count) for name, count in record["counts"].items()}) if "counts" in record else None
    return Scope(str(record["name"]), record["level"], record["kind"], record["status"],
                 waits_for=tuple(str(name) for name in record.get("waits_for", ())), counts=counts,
                 parts=tuple(_scope_from(part, depth - 1) for part in record.get("parts", ())), **known)


def _time(record: Any, name: str) -> float | None:
    return seconds_of_iso(record[name]) if name in record else None
