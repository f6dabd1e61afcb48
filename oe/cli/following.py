"""`--follow`: waiting between two looks at what grows, and telling what models say meanwhile."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from oe.cli.console import Console
from oe.render.streams import fresh_text, stream_line, stream_status, stream_tails
from oe.render.tree import screenful

if TYPE_CHECKING:
    from oe.state.snapshot import Snapshot

_SECONDS = 0.2


def wait(console: Console) -> None:
    """Hands over what has been written and waits for a fifth of a second."""
    console.stdout.flush()
    time.sleep(_SECONDS)


class Streams:
    """Tells what models stream to a live run between its events: on a terminal in one line that is rewritten, elsewhere
    in a line for what is new. `read_live` gives what the run's owner has told last, and its age."""

    def __init__(self, read_live: Callable[[], tuple[Snapshot, float] | None], console: Console) -> None:
        self._read_live = read_live
        self._console = console
        self._is_rewritten = console.is_result_rewritable
        self._tails: dict[str, str] = {}
        self._drawn = False

    def wait(self) -> None:
        """Tells what has come, then waits."""
        found = self._read_live()
        tails = {} if found is None else dict(stream_tails(found[0]))
        changed = [slot for slot, tail in tails.items() if tail != self._tails.get(slot)]
        if found is not None and not self._is_rewritten:
            for slot in changed:
                text = fresh_text(self._tails.get(slot, ""), tails[slot])
                self._console.result(stream_line(slot, text, found[0].taken_at))
        elif changed:
            width = shutil.get_terminal_size().columns - 1
            self._console.stdout.write("\r\x1b[K" + stream_status(changed[-1], tails[changed[-1]], width))
            self._drawn = True
        self._tails = tails
        wait(self._console)

    def clear(self) -> None:
        """Takes the line away, before another is written in its place."""
        if self._drawn:
            self._console.stdout.write("\r\x1b[K")
            self._drawn = False


class Redrawn:
    """A text that is shown again and again: in one place on a terminal that can, elsewhere one below the other."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._drawn = 0

    def room(self) -> int | None:
        """How many lines the terminal has for a text that is not the last one; None where that does not matter."""
        return max(3, shutil.get_terminal_size().lines - 1) if self._console.is_result_rewritable else None

    def show(self, text: str, *, is_last: bool) -> None:
        """Shows the text in the place of the one before. What has more lines than the terminal cannot be taken away
        again, so only the last text is shown whole."""
        if not self._console.is_result_rewritable:
            self._console.result(("\n" if self._drawn else "") + text)
            self._drawn = 1
            return
        above = f"\x1b[{self._drawn}A\x1b[J" if self._drawn else ""
        lines = text.splitlines() if is_last else screenful(text.splitlines(), shutil.get_terminal_size())
        self._drawn = len(lines)
        self._console.result(above + "\n".join(lines))
