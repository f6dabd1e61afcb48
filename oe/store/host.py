"""What the store needs of a host: SQLite's version, a folder that can be written, locks. Leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from tempfile import TemporaryFile
from typing import NamedTuple

from oe.store.database import OLDEST_SQLITE

REMOTE_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "glusterfs",
                                 "fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "davfs"})
"""Where locks and SQLite's write-ahead log may not do what they promise (https://www.sqlite.org/wal.html)."""


class Place(NamedTuple):
    """A folder, or the nearest one above it that exists: whether files can be made there, and be locked."""

    existing: str
    fault: str | None
    lock_fault: str | None


def sqlite_is_new_enough() -> bool:
    """Whether this Python's SQLite can hold the store."""
    return sqlite3.sqlite_version_info >= OLDEST_SQLITE


def sqlite_version() -> str:
    """SQLite's version, as this Python was built or linked with it."""
    return sqlite3.sqlite_version


def try_place(folder: str) -> Place:
    """Makes a file without a name in the folder and locks it."""
    existing = os.path.abspath(folder)
    while not os.path.lexists(existing):
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing):
        return Place(existing, "it is no folder", None)
    try:
        with TemporaryFile(dir=existing) as file:
            return Place(existing, None, _lock_fault(file.fileno()))
    except OSError as error:
        return Place(existing, (error.strerror or str(error)).lower(), None)


def _lock_fault(descriptor: int) -> str | None:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return None
