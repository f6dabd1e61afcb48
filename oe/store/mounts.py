"""Which kind of file system a path is on."""

from __future__ import annotations

import os
import re

_ESCAPED = re.compile(r"\\([0-7]{3})")


def file_system_of(path: str) -> str | None:
    """The kind of the file system that holds an existing path, as the kernel names it; None where it does not tell."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            mounts = [line.split() for line in file]
    except OSError:
        return None
    real, place, kind = os.path.realpath(path), "", None
    for fields in mounts:
        mounted = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[4])  # space, tab, line feed, backslash
        inside = real == mounted or real.startswith(mounted.rstrip("/") + "/")
        if inside and len(mounted) >= len(place) and "-" in fields:
            place, kind = mounted, fields[fields.index("-") + 1]
    return kind
