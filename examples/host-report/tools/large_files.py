"""Finds the largest files of file systems that are nearly full. Runs only when there are any."""

from __future__ import annotations

import heapq
import os
from collections.abc import Sequence
from typing import Any

from mounts import list_mounts
from probe import Section
from tree_walk import Entry, TreeWalk

_SHOWN = 10


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `large_files`."""
    _, mounts = list_mounts()
    return {"large_files": scan(inputs["mounts"], float(inputs["seconds"]), {mount.shown for mount in mounts})}


def scan(roots: Sequence[str], seconds: float, mounts: set[str]) -> Section:
    """The section. The time is shared by the file systems; one that cannot be read is left out."""
    largest: list[Entry] = []
    complete = True
    for root in roots:
        walk = TreeWalk(root, seconds / len(roots), mounts)
        try:
            largest = heapq.nlargest(_SHOWN, [*largest, *_files(walk)], key=lambda entry: entry.size_bytes)
        except OSError:
            complete = False
        complete = complete and walk.complete
    source = "files on " + ", ".join(roots)
    return {"source": source if complete else f"{source}; stopped after {seconds:g} s, so there may be larger ones",
            "complete": complete,
            "rows": [{"path": os.fsencode(entry.path).decode("utf-8", "backslashreplace"),
                      "size_bytes": entry.size_bytes} for entry in largest]}


def _files(walk: TreeWalk) -> list[Entry]:
    files = (entry for entry in walk if not entry.is_directory)
    return heapq.nlargest(_SHOWN, files, key=lambda entry: entry.size_bytes)
