"""Where threads are in their code, as lines for people. Looks, and touches nothing."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from types import FrameType

MOST_THREADS = 20
_MOST_FRAMES = 6
_PACKAGE = __name__.partition(".")[0] + "."


def stack_lines(busy: Mapping[int, str]) -> list[str]:
    """The innermost frames of the threads that carry out calls, and of the event loop's (the main thread) unless it
    waits for something to do."""
    frames = sys._current_frames()
    main = threading.main_thread().ident
    at_work = main in frames and frames[main].f_globals.get("__name__") != "selectors"
    wanted = {main: "the event loop"} if main is not None and at_work else {}
    wanted |= busy
    lines: list[str] = []
    for ident in list(wanted)[:MOST_THREADS]:
        frame = frames.get(ident)
        shown = list(_frame_lines(frame)) if frame is not None else []
        if shown:
            lines += [f"stack of {wanted[ident]}, innermost last:", *shown]
    if len(wanted) > MOST_THREADS:
        lines.append(f"... {len(wanted) - MOST_THREADS} more threads")
    return lines


def _frame_lines(innermost: FrameType) -> Iterator[str]:
    """The frames of the code that was called, without the machinery of ours that called it, if there is any."""
    from linecache import getline

    found: list[FrameType] = []
    frame: FrameType | None = innermost
    while frame is not None and len(found) < _MOST_FRAMES:
        if str(frame.f_globals.get("__name__", "")).startswith(_PACKAGE) and found:
            break
        found.append(frame)
        frame = frame.f_back
    for each in reversed(found):
        code = each.f_code
        line = getline(code.co_filename, each.f_lineno or 0, each.f_globals).strip()
        where = f"  {code.co_filename}:{each.f_lineno} in {code.co_name}"
        yield f"{where}: {line}" if line else where
