"""The tree as rows: what is shown of a snapshot, in which order, and what one row says. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

from oe.render.runs import format_count
from oe.render.tree import chosen_parts, left_out
from oe.state.snapshot import LIVE, Counts, Scope, Snapshot
from oe.text import format_age, format_duration, plural
from oe.tui.cells import Charset, Span, Style, bar, shown

Group: TypeAlias = Literal["all", "live", "failed", "pending", "done"]
GROUPS: dict[Group, frozenset[str]] = {
    "all": frozenset(),
    "live": LIVE,
    "failed": frozenset({"failed", "cancelled", "interrupted", "partial"}),
    "pending": frozenset({"pending", "parked", "skipped"}),
    "done": frozenset({"ok", "cached"}),
}
"""Which statuses each filter lets through."""
Order: TypeAlias = Literal["graph order", "longest first"]

MOST_ITEMS = 40
_BAR = 10
_SHOWN_WAITS = 3
_STYLES: dict[str, Style] = {
    "ok": "good", "cached": "good", "failed": "bad", "interrupted": "bad", "cancelled": "warn", "cancelling": "warn",
    "retrying": "warn", "partial": "warn", "running": "busy", "pending": "dim", "skipped": "dim", "parked": "warn"}


class Row(NamedTuple):
    """One row. `key` stays the same from snapshot to snapshot; `scope` is None for a remark; `folded` is None where
    there is nothing inside."""

    key: str
    depth: int
    scope: Scope | None
    text: str
    folded: bool | None = None


def rows_of(snapshot: Snapshot, folded: set[str], group: Group, order: Order) -> list[Row]:
    """Every row of the tree. A unit is let through by its own status, or by failures among its items."""
    units = snapshot.root.parts
    wanted = GROUPS[group]
    if wanted:
        units = tuple(unit for unit in units if unit.status in wanted
                      or (group == "failed" and unit.counts is not None and unit.counts.failed))
    if order == "longest first":
        now = snapshot.taken_at
        units = tuple(sorted(units, key=lambda unit: -(elapsed(unit, now) or -1.0)))
    rows: list[Row] = []
    for unit in units:
        if unit.parts or unit.tail:
            rows += _rows_with_parts(unit, folded)
        else:
            rows.append(Row(unit.name, 0, unit, unit.name))
    return rows


def _rows_with_parts(unit: Scope, folded: set[str]) -> Iterator[Row]:
    """A unit and what goes on in it. Nested as deep as a snapshot has levels."""
    stack: list[tuple[Scope | str, str, int]] = [(unit, unit.name, 0)]
    while stack:
        scope, key, depth = stack.pop()
        if isinstance(scope, str):
            yield Row(key, depth, None, scope)
            continue
        is_folded = key in folded
        yield Row(key, depth, scope, scope.name, is_folded if scope.parts or scope.tail else None)
        if is_folded:
            continue
        if scope.tail:
            yield Row(f"{key}\ntail", depth + 1, None, scope.tail)
        parts = chosen_parts(scope, MOST_ITEMS)
        left = left_out(scope, parts)
        if left is not None:
            stack.append((left, f"{key}\nmore", depth + 1))
        stack += [(part, part.name if part.level != "call" else f"{key}\n{place}", depth + 1)
                  for place, part in reversed(list(enumerate(parts)))]


def elapsed(scope: Scope, now: float) -> float | None:
    """Seconds that a scope has been going on, or took."""
    if scope.status in LIVE:
        return max(0.0, now - scope.started_at) if scope.started_at is not None else None
    return scope.seconds if scope.status not in ("pending", "skipped", "cached") else None


def style_of(status: str) -> Style:
    """The colour of a status."""
    return _STYLES.get(status, "plain")


def about(scope: Scope, now: float, charset: Charset, error: str | None = None) -> list[Span]:
    """What a row says of a scope beside its name and time. `error` is the message of the error that it names."""
    spans: list[Span] = []
    if scope.counts is not None:
        spans += _items(scope.counts, charset, is_live=scope.status in LIVE)
    elif scope.pct is not None and scope.status in LIVE:
        spans += [Span(bar(scope.pct, _BAR, charset), "bar"), Span(f" {scope.pct:.0%}")]
    words = list(_words(scope, now, error))
    if words:
        text = ("  " if spans else "") + shown(", ".join(words), charset)
        has_style = scope.error or scope.reason or scope.status == "pending"
        spans.append(Span(text, style_of(scope.status) if has_style else "plain"))
    return spans


def _items(counts: Counts, charset: Charset, *, is_live: bool) -> list[Span]:
    done = counts.ok + counts.cached + counts.failed + counts.cancelled
    spans = [Span(f"{done}/{counts.total}" if done < counts.total else plural(counts.total, "item"))]
    if is_live:
        share = done / counts.total if counts.total else 1.0
        spans.insert(0, Span(bar(share, _BAR, charset) + " ", "bar"))
    if counts.cached:
        spans.append(Span(f", {counts.cached} cached"))
    if counts.failed:
        spans += [Span(", "), Span(f"{counts.failed} failed", "bad")]
    if counts.cancelled:
        spans += [Span(", "), Span(f"{counts.cancelled} cancelled", "warn")]
    return spans


def error_words(name: str, message: str | None) -> str:
    """The message of an error, which begins with the name where it has one of its own."""
    if not message:
        return name
    return message if message.startswith(name) else f"{name}: {message}"


def _words(scope: Scope, now: float, error: str | None) -> Iterator[str]:
    if scope.status == "cancelling":
        yield f"cancelling ({scope.reason})" if scope.reason else "cancelling"
    if scope.attempt > 1:
        yield f"attempt {scope.attempt}/{max(scope.attempt, scope.attempts)}"
    if scope.due_at is not None:
        yield f"next in {format_duration(max(0.0, scope.due_at - now))}"
    if scope.error:
        yield error_words(scope.error, error)
    elif scope.reason and scope.status != "cancelling":
        yield f"{scope.status}: {scope.reason}" if scope.status == "skipped" else scope.reason
    if scope.waits_for and scope.status == "pending":
        more = len(scope.waits_for) - _SHOWN_WAITS
        names = ", ".join(scope.waits_for[:_SHOWN_WAITS])
        yield f"waits for {names}" + (f" and {more} more" if more > 0 else "")
    if scope.message and scope.status in LIVE:
        yield scope.message
    if scope.tokens:
        yield f"{format_count(scope.tokens)} tokens"
    if scope.deadline_at is not None and scope.status in LIVE and scope.deadline_at - now < 60:
        yield f"timeout in {format_age(max(0.0, scope.deadline_at - now))}"
