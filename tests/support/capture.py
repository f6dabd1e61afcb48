"""`python -m tests.support.capture`: draws what README.md shows, from real runs: the dashboard as tmux has it on its screen,
and a report as Chromium shows it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from tempfile import TemporaryDirectory

from oe.errors import ExitCode
from tests.support.browser import browser
from tests.support.examples import copy_example
from tests.support.program import ROOT, program_in
from tests.support.software import debian_program
from tests.support.terminal_picture import picture
from tests.support.tmux import Tmux

IMAGES = ROOT / "docs" / "images"
_COLUMNS, _LINES = 80, 22
_WIDTH = 1080


def dashboard() -> str:
    """An SVG drawing of `oe run --tui` in the middle of the census."""
    with TemporaryDirectory() as name:
        place = Path(name)
        program = program_in("checkout", place)
        tmux = Tmux(place / "socket", program.environment | {"TERM": "xterm-256color"})
        try:
            pane = tmux.open("readme", copy_example("stdlib-census", place), _COLUMNS, _LINES)
            pane.enter(f"{shlex.join(program.command)} run --tui")
            pane.wait(lambda screen: re.search(r"● measures +\[███+░", screen) is not None)
            screen = pane.screen(colours=True)
            pane.press("C-c")
            pane.wait_for("cancelled r-", "oe resume")
            pane.enter("echo it has en''ded")
            pane.wait_for("it has ended")
            return picture(screen, _COLUMNS)
        finally:
            tmux.end()


def report(file: Path) -> None:
    """A PNG of the upper part of a report: `release-gates` with the package that must not be released."""
    with TemporaryDirectory() as name:
        place = Path(name)
        program = program_in("checkout", place)
        folder = copy_example("release-gates", place)
        assert program.run("run", "--quiet", "--arg", "package=sample-bad", cwd=folder).exit_code == ExitCode.PARTIAL
        assert program.run("inspect", "--html", place / "report.html", cwd=folder).exit_code == ExitCode.SUCCESS
        with browser(debian_program("chromium"), place / "profile") as page:
            page.open(place / "report.html", width=_WIDTH)
            height = page.evaluate("document.querySelector('#timeline').getBoundingClientRect().bottom + 16")
            page.screenshot(file, size=(_WIDTH, int(height)))


def main() -> None:
    """Writes both."""
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / "dashboard.svg").write_text(dashboard(), encoding="utf-8")
    report(IMAGES / "report.png")


if __name__ == "__main__":
    main()
