"""SQLite databases of an experience, as the kinds that put statements to them have them: opened for one statement,
which its attempt's end breaks off, and rows as bounded JSON. What a statement may do is the kind's to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote

from oe.errors import NodeError
from oe.kinds.dataset_file import MOST_BYTES, data_fault
from oe.ports.files import Files
from oe.ports.kind import NodeContext
from oe.spec.file_rules import find_file_flaw
from oe.text import clip, format_size
from oe.values import Json, kind_of

if TYPE_CHECKING:
    import sqlite3

BUSY_SECONDS = 5.0
_STEPS_BETWEEN_LOOKS = 20_000
_VALUE_BYTES = 16

Bound: TypeAlias = "list[None | int | float | str] | dict[str, None | int | float | str]"


def database_place(path: Json, files: Files) -> str:
    """The absolute path of a database, which must be there. Raises NodeError."""
    if not isinstance(path, str):
        raise data_fault(f"the path of the database is of type {kind_of(path)}")
    flaw = find_file_flaw(files, path)
    if flaw is not None:
        raise data_fault(flaw.message, flaw.hint, flaw.code)
    return files.absolute(path)


def bound_values(params: Json) -> Bound:
    """The values for the places `?` or `:name` of a statement. Raises NodeError for lists and objects among them."""
    if isinstance(params, Mapping):
        return {name: _scalar(value, f"'{name}'") for name, value in params.items()}
    return [_scalar(value, f"[{index}]") for index, value in enumerate(params if isinstance(params, list) else ())]


def _scalar(value: Json, name: str) -> None | int | float | str:
    if value is None or isinstance(value, str | int | float):
        return value
    raise data_fault(f"parameter {name} of the query is of type {kind_of(value)}", "bind numbers, texts or null")


@contextmanager
def opened(place: str, path: str, context: NodeContext, advice: str, *,
           writes: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection in autocommit mode to the database at `place`, which messages call `path`. It is closed at the end,
    which takes back what has not been committed. Faults of SQLite come out as NodeError; `advice` is the hint where the
    kind's authorizer has refused something."""
    import sqlite3

    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(f"file:{quote(place)}?mode={'rw' if writes else 'ro'}", uri=True,
                                     timeout=BUSY_SECONDS, isolation_level=None)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_BYTES)  # one value could fill the memory otherwise
        connection.set_progress_handler(lambda: context.cancelled, _STEPS_BETWEEN_LOOKS)
        yield connection
    except sqlite3.Error as error:
        raise _fault(error, path, advice) from error
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


def read_rows(cursor: sqlite3.Cursor, path: str, most: int | None = None) -> list[Json]:
    """The rows as objects. Raises NodeError for what is no JSON, for too many bytes, and for more than `most` rows."""
    columns = [str(column[0]) for column in cursor.description or ()]
    for number, name in enumerate(columns):
        if columns.index(name) < number:
            raise data_fault(f"the query of '{path}' gives two columns named '{clip(name, 60)}'", "name one with AS")
    rows: list[Json] = []
    size = 0
    for record in cursor:
        if len(rows) == most:
            raise data_fault(f"the query of '{path}' gives more than {most} rows", "add a LIMIT, or raise 'max_rows'")
        row: dict[str, Json] = {}
        for name, value in zip(columns, record, strict=True):
            if isinstance(value, bytes) or (isinstance(value, float) and not isfinite(value)):
                what = "a blob" if isinstance(value, bytes) else str(value)
                raise data_fault(f"row {len(rows) + 1} of '{path}' holds {what} in column '{clip(name, 60)}', which is "
                                 "no JSON", "write hex(column)" if isinstance(value, bytes) else None)
            size += _VALUE_BYTES + (len(value) if isinstance(value, str) else 0)
            row[name] = value
        rows.append(row)
        if size > MOST_BYTES:
            raise data_fault(f"the query of '{path}' gives more than {format_size(MOST_BYTES)}", "add a LIMIT")
    return rows


def _fault(error: sqlite3.Error, path: str, advice: str) -> NodeError:
    """What went wrong, and whether it may go right another time."""
    name = getattr(error, "sqlite_errorname", "")
    text = clip(str(error).lower().rstrip("."), 300)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR")):
        return NodeError(f"database '{path}' cannot be used now: {text}", name="OperationalError", code="database-busy")
    if name.startswith("SQLITE_AUTH") or text == "not authorized":
        return data_fault(f"the query of '{path}' does more than it may: {text}", advice, "query-writes")
    if name.startswith("SQLITE_NOTADB"):
        return data_fault(f"'{path}' is no SQLite database")
    return data_fault(f"the query of '{path}' failed: {text}")
