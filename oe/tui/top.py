"""The dashboard's loop: a watched run, a view, a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from oe.clock import SystemClock
from oe.errors import OeError
from oe.render.findings import finding_lines
from oe.render.tree import ASCII, UNICODE, render_tree
from oe.tui.screen import draw
from oe.tui.view import View, Wish

if TYPE_CHECKING:
    from oe.app.watching import Watch
    from oe.tui.terminal import Terminal

_TURN_SECONDS = 0.25
_READ_SECONDS = 0.03
_DETAILS_SECONDS = 1.0
_SAID_SECONDS = 5.0


class Heard:
    """What the process that carries the run has said: `ended`, that it is over; `gone`, that it will say no more;
    `text` is what it would have shown."""

    def __init__(self) -> None:
        self.ended = False
        self.gone = False
        self.text = ""


def show_run(watch: Watch, terminal: Terminal, listen: Callable[[], Heard] | None = None) -> Literal["left", "ended"]:
    """Shows the run until a person leaves; with `listen`, also until that says that it is over, unless a person is
    looking around."""
    return _Dashboard(watch, terminal, listen).carry_on()


class _Dashboard:
    """One loop over poll, draw, keys."""

    def __init__(self, watch: Watch, terminal: Terminal, listen: Callable[[], Heard] | None) -> None:
        self._watch = watch
        self._terminal = terminal
        self._listen = listen
        self._clock = SystemClock()
        self._view = View()
        self._detailed: tuple[str | None, object] = (None, None)
        self._said = ""
        self._said_at = 0.0
        self._detailed_at = 0.0

    def carry_on(self) -> Literal["left", "ended"]:
        """Until it is over."""
        view, is_dirty = self._view, True
        while True:
            is_dirty |= self._fade()
            is_dirty |= self._take_news()
            if self._listen is not None and self._is_over(self._listen()):
                return "ended"
            self._keep_details()
            picture = view.picture
            if is_dirty or self._terminal.is_cleared or (picture is not None and picture.is_fresh):
                now = self._clock.now() if picture is None or picture.is_fresh else picture.snapshot.taken_at
                self._terminal.show(draw(view, now, self._terminal.size(), self._terminal.charset))
            is_reading = picture is not None and picture.reading is not None
            key = self._terminal.key(0 if is_reading else _TURN_SECONDS)
            is_dirty = key is not None
            while key is not None:
                wish = view.press(key) if key != "resize" else None
                if wish is not None and wish.what == "leave":
                    return "left"
                if wish is not None:
                    self._grant(wish)
                key = self._terminal.key(0)

    def _say(self, text: str) -> None:
        """Shows it for a while, where the keys are named."""
        self._view.message = self._said = text
        self._said_at = self._clock.now()

    def _fade(self) -> bool:
        if not self._said or self._clock.now() - self._said_at < _SAID_SECONDS:
            return False
        if self._view.message == self._said:
            self._view.message = ""
        self._said = ""
        return True

    def _take_news(self) -> bool:
        view = self._view
        try:
            picture = self._watch.poll(_READ_SECONDS)
            said = self._watch.answers()
        except OeError as error:
            self._say(error.message)
            return True
        lines = self._watch.lines()
        view.tell(lines)
        if said:
            self._say("; ".join(said))
        if picture is not None:
            view.take(picture)
        return bool(picture is not None or lines or said)

    def _is_over(self, heard: Heard) -> bool:
        view = self._view
        if heard.text:
            self._say(heard.text)
        if heard.ended and not heard.gone and view.touched:
            view.message = "the run is over: q leaves"
            return False
        return heard.ended or heard.gone

    def _keep_details(self) -> None:
        """Looks details up when another slot is chosen, and again where its status has changed or it goes on."""
        view = self._view
        row = view.chosen()
        if not view.is_open or row is None:
            return
        slot, now = view.chosen_slot(), self._clock.now()
        state = (slot, row.scope.status if row.scope is not None else None)
        is_old = view.picture is not None and view.picture.is_live and now - self._detailed_at > _DETAILS_SECONDS
        if slot is None or (state == self._detailed and not is_old):
            return
        self._detailed, self._detailed_at = state, now
        try:
            view.details = self._watch.details(slot)
        except OeError as error:
            view.details = ()
            self._say(error.message)

    def _grant(self, wish: Wish) -> None:
        view = self._view
        if wish.what == "dump" and view.picture is not None:
            snapshot = view.picture.snapshot
            if view.picture.is_fresh:
                snapshot = snapshot._replace(taken_at=self._clock.now())
            style = ASCII if self._terminal.charset.is_ascii else UNICODE
            view.show([*render_tree(snapshot, style=style).splitlines(), "", *finding_lines(view.picture.findings)])
        elif wish.what == "cancel":
            try:
                self._watch.ask_to_cancel(wish.slot)
                self._say("asked; waiting for the answer")
            except OeError as error:
                self._say(error.message)
