"""Opening the SQLite file: whose it is, its pragmas, its migrations. Knows nothing of what the tables mean."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from types import TracebackType
from typing import Literal

from oe.errors import NotFoundError, StoreError
from oe.store.faults import MOVE_HINT, from_os, from_sqlite, is_busy
from oe.store.portable import PortablePaths
from oe.store.private_files import open_private
from oe.store.statements import read_sql

APPLICATION_ID = 0x6F655F31
"""`oe_1` in the file's header: how a database of ours is told from any other."""

MIGRATIONS = (
    "migrations/0001_runs.sql",
    "migrations/0002_selection.sql",
    "migrations/0003_requests.sql",
    "migrations/0004_charges.sql",
    "migrations/0005_nested.sql",
    "migrations/0006_portable.sql",
)
"""Applied in order; `user_version` counts those that a file has had. One line each, never edited after a release."""

OLDEST_SQLITE = (3, 34, 0)
BUSY_SECONDS = 60.0

Durability = Literal["process", "power"]
_SYNCHRONOUS = {"process": "NORMAL", "power": "FULL"}


def open_database(path: str, *, durability: Durability = "process", read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode to a database with the newest schema, created where it is missing.

    Any number of processes may do this at once. With `read_only` nothing is created or changed, but an older schema is
    brought up to date. Raises StoreError, and NotFoundError for reading what does not exist.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: 3.34 or newer is needed", code="sqlite-too-old",
                         hint="use a Python that is built with a newer SQLite")
    if read_only:
        return _open_to_read(path)
    if not os.path.exists(path):
        _create_empty(path)
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        connection = _connect(path)
        try:
            _prepare(connection, path, durability)
        except sqlite3.Error as error:
            connection.close()
            # The switch to WAL does not wait for other connections as every other statement does.
            if not is_busy(error) or time.monotonic() > deadline:
                raise from_sqlite(path, error) from error
            time.sleep(0.005)
        except BaseException:
            connection.close()
            raise
        else:
            return connection


class Transaction:
    """`with Transaction(connection, path):` all or nothing; faults of SQLite come out as StoreError."""

    __slots__ = ("_connection", "_path")

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self._path = path

    def __enter__(self) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise from_sqlite(self._path, error) from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if error is None:
            try:
                self._connection.execute("COMMIT")
                return
            except sqlite3.Error as failed:
                error = failed
        self._roll_back()
        if isinstance(error, sqlite3.OperationalError | sqlite3.DatabaseError):
            raise from_sqlite(self._path, error) from error

    def _roll_back(self) -> None:
        # SQLite has rolled back by itself where the disk failed, and may then refuse to do it again.
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")


def _open_to_read(path: str) -> sqlite3.Connection:
    if not os.path.exists(path):
        raise NotFoundError(f"there is no database '{path}'", hint="nothing has been run here yet: 'oe run' creates it")
    connection = _connect_to_read(path)
    try:
        version = _identify(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise from_sqlite(path, error) from error
    except BaseException:
        connection.close()
        raise
    if version < len(MIGRATIONS):
        connection.close()
        open_database(path).close()
        connection = _connect_to_read(path)
    return connection


def _connect_to_read(path: str) -> sqlite3.Connection:
    """Reads beside a live writer. In a folder that cannot be written, a database without a write-ahead log has no
    writer, and SQLite must be told that it needs no shared memory (https://www.sqlite.org/wal.html#readonly)."""
    writable = os.access(os.path.dirname(path) or ".", os.W_OK)
    immutable = "" if writable or os.path.exists(path + "-wal") else "&immutable=1"
    return _connect(path, f"file:{_uri_path(path)}?mode=ro{immutable}")


def _connect(path: str, uri: str | None = None) -> sqlite3.Connection:
    """In autocommit mode, for whatever thread. SQLite finds out here that the file may not be opened."""
    try:
        return sqlite3.connect(uri or path, uri=uri is not None, timeout=BUSY_SECONDS, isolation_level=None,
                               check_same_thread=False)
    except sqlite3.Error as error:
        raise from_sqlite(path, error) from error


def _uri_path(path: str) -> str:
    escaped = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return os.path.join(os.getcwd(), escaped)


def _create_empty(path: str) -> None:
    """Makes the file with mode 0600, which SQLite gives to the files beside it too. A file that exists is not opened:
    closing a descriptor of it would drop the locks that SQLite holds in this process."""
    try:
        os.close(open_private(path, os.O_RDWR))
    except OSError as error:
        raise from_os(path, error, doing="create") from error


def _prepare(connection: sqlite3.Connection, path: str, durability: Durability) -> None:
    version = _identify(connection, path)
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[durability]}")
    if version < len(MIGRATIONS):
        _migrate(connection, path)


def _identify(connection: sqlite3.Connection, path: str) -> int:
    """The version of the schema, 0 for an empty file. Raises StoreError for a database that is not ours or newer."""
    connection.execute("BEGIN")
    try:
        application_id, = connection.execute("PRAGMA application_id").fetchone()
        version, = connection.execute("PRAGMA user_version").fetchone()
        tables = connection.execute("PRAGMA schema_version").fetchone()[0]
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")
    if application_id != APPLICATION_ID and (application_id or version or tables):
        raise StoreError(f"database '{path}' was made by another program", code="store-foreign",
                         hint=f"it was left as it is; move it away, or {MOVE_HINT}")
    if version > len(MIGRATIONS):
        raise StoreError(f"database '{path}' has schema {version}, this oe knows up to {len(MIGRATIONS)}",
                         code="store-newer", hint=f"use the newer oe that wrote it, or {MOVE_HINT}")
    return int(version)


def _migrate(connection: sqlite3.Connection, path: str) -> None:
    """Each migration is one transaction; who comes second finds it done."""
    paths = PortablePaths(path)
    connection.create_function("portable", 1, paths.kept, deterministic=True)
    connection.create_function("portable_keys", 1, paths.kept_object, deterministic=True)
    for number, name in enumerate(MIGRATIONS, start=1):
        with Transaction(connection, path):
            if connection.execute("PRAGMA user_version").fetchone()[0] >= number:
                continue
            for statement in _statements(read_sql(name)):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")


def _statements(script: str) -> list[str]:
    """The statements of a script; `executescript` would commit the transaction that surrounds them."""
    statements: list[str] = []
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return statements
