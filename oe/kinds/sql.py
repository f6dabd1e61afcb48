"""The kind `sql`: one statement on an SQLite database of the experience, which it changes only with `effects`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from oe.diagnostics import Problem
from oe.digests import Part
from oe.errors import NodeError, OeError
from oe.kinds.dataset_sqlite import (
    BUSY_SECONDS,
    STEPS_BETWEEN_LOOKS,
    Bound,
    bound_values,
    only_reading,
    read_rows,
    sqlite_fault,
)
from oe.kinds.text_files import as_node_error
from oe.lang.document import Path
from oe.lang.reference import Reference
from oe.lang.scope import Scope
from oe.lang.template import ValueTemplate, compile_value, value_problems
from oe.ports.files import Files
from oe.ports.kind import Executor, NodeContext, NodeOutput, Request
from oe.spec.file_rules import find_file_flaw
from oe.spec.keys import Key
from oe.spec.model import Experience, Node, TaskKind
from oe.text import clip
from oe.values import Json

if TYPE_CHECKING:
    import sqlite3

_OWN_FOLDER = "/.openexpertise/"
_TEMPLATES = ("database", "params")


class SqlKind:
    """Values reach a statement as bound parameters only. What it gives goes into the single field in `writes` and along
    the edges: a list of objects, or the number of changed rows where the statement gives none."""

    name = "sql"
    task_kind: TaskKind = "io"
    keys: tuple[Key, ...] = (
        Key("database", {"type": "string", "minLength": 1, "title": "the path of a file of the experience"},
            "An SQLite database, as a path or a reference to one. It must be there.", required=True),
        Key("statement", {"type": "string", "minLength": 1, "title": "a text"},
            "One SQL statement, or the path of a `.sql` file that holds one. It may change the database only where the "
            "node says `effects: true`, and then does so in one transaction.", required=True),
        Key("params", {"type": ["array", "object"], "title": "a list or an object"},
            "Values or references that are bound to its `?` or `:name`, and never become part of its text."),
        Key("max_rows", {"type": "integer", "minimum": 1, "maximum": 1_000_000}, "More rows than these are a failure.",
            default=10_000),
    )
    cached_by_default = False
    is_nested = False

    def is_cached_by_default(self, node: Node) -> bool:
        """A database is not known by its contents."""
        return False

    def check(self, node: Node, experience: Experience, files: Files) -> Iterator[Problem]:
        """Missing files, a statement that data would choose or be filled into."""
        def problem(code: str, message: str, *steps: str | int, hint: str | None = None) -> Problem:
            return Problem(code, message, experience.document.span((*node.path, *steps)), hint)

        for key in _TEMPLATES:
            for error in value_problems(node.options.get(key)):
                yield problem(error.code, error.message, key, *error.path, hint=error.hint)
        statement, database = str(node.options["statement"]), str(node.options["database"])
        named = {"statement": statement if _is_file(statement) else "", "database": database}
        for key, path in named.items():
            flaw = find_file_flaw(files, path) if path and not _is_reference(path) else None
            if flaw is not None:
                yield problem(flaw.code, flaw.message, key, hint=flaw.hint)
        if _is_reference(statement):
            yield problem("query-reference", "a statement is fixed: a reference cannot choose it", "statement",
                          hint="write the statement, and references in 'params'")
        elif "{{" in statement:
            yield problem("query-reference", "nothing is filled into the text of a statement", "statement",
                          hint="write ? or :name in its place, and the reference in 'params'")
        if len(node.writes) > 1:
            yield problem("dataset-fields", f"a statement fills one field, and 'writes' names {len(node.writes)}",
                          "writes")

    def references(self, node: Node) -> Iterable[tuple[Path, Reference]]:
        """The references in `database` and `params`, each with its path from the node."""
        return [((key, *path), reference) for key in _TEMPLATES if node.options.get(key) is not None
                for path, reference in compile_value(node.options[key]).references()]

    def uses_index(self, node: Node, files: Files) -> bool:
        """See NodeKind: only by reference."""
        return False

    def materials(self, node: Node, scope: Scope, files: Files) -> Mapping[str, Part]:
        """The file of the statement, if it has one. `inputs` may name the database."""
        statement = str(node.options["statement"])
        return {statement: files.digest(statement)} if _is_file(statement) else {}

    def prepare(self, node: Node, files: Files) -> Executor:
        """Raises NodeError where the statement's file is missing or no text."""
        statement = str(node.options["statement"])
        if _is_file(statement):
            try:
                statement = files.read_bytes(statement).decode("utf-8-sig")
            except OeError as error:
                raise as_node_error(error) from error
            except UnicodeDecodeError as error:
                raise _fault(f"'{node.options['statement']}' is no UTF-8: byte {error.start}") from error
        return _Statement(statement, compile_value(node.options["database"]), compile_value(node.options.get("params")),
                          int(str(node.options["max_rows"])), node.effects)


