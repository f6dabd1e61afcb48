"""Finds the largest files of one file system. Runs only for those that are nearly full."""

from __future__ import annotations

import heapq
import os
from typing import Any

from mounts import list_mounts
from probe import Section, not_available
from tree_walk import Entry, TreeWalk

_SHOWN = 10


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Adds a section to `large_files`."""
    _, mounts = list_mounts()
    root = inputs["mount"]
    return {"large_files": [{"mount": root} | scan(root, float(inputs["seconds"]), {mount.shown for mount in mounts})]}


def scan(root: str, seconds: float, mounts: set[str]) -> Section:
    """The section: the files that take most on disk, as far as the time is enough to see them."""
    walk = TreeWalk(root, seconds, mounts)
    try:
        largest = _files(walk)
    except OSError as error:
        return not_available(f"'{root}': {(error.strerror or str(error)).lower()}")
    source = f"{walk.count} entries of the file system"
    if not walk.complete:
        source += f"; stopped after {seconds:g} s, so there may be larger ones"
    return {"source": source, "complete": walk.complete,
            "rows": [{"path": os.fsencode(entry.path).decode("utf-8", "backslashreplace"),
                      "size_bytes": entry.size_bytes} for entry in largest]}


def _files(walk: TreeWalk) -> list[Entry]:
    files = (entry for entry in walk if not entry.is_directory)
    return heapq.nlargest(_SHOWN, files, key=lambda entry: entry.size_bytes)
