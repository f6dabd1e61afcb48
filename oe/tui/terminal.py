"""The terminal by curses: draws the rows that have changed, gives keys by name, and gives the terminal back in any
case: at the end, at an error, at signals that end or suspend the process."""

from __future__ import annotations

import locale
import os
import signal
import sys
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import FrameType, ModuleType
from typing import TYPE_CHECKING

from oe.errors import OeError
from oe.tui.cells import ASCII, UNICODE, Charset, Line, Style
from oe.tui.screen import Size

if TYPE_CHECKING:
    import _curses

_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_ESCAPE_MS = 25
_NAMES = {"\n": "enter", "\r": "enter", "\t": "tab", "\x1b": "escape", "\x7f": "backspace", "\b": "backspace"}
_CODES = {"KEY_UP": "up", "KEY_DOWN": "down", "KEY_LEFT": "left", "KEY_RIGHT": "right", "KEY_PPAGE": "page_up",
          "KEY_NPAGE": "page_down", "KEY_HOME": "home", "KEY_END": "end", "KEY_ENTER": "enter",
          "KEY_BACKSPACE": "backspace", "KEY_RESIZE": "resize"}
_COLOURS = {"good": "COLOR_GREEN", "bad": "COLOR_RED", "warn": "COLOR_YELLOW", "busy": "COLOR_CYAN",
            "bar": "COLOR_CYAN"}
_MONO = {"dim": "A_DIM", "bold": "A_BOLD", "bad": "A_BOLD", "warn": "A_BOLD", "busy": "A_BOLD", "chosen": "A_REVERSE",
         "found": "A_UNDERLINE"}


class Ended(Exception):
    """A signal asks this process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class NoScreen(Exception):
    """The terminal cannot be drawn on: nothing is known of its kind."""


def require_curses() -> ModuleType:
    """Raises OeError `no-curses` where this Python was built without it."""
    try:
        import curses  # nothing else of the program needs it
    except ImportError as error:
        raise OeError("this Python has no curses module, which draws the dashboard", code="no-curses",
                      hint="install it (it comes with most builds), or use `oe inspect --tree --follow`") from error
    return curses


def leaving(descriptor: int) -> bytes:
    """What takes a terminal out of the state that a killed dashboard has left it in."""
    curses = require_curses()
    try:
        curses.setupterm(None, descriptor)
    except curses.error:
        return b""
    return b"".join(curses.tigetstr(name) or b"" for name in ("rmkx", "sgr0", "cnorm", "rmcup"))


class Terminal:
    """A screen, from entering to leaving its `with` statement; for the main thread. Standard input and output are the
    terminal. `ignores`: signals that are somebody else's business meanwhile."""

    def __init__(self, environment: Mapping[str, str], ignores: Sequence[signal.Signals] = ()) -> None:
        self._curses = require_curses()
        self._has_colour = not environment.get("NO_COLOR")
        self._ignores = ignores
        self._before: dict[int, object] = {}
        self._attributes: dict[str, int] = {}
        self._drawn: list[Line] = []
        self._modes: list[object] = []
        self.charset: Charset = ASCII

    def __enter__(self) -> Terminal:
        curses = self._curses
        with suppress(locale.Error):
            locale.setlocale(locale.LC_CTYPE, "")
        if locale.nl_langinfo(locale.CODESET).upper() == "UTF-8":
            self.charset = UNICODE
        sys.stdout.flush()
        try:
            curses.set_escdelay(_ESCAPE_MS)
            self._screen: _curses.window = curses.initscr()
        except curses.error as error:
            raise NoScreen(str(error)) from error
        try:
            self._set_up()
        except BaseException:
            curses.endwin()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, self._before)  # what comes now acts once the terminal is free
        try:
            self._give_back()
            for number, handler in self._before.items():
                signal.signal(number, handler or signal.SIG_DFL)  # type: ignore[arg-type]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    @property
    def is_cleared(self) -> bool:
        """Whether nothing has been drawn since the terminal was taken, for the first time or again."""
        return not self._drawn

    def size(self) -> Size:
        """The cells there are."""
        height, width = self._screen.getmaxyx()
        return Size(width, height)

    def show(self, lines: Sequence[Line]) -> None:
        """Draws the lines that differ from what is there."""
        screen, drawn = self._screen, self._drawn
        for row, line in enumerate(lines):
            if row < len(drawn) and drawn[row] == line:
                continue
            with suppress(self._curses.error):  # the last cell of the last row cannot be passed, but it is written
                screen.move(row, 0)
                for text, style in line:
                    screen.addstr(text, self._attributes[style])
        self._drawn = list(lines)
        screen.refresh()

    def key(self, seconds: float) -> str | None:
        """The next key by name, None where none comes in time. Raises Ended where the terminal is gone: that reads like
        a key that does not come, only at once, and its signal may be ignored."""
        self._screen.timeout(int(seconds * 1000))
        try:
            key = self._screen.get_wch()
        except self._curses.error:
            with suppress(termios.error):
                termios.tcgetattr(0)
                return None
            raise Ended(signal.SIGHUP) from None
        except OverflowError:  # a byte that is no character
            return None
        if isinstance(key, str):
            return _NAMES.get(key, key)
        name = self._codes.get(key)
        if name == "resize":
            self._curses.update_lines_cols()
            self._redraw()
        return name

    def _set_up(self) -> None:
        curses, screen = self._curses, self._screen
        curses.noecho()
        curses.cbreak()
        screen.keypad(True)
        with suppress(curses.error):
            curses.curs_set(0)
        self._codes = {getattr(curses, name): word for name, word in _CODES.items()}
        self._attributes = {style: 0 for style in Style.__args__}  # type: ignore[attr-defined]
        self._attributes |= {style: getattr(curses, name) for style, name in _MONO.items()}
        if self._has_colour:
            self._start_colours()
        self._modes = termios.tcgetattr(0)
        for number in (*_ENDING, signal.SIGTSTP, *self._ignores):
            self._before[number] = signal.getsignal(number)
            if number in self._ignores:
                signal.signal(number, signal.SIG_IGN)
            elif self._before[number] is not signal.SIG_IGN:
                signal.signal(number, self._suspend if number == signal.SIGTSTP else _end)

    def _start_colours(self) -> None:
        curses = self._curses
        with suppress(curses.error):
            curses.start_color()
            curses.use_default_colors()
            if not curses.has_colors():
                return
            for pair, (style, colour) in enumerate(_COLOURS.items(), 1):
                curses.init_pair(pair, getattr(curses, colour), -1)
                self._attributes[style] = curses.color_pair(pair) | (curses.A_BOLD if style == "bad" else 0)

    def _suspend(self, number: int, _: FrameType | None) -> None:
        """Ctrl-Z: the shell gets its terminal, and this process goes on where it was."""
        self._curses.endwin()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, self._suspend)
        self._redraw()

    def _redraw(self) -> None:
        self._drawn = []
        self._screen.clear()

    def _give_back(self) -> None:
        """Leaves the terminal as it was. Where a shell has it already, because the command that this belongs to was
        killed, its modes are the shell's if somebody has set them since."""
        with suppress(OSError, termios.error, self._curses.error):
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            found = termios.tcgetattr(0)
            self._curses.endwin()
            if found != self._modes and os.tcgetpgrp(0) != os.getpgrp():
                termios.tcsetattr(0, termios.TCSANOW, found)


def _end(number: int, _: FrameType | None) -> None:
    raise Ended(number)
