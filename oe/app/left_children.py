"""Programs that code in this process has started by itself and that go on at the end of a run. They are only named:
where `oe` is a library, they may be somebody else's."""

from __future__ import annotations

import os
from contextlib import suppress

_MOST = 100


def living_children() -> dict[int, str]:
    """The living children of this process by pid, with the names of their programs; none where there is no /proc. What
    a child has started in turn is not found once that child has ended."""
    found: dict[int, str] = {}
    with suppress(OSError):
        for thread in os.listdir("/proc/self/task"):
            for pid in _read(f"/proc/self/task/{thread}/children").split()[:_MOST]:
                before, _, after = _read(f"/proc/{pid}/stat").rpartition(")")
                if before and not after.startswith(" Z"):
                    found[int(pid)] = before.partition("(")[2]
    return found


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:  # it has ended meanwhile
        return ""
