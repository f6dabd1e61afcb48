"""A run in lines while it goes on: one that is rewritten on a terminal, one an event elsewhere. Pure."""

from __future__ import annotations

from oe.clock import seconds_of_iso
from oe.render.cost import cost_words
from oe.state.run_state import CHARACTERS_PER_TOKEN, RunState, UnitState
from oe.text import clip, clip_cells, format_age, format_duration, neutralise, plural
from oe.values import JsonObject

_TOLD = {"node.finished": "ok", "node.failed": "failed", "node.skipped": "skipped", "node.cancelled": "cancelled",
         "node.retrying": "retry", "node.cached": "cached"}

TOLD = frozenset({*_TOLD, "budget.warning", "state.conflict"})
"""The types of events that `event_line` may have a line for."""
FAILURES = frozenset({"node.failed", "node.retrying", "state.conflict"})
"""Those that are told whatever else is not."""
_ONLY_OF_UNITS = ("node.finished", "node.cached")
"""Told of units, not of every item: a fan-out of a thousand is one line, and one for each failure."""


def status_line(state: RunState, now: float, width: int) -> str:
    """`12/40 nodes, 3 running, 8.2/s, ETA 3.4s: fetch_diff` cut to the width of the terminal."""
    total, done = len(state.units), state.settled
    parts = [f"{done}/{plural(total, 'node')}"]
    if failed := state.counts.get("failed", 0):
        parts.append(f"{failed} failed")
    if running := state.counts.get("running", 0):
        parts.append(f"{running} running")
    elapsed = now - state.started_at
    if done and elapsed > 0:
        rate = done / elapsed
        parts.append(f"{rate:.1f}/s")
        if done < total:
            parts.append(f"ETA {format_duration((total - done) / rate)}")
    parts += spent_words({"tokens_in": state.input_tokens + _streamed(state), "tokens_out": state.output_tokens,
                          "cost_usd": state.cost_usd, "unpriced_calls": state.unpriced_calls})
    line = ", ".join(parts)
    activity = next(reversed(state.active.values()), None)
    if activity is not None:
        line += f": {activity.slot}"
        if activity.pct is not None:
            line += f" {activity.pct:.0%}"
        if activity.tail:
            line += f" \"{activity.tail.strip()}\""
        elif activity.message:
            line += f" {activity.message}"
    return clip_cells(neutralise(line).replace("\n", " ").replace("\t", " "), width)


def _streamed(state: RunState) -> int:
    """About how many tokens have come of answers that are not whole yet."""
    return sum(activity.streamed for activity in state.active.values()) // CHARACTERS_PER_TOKEN


def event_line(record: JsonObject, unit: UnitState | None = None) -> str | None:
    """A line for an event that a person wants to know of, or None. `unit`, where the event is of one, tells what came
    of its items."""
    if record["type"] == "budget.warning":
        return f"budget    {record['budget']}: {record['spent']:,} of {record['limit']:,} spent"
    if record["type"] == "state.conflict":
        return _conflict_line(record)
    word = _TOLD.get(str(record["type"]))
    if word is None or (record["type"] in _ONLY_OF_UNITS and ("index" in record or "[" in str(record["slot"]))):
        return None
    finished = unit if record["type"] == "node.finished" else None
    items = "" if finished is None else _items_words(finished)
    line = f"{'cached' if finished is not None and finished.cached else word:<9} {record['slot']}"
    if isinstance(record.get("duration_ms"), int | float):
        line += f" ({format_duration(float(str(record['duration_ms'])) / 1000)})"
    what = record.get("error") or record.get("reason") or items
    if what:
        line += f": {what}"
    if record["type"] == "node.retrying":
        delay = format_duration(float(str(record["delay_ms"])) / 1000)
        line += f" (attempt {record['attempt']}, next in {delay})"
    return clip(neutralise(line).replace("\n", " "), 400)


def _conflict_line(record: JsonObject) -> str:
    whose = f" of {record['experience']}" if "experience" in record else ""
    return neutralise(f"warning: the workspace{whose} keeps the value that '{record['field']}' (set_once) had already")


def _items_words(unit: UnitState) -> str:
    """`5,000 items, 2 failed, 17 cached`; nothing of a unit that has none."""
    if unit.items is None:
        return ""
    words = [f"{unit.items:,} {'item' if unit.items == 1 else 'items'}"]
    if unit.item_failures:
        words.append(f"{unit.item_failures:,} failed")
    if unit.items_cached and not unit.cached:
        words.append(f"{unit.items_cached:,} cached")
    return ", ".join(words)


def cache_line(state: RunState, now: float) -> str | None:
    """What came from the cache, from which run and how old; None where nothing did."""
    if not state.cached_slots:
        return None
    runs = list(state.cached_from)
    source = runs[0] if len(runs) == 1 else "several runs"
    age = format_age(now - seconds_of_iso(state.cached_since))
    what = f"{plural(state.cached_slots, 'result')} came from the cache ({source}, up to {age} old)"
    return what if state.worked_slots else f"warning: nothing ran: {what}; --no-cache runs anew"


def spent_words(totals: JsonObject) -> list[str]:
    """`1,234 tokens`, `$0.0123` (see `cost_words`), `56 tokens saved`, as far as there were any."""
    words = []
    tokens = int(str(totals.get("tokens_in") or 0)) + int(str(totals.get("tokens_out") or 0))
    if tokens:
        words.append(f"{tokens:,} tokens")
    cost = cost_words(totals.get("cost_usd"), totals.get("unpriced_calls"))
    if cost is not None:
        words.append(cost)
    if totals.get("tokens_saved"):
        words.append(f"{int(str(totals['tokens_saved'])):,} tokens saved")
    return words


def summary_line(record: JsonObject) -> str:
    """The run's last line: `success r-20261120-7f3a9c: 6 nodes, 5 ok, 1 skipped (1.2s)`."""
    totals = record["totals"]
    assert isinstance(totals, dict)
    parts = [plural(int(totals["nodes"]), "node")]
    words = ("ok", "cached", "failed", "skipped", "cancelled")
    parts += [f"{totals[word]} {word}" for word in words if totals.get(word)]
    parts += spent_words(totals)
    duration = format_duration(float(str(totals["duration_ms"])) / 1000)
    line = f"{record['status']} {record['run_id']}: {', '.join(parts)} ({duration})"
    return f"{line}, stopped: {record['reason']}" if record.get("reason") else line
