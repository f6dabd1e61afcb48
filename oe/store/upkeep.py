"""The database as something that takes up room: how much a run holds, and giving freed pages back to the disk."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import NamedTuple

from oe.ports.store import Owner
from oe.store.database import open_database
from oe.store.faults import from_sqlite, is_busy, primary_code
from oe.store.rows import STRETCH
from oe.store.statements import load_statements

_WASTE = 0.25
"""Share of free pages from which rewriting the file pays: it costs as much as what is left in it."""

_PATIENCE_MS = 2000
_NO_ROOM = 13


class Pages(NamedTuple):
    """How much of the database is used, in bytes; `free` is part of `whole`."""

    whole: int
    free: int


class Upkeep:
    """A connection of its own beside the store's. Close it, or use it in a `with` statement."""

    def __init__(self, path: str, *, read_only: bool = False) -> None:
        self._path = path
        self._sql = load_statements("upkeep.sql")
        self._connection = open_database(path, read_only=read_only)

    def __enter__(self) -> Upkeep:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def run_ids(self) -> set[str]:
        """Every run of the database, of whatever experience."""
        return {str(row[0]) for row in self._read("run_ids", {})}

    def running(self) -> list[tuple[str, Owner]]:
        """The runs that are on record as going on, with their owners."""
        rows = self._read("running", {})
        return [(str(name), Owner(str(host), int(str(pid)), int(str(start)))) for name, host, pid, start in rows]

    def size_of(self, run_id: str) -> int:
        """About how many bytes of the database a run takes up; 0 for one that is not there."""
        rows = self._read("size_of_run", {"run_id": run_id, "stretch": STRETCH})
        return int(str(rows[0][0])) if rows else 0

    def pages(self) -> Pages:
        """How full the file is."""
        size, whole, free = (int(self._pragma(name)) for name in ("page_size", "page_count", "freelist_count"))
        return Pages(size * whole, size * free)

    def shrink(self) -> bool:
        """Rewrites the file without its free pages, where that pays; whether it did. Others wait meanwhile; one that is
        in the way for long, or a disk without room for the copy, puts it off to the next time."""
        pages = self.pages()
        if pages.free < pages.whole * _WASTE:
            return False
        try:
            self._connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
            self._keep_temporary_files_beside()
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            if is_busy(error) or primary_code(error) == _NO_ROOM:
                return False
            raise from_sqlite(self._path, error) from error
        return True

    def _keep_temporary_files_beside(self) -> None:
        """The copy is written to the data folder, not to a shared one such as /tmp. A SQLite that does not know this
        pragma ignores it."""
        folder = os.path.dirname(os.path.abspath(self._path)).replace("'", "''")
        with suppress(UnicodeEncodeError):  # a folder whose name is no text
            self._connection.execute(f"PRAGMA temp_store_directory = '{folder}'")

    def _pragma(self, name: str) -> str:
        try:
            return str(self._connection.execute(f"PRAGMA {name}").fetchone()[0])
        except sqlite3.Error as error:
            raise from_sqlite(self._path, error) from error

    def _read(self, name: str, parameters: dict[str, object]) -> list[tuple[object, ...]]:
        try:
            return self._connection.execute(self._sql[name], parameters).fetchall()
        except sqlite3.Error as error:
            raise from_sqlite(self._path, error) from error
