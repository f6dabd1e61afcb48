"""What SQLite and the file system report, as sentences with a next step."""

from __future__ import annotations

import errno
import os
import sqlite3

from oe.errors import StoreError

MOVE_HINT = "choose another place with --data-dir or OE_DATA_DIR"

_LOCKED = "another process has held it for too long: see 'oe runs', end that process, and try again"
_FULL = f"free some space, then 'oe resume' continues from what was committed; or {MOVE_HINT}"
_CORRUPT = ("nothing was changed: keep the file, try 'sqlite3 FILE .recover' or a backup, "
            "or move it away to start anew")

_SQLITE_FAULTS = {
    5: ("store-locked", "is locked", _LOCKED),
    6: ("store-locked", "is locked", _LOCKED),
    8: ("store-read-only", "cannot be written", f"make it writable, or {MOVE_HINT}"),
    10: ("store-io", "could not be read or written", f"check the disk and its free space, or {MOVE_HINT}"),
    11: ("store-corrupt", "is damaged", _CORRUPT),
    13: ("store-full", "has no room left on its disk", _FULL),
    14: ("store-cannot-open", "cannot be opened", f"check that the folder is there and yours to write, or {MOVE_HINT}"),
    15: ("store-locked", "cannot be locked on this file system", f"network file systems may not lock; {MOVE_HINT}"),
    26: ("store-corrupt", "is not a SQLite database", _CORRUPT),
}
"""Primary result code -> code, what happened, hint (https://www.sqlite.org/rescode.html)."""

_OS_FAULTS = {
    errno.ENOSPC: ("store-full", "no room left on the disk", _FULL),
    errno.EDQUOT: ("store-full", "the disk quota is spent", _FULL),
    errno.EFBIG: ("store-full", "the file may not grow further", _FULL),
    errno.EROFS: ("store-read-only", "the file system is read-only", f"{MOVE_HINT}"),
    errno.EACCES: ("store-read-only", "permission denied", f"make it writable, or {MOVE_HINT}"),
    errno.EPERM: ("store-read-only", "permission denied", f"make it writable, or {MOVE_HINT}"),
    errno.ENOTDIR: ("store-cannot-open", "a part of the path is a file", f"{MOVE_HINT}"),
    errno.EEXIST: ("store-cannot-open", "there is a file of that name", f"{MOVE_HINT}"),
    errno.ENAMETOOLONG: ("store-cannot-open", "the path is too long", f"{MOVE_HINT}"),
}


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code, or 0 for an error of the sqlite3 module itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection stood in the way."""
    return primary_code(error) in {5, 6}


def from_sqlite(path: str, error: sqlite3.Error) -> StoreError:
    """The fault as the user should see it: which file, what, and what to do."""
    code, what, hint = _SQLITE_FAULTS.get(primary_code(error), ("store", "failed", None))
    return StoreError(f"database '{path}' {what} ({error})", code=code, hint=hint)


def from_os(path: str, error: OSError, *, doing: str) -> StoreError:
    """A file system's fault; `doing` is what was tried, as in `cannot create '/data': no room left on the disk`."""
    fallback = os.strerror(error.errno).lower() if error.errno else str(error)
    code, what, hint = _OS_FAULTS.get(error.errno or 0, ("store-io", fallback, MOVE_HINT))
    return StoreError(f"cannot {doing} '{path}': {what}", code=code, hint=hint)
