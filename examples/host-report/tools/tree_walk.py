"""Walks a directory tree breadth first, within a time: what is not reached is spread over the whole tree."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Collection, Iterator
from typing import NamedTuple


class Entry(NamedTuple):
    """A file or directory: its path, and the bytes it takes on disk (as `du` counts them, hard links once)."""

    path: str
    size_bytes: int
    is_directory: bool


class TreeWalk:
    """Iterates over the entries below `root` on its file system, without following links or entering `mounts`.

    Afterwards `complete` tells whether the time was enough, `count` how many entries there were, and `unreadable` how
    many directories could not be listed.
    """

    def __init__(self, root: str, seconds: float, mounts: Collection[str]) -> None:
        self.complete = True
        self.count = 0
        self.unreadable = 0
        self._root = root
        self._deadline = time.monotonic() + seconds
        self._mounts = frozenset(mounts)
        self._linked: set[int] = set()

    def __iter__(self) -> Iterator[Entry]:
        device = os.lstat(self._root).st_dev
        waiting = deque([self._root])
        while waiting and self.complete:
            for entry in self._list(waiting.popleft(), device):
                if entry.is_directory:
                    waiting.append(entry.path)
                yield entry
                if self._is_late():
                    self.complete = False
                    return

    def _list(self, directory: str, device: int) -> Iterator[Entry]:
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    # A mount point is left out by name: asking a dead file system for its status never ends.
                    if entry.path not in self._mounts:
                        yield from self._measure(entry, device)
        except OSError:
            self.unreadable += 1

    def _measure(self, entry: os.DirEntry[str], device: int) -> Iterator[Entry]:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return  # gone since it was listed
        is_directory = entry.is_dir(follow_symlinks=False)
        if status.st_dev != device or (not is_directory and self._was_counted(status)):
            return
        yield Entry(entry.path, status.st_blocks * 512, is_directory)

    def _was_counted(self, status: os.stat_result) -> bool:
        if status.st_nlink == 1:
            return False
        known = status.st_ino in self._linked
        self._linked.add(status.st_ino)
        return known

    def _is_late(self) -> bool:
        self.count += 1
        return time.monotonic() > self._deadline
