"""What a person looks at: the run, what is selected, folded, filtered and open, and what each key does. Pure; what has
to be done outside, `press` asks for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

from oe.state.snapshot import LIVE
from oe.tui.rows import Group, Order, Row, rows_of

if TYPE_CHECKING:
    from oe.app.watching import Picture, Section

_GROUPS: tuple[Group, ...] = get_args(Group)
_ORDERS: tuple[Order, ...] = get_args(Order)
_MOST_LINES = 5000
_LOG_SIZES = ("small", "large", "none")
Pane: TypeAlias = Literal["tree", "details", "log", "overlay"]


class Wish(NamedTuple):
    """What a key asks for. `slot` None means the run."""

    what: Literal["leave", "cancel", "dump"]
    slot: str | None = None


class View:
    """The state of the screen. `follows`: the selection goes with what has started last, until a key moves it. `pages`:
    how many lines each pane has, as it was drawn last."""

    def __init__(self, *, follows: bool = True) -> None:
        self.picture: Picture | None = None
        self.rows: list[Row] = []
        self.selected: str | None = None
        self.place = 0
        self.top = 0
        self.pages: dict[Pane, int] = {"tree": 10, "details": 10, "log": 10, "overlay": 10}
        self.column = 0
        self.tallest = 0
        self.folded: set[str] = set()
        self.group: Group = "all"
        self.order: Order = "graph order"
        self.follows = follows
        self.touched = False
        self.search = ""
        self.log: deque[str] = deque(maxlen=_MOST_LINES)
        self.log_filter = ""
        self.log_size = "small"
        self.log_back = 0
        self.focus: Literal["tree", "details", "log"] = "tree"
        self.is_open = False
        self.details: Sequence[Section] = ()
        self.detail_top = 0
        self.overlay: Sequence[str] | Literal["help"] | None = None
        self.overlay_top = 0
        self.typing: Literal["search", "log_filter"] | None = None
        self.asking: Wish | None = None
        self.message = ""

    def take(self, picture: Picture) -> None:
        """Shows a newer picture."""
        self.picture = picture
        self._arrange()

    def chosen(self) -> Row | None:
        """The selected row."""
        return self.rows[self.place] if self.place < len(self.rows) else None

    def chosen_slot(self) -> str | None:
        """The slot that the selected row belongs to."""
        return self.rows[self.place].key.partition("\n")[0] if self.place < len(self.rows) else None

    def press(self, key: str) -> Wish | None:
        """Takes a key: a character, or a name such as `up`, `enter`, `escape`."""
        self.message = ""
        if self.asking is not None:
            wish, self.asking = self.asking, None
            return wish if key in ("y", "Y") else None
        if self.typing is not None:
            self._type(key)
            return None
        self.touched = True
        if self.overlay is not None:
            self._scroll_overlay(key)
            return None
        if key in ("q", "Q"):
            return Wish("leave")
        if key == "d":
            return Wish("dump")
        if key in ("c", "C"):
            self._ask(of_run=key == "C")
            return None
        action = _KEYS.get(key)
        if action is not None:
            action(self)
        elif self.focus == "tree":
            self._move(key)
        else:
            self._scroll(key)
        return None

    def found(self, row: Row) -> bool:
        """Whether a row is what is searched for."""
        return bool(self.search) and self.search.lower() in row.text.lower()

    def log_lines(self, most: int) -> list[str]:
        """The last lines of the log that the filter lets through, as far back as it is scrolled."""
        wanted = self.log_filter.lower()
        lines = [line for line in self.log if wanted in line.lower()] if wanted else list(self.log)
        self.log_back = max(0, min(self.log_back, len(lines) - most))
        end = len(lines) - self.log_back
        return lines[max(0, end - most):end]

    def tell(self, lines: Sequence[str]) -> None:
        """Adds lines to the log. One that is scrolled back stays where it is."""
        self.log.extend(lines)
        if self.log_back:
            wanted = self.log_filter.lower()
            self.log_back += sum(wanted in line.lower() for line in lines)

    def show(self, lines: Sequence[str] | Literal["help"]) -> None:
        """Lays lines over the tree, or what the keys do."""
        self.overlay, self.overlay_top = lines, 0

    # what keys do

    def _ask(self, *, of_run: bool) -> None:
        live = self.picture is not None and self.picture.is_live
        row = self.chosen()
        if not live:
            self.message = "the run is not going on"
        elif of_run:
            self.asking = Wish("cancel")
        elif row is not None and (row.scope is None or row.scope.status in LIVE):
            self.asking = Wish("cancel", self.chosen_slot())
        else:
            self.message = "this is not going on"

    def _type(self, key: str) -> None:
        name = self.typing
        assert name is not None
        text = getattr(self, name)
        if key in ("enter", "escape"):
            self.typing = None
            if key == "escape":
                setattr(self, name, "")
            return
        if key == "backspace":
            setattr(self, name, text[:-1])
        elif len(key) == 1 and key.isprintable():
            setattr(self, name, (text + key)[:100])
        if name == "search" and self.search and not any(map(self.found, self.rows[self.place:self.place + 1])):
            self._find(1)

    def _find(self, step: int) -> None:
        count = len(self.rows)
        for distance in range(1, count + 1):
            place = (self.place + step * distance) % count
            if self.found(self.rows[place]):
                self._select(place)
                return
        self.message = f"'{self.search}' is not found" if self.search else "press / to search"

    def _move(self, key: str) -> None:
        row = self.chosen()
        if key in ("left", "right", " ") and row is not None:
            self._fold(row, key)
            return
        steps = self._steps("tree", len(self.rows))
        if key in steps:
            self._select(self.place + steps[key])

    def _steps(self, pane: Pane, most: int) -> dict[str, int]:
        """How far each key goes in a pane."""
        page = self.pages[pane]
        return {"up": -1, "k": -1, "down": 1, "j": 1, "page_up": -page, "page_down": page, "home": -most, "g": -most,
                "end": most, "G": most}

    def _fold(self, row: Row, key: str) -> None:
        if row.folded is None or (key == "left" and row.folded):
            parents = [place for place in range(self.place) if self.rows[place].depth < row.depth]
            if key == "left" and parents:
                self._select(parents[-1])
            return
        if key == "left" or (key == " " and not row.folded):
            self.folded.add(row.key)
        else:
            self.folded.discard(row.key)
        self._arrange()

    def _scroll(self, key: str) -> None:
        step = self._steps(self.focus, _MOST_LINES).get(key, 0)
        if self.focus == "log":
            self.log_back = max(0, self.log_back - step)
        else:
            self.detail_top = max(0, self.detail_top + step)

    def _scroll_overlay(self, key: str) -> None:
        steps = {**self._steps("overlay", _MOST_LINES), " ": self.pages["overlay"]}
        if key in steps:
            self.overlay_top = max(0, self.overlay_top + steps[key])
        else:
            self.overlay = None

    def _select(self, place: int) -> None:
        self.place = max(0, min(place, len(self.rows) - 1))
        self.follows = False
        self.selected = self.rows[self.place].key if self.rows else None
        self.detail_top = 0

    def _arrange(self) -> None:
        """Makes the rows anew; the selection stays on what it was on."""
        if self.picture is None:
            return
        self.rows = rows_of(self.picture.snapshot, self.folded, self.group, self.order)
        if self.follows:
            live = [(row.scope.started_at or 0.0, place) for place, row in enumerate(self.rows)
                    if row.scope is not None and row.depth == 0 and row.scope.status in LIVE]
            if live:
                self.place = max(live)[1]
                self.selected = self.rows[self.place].key
        if not (self.place < len(self.rows) and self.rows[self.place].key == self.selected):
            same = (place for place, row in enumerate(self.rows) if row.key == self.selected)
            self.place = next(same, min(self.place, max(0, len(self.rows) - 1)))
            self.selected = self.rows[self.place].key if self.rows else None

    def _next_focus(self) -> None:
        places: list[Literal["tree", "details", "log"]] = ["tree"]
        places += ["details"] if self.is_open else []
        places += ["log"] if self.log_size != "none" else []
        self.focus = places[(places.index(self.focus) + 1) % len(places)] if self.focus in places else "tree"

    def _open(self) -> None:
        self.is_open = not self.is_open
        self.detail_top = 0
        self.focus = "tree"

    def _next_group(self) -> None:
        self.group = _GROUPS[(_GROUPS.index(self.group) + 1) % len(_GROUPS)]
        self._arrange()

    def _next_order(self) -> None:
        self.order = _ORDERS[(_ORDERS.index(self.order) + 1) % len(_ORDERS)]
        self._arrange()

    def _next_log(self) -> None:
        self.log_size = _LOG_SIZES[(_LOG_SIZES.index(self.log_size) + 1) % len(_LOG_SIZES)]
        self.focus = "tree" if self.focus == "log" and self.log_size == "none" else self.focus

    def _follow(self) -> None:
        self.follows = not self.follows
        self._arrange()

    def _fold_all(self) -> None:
        self.folded = {row.key for row in self.rows if row.folded is not None and row.depth == 0}
        self._arrange()

    def _unfold_all(self) -> None:
        self.folded = set()
        self._arrange()

    def _begin_typing(self) -> None:
        self.typing = "log_filter" if self.focus == "log" else "search"
        setattr(self, self.typing, "")

    def _escape(self) -> None:
        if self.is_open:
            self._open()
        self.search = self.log_filter = ""
        self.group = "all"
        self.focus = "tree"
        self._arrange()


_KEYS: dict[str, Callable[[View], None]] = {
    "enter": View._open, "tab": View._next_focus, "f": View._next_group, "s": View._next_order, "l": View._next_log,
    "F": View._follow, "-": View._fold_all, "+": View._unfold_all, "=": View._unfold_all, "/": View._begin_typing,
    "escape": View._escape, "n": lambda view: view._find(1), "N": lambda view: view._find(-1),
    "?": lambda view: view.show("help"), "h": lambda view: view.show("help"),
}
