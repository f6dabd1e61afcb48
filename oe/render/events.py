"""An event as a line for people. Pure; never fails, whatever the log holds."""

from __future__ import annotations

import re
from math import isfinite

from oe.state.events import EVENTS
from oe.text import clip, neutralise
from oe.values import Json, JsonObject, compact

_HEAD = frozenset({"type", "run_id", "ts", "seq", "node_id", "slot", "index", "phase"})
"""What the line says by its place, or what would be the same in every line."""

_LONGEST_VALUE = 200
_TYPE_WIDTH = max(map(len, EVENTS))
_PLAIN = re.compile(r"[^\s\"=]+")


def event_line(record: JsonObject) -> str:
    """`21:40:01.250  node.started     fetch_diff[3] attempt=1`; the time is UTC."""
    parts = [str(record.get("slot", ""))] if "slot" in record else []
    parts += [f"{key}={_value(value)}" for key, value in record.items() if key not in _HEAD]
    line = f"{str(record.get('ts', ''))[11:23]}  {record.get('type', '')!s:<{_TYPE_WIDTH}}  {' '.join(parts)}"
    return neutralise(line).replace("\n", "\\n").rstrip()


def event_day(record: JsonObject) -> str:
    """`2026-11-20`: stands above the events of one day."""
    return neutralise(str(record.get("ts", ""))[:10])


def _value(value: Json) -> str:
    if isinstance(value, str):
        text = value if _PLAIN.fullmatch(value) else compact(value)
    else:
        text = _number_text(value) if isinstance(value, float) else _plain(value)
    return clip(text, _LONGEST_VALUE)


def _number_text(value: float) -> str:
    """Without digits that only say how fractions are kept."""
    return compact(round(value, 6)) if isfinite(value) else str(value)


def _plain(value: Json) -> str:
    try:
        return compact(value)
    except ValueError:  # a number in it is none
        return str(value)