class _Statement(NamedTuple):
    """Runs one statement per attempt, on a connection of its own."""

    text: str
    database: ValueTemplate
    params: ValueTemplate
    max_rows: int
    writes: bool

    async def execute(self, request: Request, context: NodeContext) -> NodeOutput:
        """One attempt, in a thread; cancelled, the statement is broken off and what it changed is taken back."""
        path = self.database.resolve(request.scope)
        if not isinstance(path, str):
            raise _fault("'database' is no path")
        bound = bound_values(self.params.resolve(request.scope))
        place = self._place(path, context.files)
        value = await context.threads.call(lambda: self._run(place, path, bound, context), f"{request.node.id}: {path}")
        return NodeOutput({request.declared[0]: value} if request.declared else {}, value)

    def _place(self, path: str, files: Files) -> str:
        flaw = find_file_flaw(files, path)
        if flaw is not None:
            raise _fault(flaw.message, flaw.hint, flaw.code)
        place = files.absolute(path)
        if self.writes and _OWN_FOLDER in place:
            raise _fault(f"'{clip(path, 200)}' belongs to oe, which alone changes it", code="path-outside")
        return place

    def _run(self, place: str, path: str, bound: Bound, context: NodeContext) -> Json:
        import sqlite3

        connection: sqlite3.Connection | None = None
        try:
            mode = "rw" if self.writes else "ro"
            connection = sqlite3.connect(f"file:{quote(place)}?mode={mode}", uri=True, timeout=BUSY_SECONDS,
                                         isolation_level=None)
            connection.set_progress_handler(lambda: context.cancelled, STEPS_BETWEEN_LOOKS)
            if self.writes:
                return self._change(connection, path, bound, context)
            return self._read(connection, path, bound)
        except sqlite3.Error as error:
            fault = sqlite_fault(error, path)
            if fault.code == "query-writes":
                raise _refused(path, writes=self.writes) from error
            raise fault from error
        except (sqlite3.Warning, ValueError, OverflowError) as error:  # two statements, a lone surrogate
            raise _fault(f"the statement on '{path}' cannot be run: {str(error).lower().rstrip('.')}") from error
        finally:
            if connection is not None:
                connection.close()  # which takes back what has not been committed

    def _read(self, connection: sqlite3.Connection, path: str, bound: Bound) -> Json:
        connection.set_authorizer(only_reading)
        return read_rows(connection.execute(self.text, bound), path, self.max_rows)

    def _change(self, connection: sqlite3.Connection, path: str, bound: Bound, context: NodeContext) -> Json:
        """One transaction. It may be committed just before a kill that the run does not know of: then the attempt is
        made again when the run is resumed."""
        connection.execute("BEGIN IMMEDIATE")
        connection.set_authorizer(_within_transaction)
        cursor = connection.execute(self.text, bound)
        value: Json = {"changes": max(0, cursor.rowcount)}
        if cursor.description is not None:
            value = read_rows(cursor, path, self.max_rows)
        if context.cancelled:
            raise NodeError("cancelled before its changes were committed", name="CancelledError", retryable=False)
        connection.set_authorizer(None)
        connection.execute("COMMIT")
        return value


def _within_transaction(action: int, first: str | None, second: str | None, database: str | None,
                        trigger: str | None) -> int:
    """Whatever stays in this database and this transaction: no ATTACH, which would open any file of the machine, no
    PRAGMA, no COMMIT of its own, no virtual tables, whose modules may do anything, no loading of code."""
    import sqlite3

    refused = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA, sqlite3.SQLITE_TRANSACTION,
               sqlite3.SQLITE_SAVEPOINT, sqlite3.SQLITE_CREATE_VTABLE, sqlite3.SQLITE_DROP_VTABLE)
    is_loading = action == sqlite3.SQLITE_FUNCTION and second == "load_extension"
    return sqlite3.SQLITE_DENY if action in refused or is_loading else sqlite3.SQLITE_OK


def _refused(path: str, *, writes: bool) -> NodeError:
    if writes:
        return _fault(f"the statement on '{path}' does more than read and change this database",
                      "attach, pragma and transactions of its own are not allowed", "query-writes")
    return _fault(f"the statement on '{path}' does more than read",
                  "say effects: true where it is to change the database", "query-writes")


def _fault(message: str, hint: str | None = None, code: str = "bad-data") -> NodeError:
    return NodeError(message, name="SqlError", retryable=False, hint=hint, code=code)


def _is_file(statement: str) -> bool:
    return statement.endswith(".sql") and not any(map(str.isspace, statement)) and not _is_reference(statement)


def _is_reference(text: str) -> bool:
    return text.startswith("$") and not text.startswith("$$")
