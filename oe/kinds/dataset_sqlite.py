"""Data sets of SQLite databases: one query, opened for reading alone, with bound parameters."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from urllib.parse import quote

from oe.errors import NodeError
from oe.kinds.dataset_file import MOST_BYTES, data_fault, data_place, give
from oe.kinds.dataset_path import DataPath
from oe.lang.template import ValueTemplate
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.text import clip, format_size
from oe.values import Json, kind_of

if TYPE_CHECKING:
    import sqlite3

BUSY_SECONDS = 5.0
STEPS_BETWEEN_LOOKS = 20_000
_VALUE_BYTES = 16

Bound: TypeAlias = "list[None | int | float | str] | dict[str, None | int | float | str]"


class SqliteDataset(NamedTuple):
    """Runs one query per attempt."""

    source: ValueTemplate
    transform: DataPath | None

    async def execute(self, request: Request, context: NodeContext) -> NodeOutput:
        """One attempt, in a thread; cancelled, the query is broken off."""
        source = self.source.resolve(request.scope)
        if not isinstance(source, Mapping):
            raise data_fault("'sqlite' is no object")
        path = source.get("path") or source.get("file")
        if not isinstance(path, str):
            raise data_fault("'sqlite' names no database", "write path: ./data.sqlite")
        query, bound = str(source["query"]), bound_values(source.get("params"))
        place = data_place(path, context.files)
        rows = await context.threads.call(lambda: _query(place, path, query, bound, context),
                                          f"{request.node.id}: {path}")
        return give(rows, self.transform, request.declared)


def bound_values(params: Json) -> Bound:
    """The values for the places `?` or `:name` of a query. Raises NodeError for lists and objects among them."""
    if isinstance(params, Mapping):
        return {name: _scalar(value, f"'{name}'") for name, value in params.items()}
    return [_scalar(value, f"[{index}]") for index, value in enumerate(params if isinstance(params, list) else ())]


def _scalar(value: Json, name: str) -> None | int | float | str:
    if value is None or isinstance(value, str | int | float):
        return value
    raise data_fault(f"parameter {name} of the query is of type {kind_of(value)}", "bind numbers, texts or null")


def _query(place: str, path: str, query: str, bound: Bound, context: NodeContext) -> Json:
    import sqlite3

    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(f"file:{quote(place)}?mode=ro", uri=True, timeout=BUSY_SECONDS,
                                     isolation_level=None)
        connection.set_authorizer(only_reading)
        connection.set_progress_handler(lambda: context.cancelled, STEPS_BETWEEN_LOOKS)
        return read_rows(connection.execute(query, bound), path)
    except sqlite3.Error as error:
        raise sqlite_fault(error, path) from error
    except (sqlite3.Warning, ValueError, OverflowError) as error:  # two statements, a lone surrogate, a huge integer
        raise data_fault(f"the query of '{path}' cannot be run: {str(error).lower().rstrip('.')}") from error
    finally:
        if connection is not None:
            connection.close()


def only_reading(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
    """Reading is allowed, and nothing else: no writes, and no ATTACH, which would open any file of the machine."""
    import sqlite3

    allowed = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE)
    is_function = action == sqlite3.SQLITE_FUNCTION and second != "load_extension"
    return sqlite3.SQLITE_OK if action in allowed or is_function else sqlite3.SQLITE_DENY


def read_rows(cursor: sqlite3.Cursor, path: str, most: int | None = None) -> Json:
    """The rows as objects. Raises NodeError for what is no JSON, for too many bytes, and for more than `most` rows."""
    columns = [str(column[0]) for column in cursor.description or ()]
    for number, name in enumerate(columns):
        if columns.index(name) < number:
            raise data_fault(f"the query of '{path}' gives two columns named '{clip(name, 60)}'", "name one with AS")
    rows: list[Json] = []
    size = 0
    for record in cursor:
        row: dict[str, Json] = {}
        for name, value in zip(columns, record, strict=True):
            if isinstance(value, bytes) or (isinstance(value, float) and not isfinite(value)):
                what = "a blob" if isinstance(value, bytes) else str(value)
                raise data_fault(f"row {len(rows) + 1} of '{path}' holds {what} in column '{clip(name, 60)}', which is "
                                 "no JSON", "write hex(column)" if isinstance(value, bytes) else None)
            size += _VALUE_BYTES + (len(value) if isinstance(value, str) else 0)
            row[name] = value
        if len(rows) == most:
            raise data_fault(f"the query of '{path}' gives more than {most} rows", "add a LIMIT, or raise 'max_rows'")
        rows.append(row)
        if size > MOST_BYTES:
            raise data_fault(f"the query of '{path}' gives more than {format_size(MOST_BYTES)}", "add a LIMIT")
    return rows


def sqlite_fault(error: sqlite3.Error, path: str) -> NodeError:
    """What went wrong, and whether it may go right another time."""
    name = getattr(error, "sqlite_errorname", "")
    text = clip(str(error).lower().rstrip("."), 300)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR")):
        return NodeError(f"database '{path}' cannot be read now: {text}", name="OperationalError", code="database-busy")
    if name.startswith("SQLITE_AUTH") or text == "not authorized":
        return data_fault(f"the query of '{path}' does more than read: {text}", "a data set is one SELECT",
                          "query-writes")
    if name.startswith("SQLITE_NOTADB"):
        return data_fault(f"'{path}' is no SQLite database")
    return data_fault(f"the query of '{path}' failed: {text}")
