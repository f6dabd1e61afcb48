"""A listing of runs as a table. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from oe.render.tables import table
from oe.text import format_duration
from oe.values import Json, JsonObject

WIDEST = 80
"""Columns of a terminal that nobody has widened."""

_LONG_HEADER = ("RUN", "STATUS", "STARTED (UTC)", "TIME", "OK", "FAIL", "TOKENS", "COST")
_SHORT_HEADER = ("RUN", "STATUS", "STARTED UTC", "TIME", "OK", "FAIL", "TOKENS", "COST")
_NUMBERS = frozenset({3, 4, 5, 6, 7})
_STARTED = 2


def runs_table(runs: Sequence[JsonObject]) -> list[str]:
    """Lines of at most 80 columns where ids are of the usual length: without the year where they would be longer.
    `runs` as in `--json`."""
    rows = [_row(run) for run in runs]
    lines = table(_LONG_HEADER, rows, right=_NUMBERS)
    if max(map(len, lines)) <= WIDEST:
        return lines
    for row in rows:
        row[_STARTED] = row[_STARTED].partition("-")[2]
    return table(_SHORT_HEADER, rows, right=_NUMBERS)


def format_count(number: float) -> str:
    """`950`, `1.2k`, `34k`, `1.2M`."""
    for unit in ("", "k", "M"):
        if number < 999.5:
            return f"{number:.1f}{unit}" if unit and number < 9.95 else f"{number:.0f}{unit}"
        number /= 1000
    return f"{number:.0f}G"


def _row(run: JsonObject) -> list[str]:
    totals = run["totals"] if isinstance(run["totals"], dict) else {}
    tokens = _number(totals.get("tokens_in")) + _number(totals.get("tokens_out"))
    duration = run["duration_ms"]
    return [str(run["run_id"]), str(run["status"]), str(run["started_at"])[:16].replace("T", " "),
            format_duration(_number(duration) / 1000) if duration is not None else "-",
            _text(totals.get("ok")), _text(totals.get("failed")),
            format_count(tokens) if tokens else "-", _cost(totals)]


def _cost(totals: JsonObject) -> str:
    """`$0.13`, `<$0.01`; `?` where no price is known, `$0.13+` where those of some calls are not."""
    cost, unpriced = _number(totals.get("cost_usd")), totals.get("unpriced_calls")
    if not cost:
        return "?" if unpriced else "-"
    return ("<$0.01" if cost < 0.005 else f"${cost:.2f}") + ("+" if unpriced else "")


def _number(value: Json) -> float:
    return value if isinstance(value, int | float) else 0


def _text(value: Json) -> str:
    return str(value) if isinstance(value, int) else "-"
