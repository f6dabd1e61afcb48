"""`--tui`: the dashboard of the run that this command carries out."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from oe.cli.console import Console
from oe.errors import ExitCode, OeError

if TYPE_CHECKING:
    from oe.app.beside import Beside, Line
    from oe.app.watching import Watch
    from oe.tui.top import Heard

_CODES = {signal.SIGHUP: ExitCode.HANGUP, signal.SIGTERM: ExitCode.TERMINATED, signal.SIGQUIT: ExitCode.CANCELLED}


class Dashboard:
    """Shows a run in a process of its own while `is_up`; where there is no terminal for that, it never is."""

    def __init__(self, path: str, data_dir: str | None, console: Console) -> None:
        """Raises OeError where this Python cannot draw."""
        from oe.app.beside import Beside, can_show
        from oe.tui.terminal import leaving, require_curses

        require_curses()
        self.is_up = False
        self._beside: Beside | None = None
        if not (console.is_terminal and can_show(console.environment)):
            console.note("oe: no terminal for --tui; the run is told in lines")
            return

        def work(line: Line) -> NoReturn:
            _show(line, path, data_dir, console)

        console.stderr.flush()
        self.is_up = True
        try:
            self._beside = Beside(work, leaving, self._ended)
        except OSError as error:
            self._ended()
            console.note(f"oe: warning: the dashboard cannot be started: {(error.strerror or str(error)).lower()}")

    def begin(self, run_id: str) -> None:
        """Shows that run."""
        if self._beside is not None:
            self._beside.say(run_id)

    def close(self) -> None:
        """Returns when the terminal is free."""
        if self._beside is not None:
            self._beside.close()
            self._beside = None

    def _ended(self) -> None:
        """In another thread."""
        self.is_up = False


def _show(line: Line, path: str, data_dir: str | None, console: Console) -> NoReturn:
    """The process beside the run's."""
    code = 0
    try:
        _follow(line, path, data_dir, console)
    except OeError as error:
        console.note(f"oe: the dashboard ended: {error.message}")
    except Exception:
        import traceback

        console.note(traceback.format_exc() + "oe: the dashboard ended by a fault of its own, the run goes on")
        code = 70
    finally:
        with suppress(OSError, ValueError):
            console.stderr.flush()
        os._exit(code)


def _follow(line: Line, path: str, data_dir: str | None, console: Console) -> None:
    from oe.app.inspection import open_workspace
    from oe.app.watching import Watch
    from oe.tui.terminal import Ended, NoScreen, Terminal
    from oe.tui.top import Heard, show_run

    told = line.read(block=True)
    if not told or told[0] == "end":
        return
    heard = Heard()

    def listen() -> Heard:
        said = line.read(block=False)
        heard.gone |= said is None
        heard.ended |= bool(said) and "end" in (said or ())
        heard.text = line.last_shown()
        return heard

    with open_workspace(path, data_dir) as workspace:
        watch = Watch(workspace, workspace.find_run(told[0]))
        with suppress(Ended, NoScreen), Terminal(console.environment, (signal.SIGINT,)) as terminal:
            show_run(watch, terminal, listen)
    if heard.gone and not heard.ended:
        os.write(2, line.kept())
        console.note(f"oe: the process of run {told[0]} is gone; `oe resume --run-id {told[0]}` goes on from there")


def show_other(watch: Watch, console: Console, plain: Callable[[], None]) -> None:
    """The dashboard of a run that another process carries out, or of one that is over. `plain` tells of it where there
    is no terminal. Raises OeError where this Python cannot draw."""
    from oe.app.beside import can_show
    from oe.cli.console import is_terminal
    from oe.tui.terminal import Ended, NoScreen, Terminal, require_curses
    from oe.tui.top import show_run

    if not (is_terminal(console.stdin) and is_terminal(console.stdout) and can_show(console.environment)):
        plain()
        return
    require_curses()
    try:
        with Terminal(console.environment) as terminal:
            show_run(watch, terminal)
    except NoScreen as error:
        console.note(f"oe: {error}; the run is told in lines")
        plain()
    except Ended as error:
        sys.stdout.flush()
        raise OeError("ended by a signal", code="cancelled", exit_code=_CODES[signal.Signals(error.number)]) from None
