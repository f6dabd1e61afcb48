"""Collects the biggest directories at the first two levels of a tree, within a time."""

from __future__ import annotations

import heapq
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

from mounts import list_mounts
from probe import Section, not_available
from tree_walk import TreeWalk

_LEVELS = 2
_SHOWN = 12


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `directories`."""
    root, seconds = Path(inputs["root"]), float(inputs["seconds"])
    if not root.is_dir():
        return {"directories": not_available(f"'{root}' is not a directory")}
    _, mounts = list_mounts()
    return {"directories": scan(str(root.resolve()), seconds, {mount.shown for mount in mounts})}


def scan(root: str, seconds: float, mounts: set[str]) -> Section:
    """The section: sizes include everything below a directory on the same file system."""
    walk = TreeWalk(root, seconds, mounts)
    sizes: defaultdict[str, int] = defaultdict(int)
    for entry in walk:
        for directory in _owners(entry.path, root, entry.is_directory):
            sizes[directory] += entry.size_bytes
    biggest = heapq.nlargest(_SHOWN, sizes.items(), key=lambda item: item[1])
    return {"source": _describe(walk, root, seconds), "complete": walk.complete,
            "rows": [{"path": _text(path), "size_bytes": size} for path, size in biggest]}


def _owners(path: str, root: str, is_directory: bool) -> list[str]:
    """The directories at the first levels that an entry belongs to; a directory belongs to itself too."""
    prefix = root.rstrip("/") + "/"
    names = path[len(prefix):].split("/", _LEVELS)
    depth = min(len(names) if is_directory else len(names) - 1, _LEVELS)
    return [prefix + "/".join(names[:level]) for level in range(1, depth + 1)]


def _describe(walk: TreeWalk, root: str, seconds: float) -> str:
    text = f"{walk.count} entries of the file system below '{root}'"
    if walk.unreadable:
        text += f", unreadable directories: {walk.unreadable}"
    return text if walk.complete else f"{text}; stopped after {seconds:g} s, so sizes are 'at least'"


def _text(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
