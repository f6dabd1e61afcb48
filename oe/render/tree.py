"""A snapshot as a tree of lines, for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from oe.render.runs import format_count
from oe.state.snapshot import LIVE, Counts, Scope, Snapshot
from oe.text import clip_cells, format_age, format_duration, neutralise, plural

MOST_UNITS = 100
MOST_ITEMS = 20
_LONGEST_NAME = 120
_LONGEST_SAID = 40
_LONGEST_WORDS = 160
_SHOWN_WAITS = 5
_FIRST, _SECOND = LIVE, frozenset({"failed", "cancelled"})


class Style(NamedTuple):
    """The characters that a tree is drawn with."""

    branch: str
    last: str
    down: str
    gap: str
    between: str
    dash: str


ASCII = Style("|- ", "`- ", "|  ", "   ", " * ", "--")
UNICODE = Style("├─ ", "└─ ", "│  ", "   ", " · ", "—")


def render_tree(snapshot: Snapshot, *, style: Style = ASCII, depth: int | None = None, most: int = MOST_UNITS) -> str:
    """The run, its units and what is going on in them, then one line of counts. `depth` 1 shows units alone; `most` is
    how many units are shown.

    Of long lists what is going on comes before what failed, that before the rest; what is left out is counted.
    """
    root, now = snapshot.root, snapshot.taken_at
    status = f"stopping ({root.reason})" if root.status == "cancelling" else root.status
    status = "success" if status == "ok" else status  # a run's own word
    elapsed = now - root.started_at if root.started_at else 0.0
    lines = [f"{_name(root.name)}  {_name(snapshot.run_id)}  {status} {clock(elapsed)}"]
    lines += _Tree(now, style, depth, most).lines(root)
    lines += [f"abandoned, still holding a thread: {_words(name)}" for name in snapshot.abandoned]
    return "\n".join([*lines, "", summary(snapshot, style)])


def screenful(lines: Sequence[str], size: tuple[int, int]) -> Sequence[str]:
    """As many lines of a tree as a terminal of so many columns and lines holds, each cut to one of its lines; the
    counts at the end always."""
    columns, height = size
    room = max(3, height - 1)
    if len(lines) > room:
        kept = max(1, room - 3)
        lines = [*lines[:kept], f"... {len(lines) - kept - 2} more lines", *lines[-2:]]
    return [clip_cells(line, columns - 1) for line in lines]


def summary(snapshot: Snapshot, style: Style = ASCII) -> str:
    """`6 nodes * 1 ok * 1 running * deadline in 12s`."""
    counts = snapshot.root.counts or Counts()
    parts = [plural(counts.total, "node"), *_counted(counts)]
    if snapshot.root.deadline_at is not None:
        left = snapshot.root.deadline_at - snapshot.taken_at
        parts.append(f"deadline in {format_age(left)}" if left > 0 else "deadline passed")
    return style.between.join(parts)


class _Tree:
    """Draws without recursion on the call stack; what stands in a scope is found by `chosen_parts`."""

    def __init__(self, now: float, style: Style, depth: int | None, most: int) -> None:
        self._now = now
        self._most = most
        self._style = style
        self._depth = depth

    def lines(self, root: Scope) -> Iterator[str]:
        """Every line below the first."""
        style = self._style
        stack = [("", self._inside(root, 0), 0)]
        while stack:
            lead, rows, place = stack.pop()
            if place == len(rows):
                continue
            stack.append((lead, rows, place + 1))
            row = rows[place]
            is_last = place + 1 == len(rows)
            corner = style.last if is_last else style.branch
            if isinstance(row, str):
                yield f"{lead}{corner}{row}"
                continue
            yield f"{lead}{corner}{self._line(row)}"
            stack.append((lead + (style.gap if is_last else style.down), self._inside(row, len(stack)), 0))

    def _inside(self, scope: Scope, level: int) -> Sequence[Scope | str]:
        if self._depth is not None and level >= self._depth:
            return ()
        shown = chosen_parts(scope, self._most if scope.level == "run" else MOST_ITEMS)
        left = left_out(scope, shown)
        rows: list[Scope | str] = [_standing_for(part) for part in shown]
        return [*rows, left] if left else rows

    def _line(self, scope: Scope) -> str:
        word = f"[{scope.status}]" if scope.status in ("running", "cancelling") else scope.status
        word = "retry" if word == "retrying" else word
        facts = ", ".join(self._facts(scope))
        return f"{word} {_name(scope.name)} ({facts})" if facts else f"{word} {_name(scope.name)}"

    def _facts(self, scope: Scope) -> Iterator[str]:
        if scope.status == "retrying":
            yield from self._wait_facts(scope)
        elif scope.status in LIVE:
            yield from self._live_facts(scope)
        elif scope.waits_for:
            more = len(scope.waits_for) - _SHOWN_WAITS
            names = ", ".join(map(_name, scope.waits_for[:_SHOWN_WAITS]))
            yield f"waits for {names}" + (f" and {more} more" if more > 0 else "")
        elif scope.status != "cached":
            if scope.counts is not None:
                yield _item_words(scope.counts)
            if scope.error or scope.reason:
                yield _words(scope.error or scope.reason or "")
            elif scope.status == "ok" and scope.seconds is not None:
                yield format_duration(scope.seconds)

    def _wait_facts(self, scope: Scope) -> Iterator[str]:
        if scope.due_at is not None:
            yield f"attempt {scope.attempt}/{scope.attempts}"
            yield f"next in {format_duration(max(0.0, scope.due_at - self._now))}"
        elif scope.counts is not None:
            yield _item_words(scope.counts)

    def _live_facts(self, scope: Scope) -> Iterator[str]:
        if scope.status == "cancelling" and scope.reason:
            yield scope.reason
        if scope.attempt > 1:
            yield f"attempt {scope.attempt}/{max(scope.attempt, scope.attempts)}"
        if scope.counts is not None:
            yield _item_words(scope.counts)
        if scope.started_at is not None:
            yield format_duration(max(0.0, self._now - scope.started_at))
        progress = f"{scope.pct:.0%}" if scope.pct is not None else ""
        message = _words(scope.message) if scope.message else ""
        if message and scope.attempt:
            message = f'"{message}"'
        if progress or message:
            yield f" {self._style.dash} ".join(filter(None, (progress, message)))
        if scope.tokens:
            yield f"{format_count(scope.tokens)} tok"
        if scope.tail.strip():
            said = neutralise(" ".join(scope.tail.split()))
            yield f'says "{said if len(said) <= _LONGEST_SAID else "..." + said[3 - _LONGEST_SAID:]}"'
        if scope.deadline_at is not None and scope.deadline_at - self._now < 60:
            yield f"timeout in {format_age(max(0.0, scope.deadline_at - self._now))}"


def _standing_for(scope: Scope) -> Scope:
    """What is shown in a scope's place: an item's only task, and of a unit that does nothing but wait for the next
    attempt of one slot that slot."""
    if len(scope.parts) == 1 and (scope.level == "item" or (scope.level == "unit" and scope.status == "retrying")):
        only = scope.parts[0]
        return only if only.level != "call" and only.status in LIVE else scope
    return scope


def chosen_parts(scope: Scope, most: int) -> Sequence[Scope]:
    """At most so many parts: what goes on comes before what failed, that before the rest."""
    parts = scope.parts
    if len(parts) <= most:
        return parts
    reserved = min(most // 4, sum(part.status in _SECOND for part in parts))
    places = [place for place, part in enumerate(parts) if part.status in _FIRST][:most - reserved]
    for wanted in (_SECOND, None):
        if len(places) < most:
            known = set(places)
            places += [place for place, part in enumerate(parts) if place not in known
                       and (part.status in wanted if wanted is not None else part.status not in _SECOND)
                       ][: most - len(places)]
    return [parts[place] for place in sorted(places)]


def left_out(scope: Scope, shown: Sequence[Scope]) -> str | None:
    """What of a scope is not shown by itself: `... 980 more: 900 ok, 80 pending`. Settled and pending items of a unit
    that goes on are in the counts of its own line."""
    if scope.counts is None:
        more = len(scope.parts) - len(shown)
        return f"... {more} more" if more else None
    left = dict(zip(Counts._fields, scope.counts, strict=True))
    for part in shown:
        word = "running" if part.status == "cancelling" else part.status
        if word in left:
            left[word] -= 1
    if scope.level == "unit":
        left = {name: count for name, count in left.items() if name in ("running", "retrying")}
    left.pop("total", None)
    counts = [f"{count} {name}" for name, count in left.items() if count > 0]
    more = sum(count for count in left.values() if count > 0)
    return f"... {more} more: {', '.join(counts)}" if counts else None


def _counted(counts: Counts) -> list[str]:
    return [f"{count} {name}" for name, count in zip(Counts._fields[1:], counts[1:], strict=True) if count]


def _item_words(counts: Counts) -> str:
    done = counts.ok + counts.cached + counts.failed + counts.cancelled
    settled = f"{done}/{plural(counts.total, 'item')}" if done < counts.total else plural(counts.total, "item")
    worse = ((counts.failed, "failed"), (counts.cancelled, "cancelled"))
    return ", ".join([settled, *(f"{count} {name}" for count, name in worse if count)])


def clock(seconds: float) -> str:
    """`00:41`, `1:00:41`."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def _name(text: str) -> str:
    return _cut(neutralise(text).replace("\n", " "), _LONGEST_NAME)


def _words(text: str) -> str:
    return _cut(neutralise(text).replace("\n", " "), _LONGEST_WORDS)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."
