"""`python -m tests.support.capture`: puts the dashboard of a real run, as tmux shows it, into README.md."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.examples import copy_example
from tests.support.program import ROOT, program_in
from tests.support.tmux import Tmux

_BLOCK = re.compile(r"(<!-- python -m tests\.support\.capture -->\n```text\n)(?:.*?\n)??(```\n)", re.S)


def capture() -> str:
    """The screen of `oe run --tui` in the middle of the census."""
    with TemporaryDirectory() as name:
        place = Path(name)
        program = program_in("checkout", place)
        tmux = Tmux(place / "socket", program.environment | {"TERM": "xterm-256color"})
        try:
            pane = tmux.open("readme", copy_example("stdlib-census", place), 80, 20)
            pane.enter(f"{shlex.join(program.command)} run --tui")
            lines = pane.wait(lambda screen: re.search(r"● measures +\[█+░", screen) is not None).splitlines()
            pane.press("C-c")
            pane.wait_for("cancelled r-", "oe resume")
            pane.enter("echo it has en''ded")
            pane.wait_for("it has ended")
            return "".join(f"{line.rstrip()}\n" for line in lines)
        finally:
            tmux.end()


def main() -> None:
    """Writes it."""
    readme = ROOT / "README.md"
    text, count = _BLOCK.subn(lambda found: found[1] + capture() + found[2], readme.read_text(encoding="utf-8"))
    assert count == 1, "README.md has no place for it"
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
