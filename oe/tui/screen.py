"""A view as the lines of a screen, each exactly as wide as the screen. Pure: the same view, time and size give the same
screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from oe.clock import iso
from oe.render.cost import amount, cost_cell
from oe.render.runs import format_count
from oe.render.tree import clock
from oe.state.snapshot import LIVE, Budget, Counts, Scope
from oe.text import format_age, format_duration, plural, width_of
from oe.tui.cells import Charset, Line, Span, Style, bar, end_of, fit, fit_line, shown, wrapped
from oe.tui.help import help_lines, key_hints
from oe.tui.rows import Row, about, elapsed, style_of
from oe.tui.view import View, Wish

if TYPE_CHECKING:
    from oe.app.watching import Picture

_WIDE = 110
"""Columns from which details stand beside the tree."""
_NARROW = 50
"""Columns below which what can be done without gives way to names and numbers."""
_WIDEST_NAME = 44
_TIME = 8
_LEAST_BAR = 24
"""Cells beside a name from which a bar stands before its numbers."""
_LEAST_SPLIT = 6
"""Lines from which details leave room for the tree above them."""
_LOG_STYLES: dict[str, Style] = {
    "node.ready": "dim", "node.started": "dim", "node.progress": "dim", "node.failed": "bad", "node.retrying": "warn",
    "node.cancelled": "warn", "loop.exhausted": "warn", "budget.warning": "warn", "state.conflict": "warn",
    "run.finished": "bold"}


class Size(NamedTuple):
    """Cells of a screen."""

    width: int
    height: int


def draw(view: View, now: float, size: Size, charset: Charset) -> list[Line]:
    """The screen at a moment: `size.height` lines."""
    drawing = _Drawing(view, now, size.width, charset)
    lines = drawing.screen(size.height)[: size.height]
    lines += [()] * (size.height - len(lines))
    return [fit_line(line, size.width, charset) for line in lines]


class _Drawing:
    """One screen in the making."""

    def __init__(self, view: View, now: float, width: int, charset: Charset) -> None:
        self._view = view
        self._now = now
        self._width = width
        self._charset = charset

    def screen(self, height: int) -> list[Line]:
        """Every line."""
        view, picture = self._view, self._view.picture
        if picture is None:
            return [self._title("", "waiting for the run to begin"), *([()] * (height - 2)), self._foot()]
        head = list(self._head(picture))[: max(1, height - 3)]
        room = height - len(head) - 1
        if room < 2:
            head = list(self._head(picture))[: max(1, height - 1)]
            return [*head, *([()] * (height - 1 - len(head))), self._foot()]
        if view.overlay is not None:
            return [*head, *self._overlay(room), self._foot()]
        is_wide = self._width >= _WIDE
        log = 0 if view.log_size == "none" or (view.is_open and not is_wide) else self._log_height(room)
        body = room - log
        if not view.is_open:
            middle = self._tree(body, self._width)
        elif is_wide:
            middle = self._side_by_side(body)
        elif body < _LEAST_SPLIT:
            middle = self._details(body, self._width)
        else:
            details = body // 2
            middle = [*self._tree(body - details, self._width), *self._details(details, self._width)]
        return [*head, *middle, *self._log(log), self._foot()]

    def _log_height(self, room: int) -> int:
        """The log takes what the tree has never needed, and so does not move with every item that comes and goes."""
        view = self._view
        view.tallest = max(view.tallest, len(view.rows))
        size = room // 2 if view.log_size == "large" else min(room // 3, 8)
        size = size if size >= 2 else 0
        return max(size, min(room - view.tallest - 2, len(view.log) + 1)) if size and not view.is_open else size

    # above

    def _head(self, picture: Picture) -> Iterator[Line]:
        root = picture.snapshot.root
        status = f"stopping ({root.reason})" if root.status == "cancelling" else root.status
        status = "success" if status == "ok" else status  # a run's own word
        name, told = f"{root.name}  {picture.snapshot.run_id}", self._status(picture, status)
        if picture.ended_at is not None:
            longer = f"{told}  {iso(picture.ended_at)[:16].replace('T', ' ')} UTC"
            told = longer if width_of(name) + width_of(longer) + 7 <= self._width else told
        yield self._title(name, told)
        spent = self._spent(picture)
        room = self._width - width_of(spent)
        yield (*fit_line(self._progress(picture), max(0, room), self._charset), Span(spent)) if room > 20 else tuple(
            self._progress(picture))
        for budget in picture.snapshot.budgets:
            yield self._budget(budget)
        if picture.note:
            yield (Span(" " + shown(picture.note, self._charset), "warn"),)
        if picture.findings:
            first = picture.findings[0]
            more = f" and {len(picture.findings) - 1} more" if len(picture.findings) > 1 else ""
            yield (Span(shown(f" {first.severity}: {first.subject}: {first.message}{more} (d shows all)",
                              self._charset), "bad" if first.severity == "error" else "warn"),)

    def _budget(self, budget: Budget) -> Line:
        share = budget.spent / budget.limit if budget.limit > 0 else 1.0
        limit = amount(budget.limit) if budget.name.endswith(" usd") else f"{budget.limit:,.12g}"
        return (Span(f" budget {shown(budget.name.removeprefix('run '), self._charset)} "),
                Span(bar(share, 20, self._charset), "bad" if share >= 0.8 else "bar"),
                Span(f" {share:.0%} of {limit}"))

    def _status(self, picture: Picture, status: str) -> str:
        root = picture.snapshot.root
        glyph = self._charset.glyphs.get(root.status, "")
        end = self._now if picture.is_live else picture.snapshot.taken_at
        parts = [f"{glyph} {status}", clock(end - root.started_at) if root.started_at else ""]
        if root.deadline_at is not None and picture.is_live:
            left = root.deadline_at - self._now
            deadline = f"deadline in {format_age(left)}" if left > 0 else "deadline passed"
            parts += [deadline] if self._width >= _NARROW else []
        return "  ".join(filter(None, parts))

    def _title(self, left: str, right: str) -> Line:
        left, right = shown(f" oe  {left}", self._charset), f"{right} "
        room = max(0, self._width - width_of(right))
        return (Span(fit(left, room, self._charset) + fit(right, self._width - room, self._charset), "chosen"),)

    def _progress(self, picture: Picture) -> Iterator[Span]:
        counts = picture.snapshot.root.counts or Counts()
        done = counts.total - counts.pending - counts.running - counts.retrying - counts.interrupted
        yield Span(f" {done}/{plural(counts.total, 'node')}")
        if self._width >= _NARROW:
            share = done / counts.total if counts.total else 1.0
            yield Span(" " + bar(share, 10, self._charset), "bar")
        for word in ("failed", "running", "retrying", "cancelled", "interrupted", "skipped", "cached"):
            count = getattr(counts, word)
            most = picture.snapshot.concurrency if word == "running" else None
            if count:
                yield Span(f"  {count}{f' of {most}' if most is not None else ''} {word}", style_of(word))
            if word == "running" and picture.slots and picture.is_live:
                yield Span(f"  {plural(picture.slots, 'slot')}")

    def _spent(self, picture: Picture) -> str:
        words = []
        if picture.reading is not None:
            words.append(f"reading the log: {format_count(picture.reading)}")
        if picture.tokens:
            saved = f" ({format_count(picture.tokens_saved)} saved)" if picture.tokens_saved else ""
            words.append(f"{format_count(picture.tokens)} tokens{saved}")
        if picture.cost_usd or picture.unpriced_calls:
            words.append(cost_cell(picture.cost_usd, picture.unpriced_calls))
        return "".join(f"  {word}" for word in words) + " "

    # in the middle

    def _rule(self, title: str, width: int, *, is_focus: bool = False) -> Line:
        mark = self._charset.folded if is_focus else self._charset.rule
        text = shown(f"{mark}{self._charset.rule} {title} ", self._charset)
        return (Span(fit(text + self._charset.rule * max(0, width - width_of(text)), width, self._charset),
                     "bold" if is_focus else "dim"),)

    def _tree(self, height: int, width: int) -> list[Line]:
        view = self._view
        is_following = view.follows and view.picture is not None and view.picture.is_live
        words = ["nodes", view.group if view.group != "all" else "", view.order if view.order != "graph order" else "",
                 "following" if is_following else "", f"search '{view.search}'" if view.search else ""]
        title = self._charset.between.join(filter(None, words))
        view.pages["tree"] = max(1, height - 2)
        room = height - 1
        view.top = max(0, min(view.top, view.place, max(0, len(view.rows) - room)))
        view.top = max(view.top, view.place - room + 1)
        rows = view.rows[view.top:view.top + room]
        if len(view.rows) > room:
            title += self._charset.between + _range(view.top, len(rows), len(view.rows))
        longest = max((2 * row.depth + width_of(row.text) for row in rows if row.scope is not None), default=0)
        view.column = max(view.column, longest + 5)
        column = min(_WIDEST_NAME, max(18, width * 2 // 5), view.column)
        lines = [self._rule(title, width, is_focus=view.focus == "tree")]
        for place, row in enumerate(rows, view.top):
            lines.append(self._row(row, column, width, is_chosen=place == view.place))
        if not rows:
            lines.append((Span(f"  no node is {view.group}" if view.group != "all" else "  no nodes", "dim"),))
        return [*lines, *([()] * (height - len(lines)))]

    def _row(self, row: Row, column: int, width: int, *, is_chosen: bool) -> Line:
        charset, scope = self._charset, row.scope
        indent = "  " * row.depth
        if scope is None:
            text = shown(row.text.rstrip("\n").rpartition("\n")[2], charset)
            text = end_of(text, width - width_of(f"{indent}   {charset.dash} "), charset)
            remark = Span(f"{indent}   {charset.dash} {text}", "chosen" if is_chosen else "dim")
            return fit_line((remark,), width, charset)
        fold = {None: " ", True: charset.folded, False: charset.open}[row.folded]
        name = fit(f"{indent}{fold}{charset.glyphs.get(scope.status, '?')} {shown(row.text, charset)}", column, charset)
        seconds, words = elapsed(scope, self._now), self._about(scope)
        time = (format_duration(seconds) if seconds is not None else "").rjust(_TIME)
        room = max(0, width - column - 1 - _TIME - 1)
        said = fit_line(_without_bar(words) if room < _LEAST_BAR else words, room, charset)
        style = "found" if self._view.found(row) else style_of(scope.status)
        spans = (Span(name, style), Span(" "), *said, Span(time + " ", "dim"))
        return tuple(Span(text, "chosen") for text, _ in spans) if is_chosen else spans

    def _about(self, scope: Scope) -> list[Span]:
        picture = self._view.picture
        error = picture.errors.get(scope.name) if picture is not None else None
        return about(scope, self._now, self._charset, error)

    def _side_by_side(self, height: int) -> list[Line]:
        left = self._width // 2
        tree = [fit_line(line, left, self._charset) for line in self._tree(height, left)]
        right = self._details(height, self._width - left - 1)
        return [(*one, Span(" "), *other) for one, other in zip(tree, right, strict=True)]

    def _details(self, height: int, width: int) -> list[Line]:
        view, charset = self._view, self._charset
        text = list(self._going_on(width))
        for section in view.details:
            text.append((Span(shown(section.title, charset), "bold"),))
            text += [(Span("  " + piece),) for line in section.lines
                     for piece in wrapped(shown(line, charset), width - 2)]
        room = max(0, height - 1)
        view.pages["details"] = max(1, room)
        view.detail_top = max(0, min(view.detail_top, len(text) - room))
        lines = [self._rule(shown(f"details of {view.chosen_slot() or 'nothing'}", charset), width,
                            is_focus=view.focus == "details")]
        lines += text[view.detail_top:view.detail_top + room]
        return [fit_line(line, width, charset) for line in [*lines, *([()] * (height - len(lines)))]]

    def _going_on(self, width: int) -> Iterator[Line]:
        """What the chosen row says while it goes on, and all that is kept of what it streams."""
        row = self._view.chosen()
        if row is None or row.scope is None or row.scope.status not in LIVE:
            return
        texts = ["".join(text for text, _ in self._about(row.scope)), *row.scope.tail.splitlines()]
        if any(texts):
            yield (Span("now", "bold"),)
        for said in texts:
            pieces = wrapped(shown(said, self._charset).strip(), width - 2)
            yield from ((Span("  " + piece),) for piece in pieces if piece)

    def _log(self, height: int) -> list[Line]:
        if not height:
            return []
        view = self._view
        room = height - 1
        view.pages["log"] = max(1, room)
        found = view.log_lines(room)
        words = ["log", f"filter '{view.log_filter}'" if view.log_filter else "",
                 f"{plural(view.log_back, 'line')} back" if view.log_back else ""]
        rule = self._rule(self._charset.between.join(filter(None, words)), self._width, is_focus=view.focus == "log")
        return [rule, *((Span(" " + shown(line, self._charset), _log_style(line)),) for line in found),
                *([()] * (room - len(found)))]

    def _overlay(self, height: int) -> list[Line]:
        view, room = self._view, max(0, height - 1)
        lines = help_lines(self._width, self._charset) if view.overlay == "help" else list(self._wrapped_overlay())
        view.pages["overlay"] = max(1, room)
        view.overlay_top = max(0, min(view.overlay_top, len(lines) - room))
        title = "any other key closes"
        shown_lines = lines[view.overlay_top:view.overlay_top + room]
        if len(lines) > room:
            title += self._charset.between + _range(view.overlay_top, len(shown_lines), len(lines))
        return [self._rule(title, self._width, is_focus=True), *shown_lines, *([()] * (room - len(shown_lines)))]

    def _wrapped_overlay(self) -> Iterator[Line]:
        """Nothing is cut off: this is where all of it is looked for."""
        for line in self._view.overlay or ():
            for place, piece in enumerate(wrapped(shown(line, self._charset), self._width - 4)):
                yield (Span((" " if place == 0 else "    ") + piece),)

    # below

    def _foot(self) -> Line:
        view = self._view
        if view.asking is not None:
            return (Span(f" {shown(_question(view.asking), self._charset)} [y/N]", "bad"),)
        if view.typing is not None:
            what = "search: " if view.typing == "search" else "filter of the log: "
            typed = shown(getattr(view, view.typing), self._charset)
            return (Span(f" {what}{end_of(typed, self._width - len(what) - 2, self._charset)}_", "bold"),)
        if view.message:
            return (Span(" " + shown(view.message, self._charset), "bold"),)
        return (Span(key_hints(self._width, self._charset), "dim"),)


def _range(start: int, count: int, whole: int) -> str:
    """`3-12 of 40`: which lines are seen."""
    return f"{start + 1}-{start + count} of {whole}"


def _log_style(line: str) -> Style:
    """By the event's type, which stands behind the time."""
    words = line.split(maxsplit=2)
    return _LOG_STYLES.get(words[1], "plain") if len(words) > 1 else "plain"


def _without_bar(spans: list[Span]) -> list[Span]:
    """What a row says where there is no room for a bar beside its numbers."""
    if not spans or spans[0].style != "bar":
        return spans
    return [Span(spans[1].text.lstrip(), spans[1].style), *spans[2:]]


def _question(wish: Wish) -> str:
    return "cancel the run?" if wish.slot is None else f"cancel {wish.slot}, and let the run go on?"
