"""The kind `sql`: one statement on an SQLite database of the experience, which it changes only with `effects`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from oe.diagnostics import Problem
from oe.digests import Part
from oe.errors import NodeError, OeError
from oe.kinds.databases import Bound, bound_values, database_place, only_reading, opened, read_rows
from oe.kinds.dataset_file import data_fault, give
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

_TEMPLATES = ("database", "params")
_FIRST_WORD = re.compile(r"(?:\s|--[^\n]*|/\*.*?(?:\*/|\Z))*(\w*)", re.DOTALL)
_CHANGING = frozenset({"INSERT", "REPLACE", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER"})
_OF_OE = 0x6F655F31
"""`oe_1` in the header of a database: it is one of oe's own (store/database.py)."""


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
        return self.cached_by_default

    def check(self, node: Node, experience: Experience, files: Files) -> Iterator[Problem]:
        """Missing files, a statement that data would choose or be filled into, one that changes without `effects`."""
        def problem(code: str, message: str, *steps: str | int, hint: str | None = None) -> Problem:
            return Problem(code, message, experience.document.span((*node.path, *steps)), hint)

        for key in _TEMPLATES:
            for error in value_problems(node.options.get(key)):
                yield problem(error.code, error.message, key, *error.path, hint=error.hint)
        statement, database = str(node.options["statement"]), str(node.options["database"])
        named = {"statement": statement if _is_file(statement) else "", "database": database}
        flaws = {key: find_file_flaw(files, path) for key, path in named.items() if path and not _is_reference(path)}
        for key, flaw in flaws.items():
            if flaw is not None:
                yield problem(flaw.code, flaw.message, key, hint=flaw.hint)
        if _is_reference(statement):
            yield problem("query-reference", "a statement is fixed: a reference cannot choose it", "statement",
                          hint="write the statement, and references in 'params'")
        elif "{{" in statement:
            yield problem("query-reference", "nothing is filled into the text of a statement", "statement",
                          hint="write ? or :name in its place, and the reference in 'params'")
        elif flaws.get("statement") is None:
            for code, message, hint in _text_problems(node, files):
                yield problem(code, message, "statement", hint=hint)
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
        return _Statement(_text(node, files), compile_value(node.options["database"]),
                          compile_value(node.options.get("params")), int(str(node.options["max_rows"])), node.effects)


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
        place = database_place(path, context.files)
        bound = bound_values(self.params.resolve(request.scope))
        carry_out = self._change if self.writes else self._read
        value = await context.threads.call(lambda: carry_out(place, str(path), bound, context),
                                           f"{request.node.id}: {path}")
        return give(value, None, request.declared)

    def _read(self, place: str, path: str, bound: Bound, context: NodeContext) -> Json:
        with opened(place, path, context, "say effects: true where it is to change the database") as database:
            database.set_authorizer(only_reading)
            return read_rows(database.execute(self.text, bound), path, self.max_rows)

    def _change(self, place: str, path: str, bound: Bound, context: NodeContext) -> Json:
        """One transaction. A kill or a time limit may end the attempt just after its commit: then the run does not know
        of it, and the attempt may be made again."""
        advice = "attach, pragma, virtual tables and transactions of its own are not allowed"
        with opened(place, path, context, advice, writes=True) as database:
            database.execute("BEGIN IMMEDIATE")
            if database.execute("PRAGMA application_id").fetchone() == (_OF_OE,):
                raise data_fault(f"'{clip(path, 200)}' belongs to oe, which alone changes it", code="path-outside")
            database.set_authorizer(_within_transaction)
            cursor = database.execute(self.text, bound)
            value: Json
            if cursor.description is not None:
                value = read_rows(cursor, path, self.max_rows)
            else:  # rowcount is -1 where the statement begins with WITH
                value = {"changes": database.execute("SELECT changes()").fetchone()[0]}
            if context.cancelled:
                raise NodeError("cancelled before its changes were committed", name="CancelledError", retryable=False)
            database.set_authorizer(None)
            database.execute("COMMIT")
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


def _text_problems(node: Node, files: Files) -> Iterator[tuple[str, str, str | None]]:
    """What the first word of a statement tells: code, message, hint. What `WITH` begins is known when it is run."""
    try:
        text = _text(node, files)
    except NodeError as error:
        yield error.code, error.message, error.hint
        return
    found = _FIRST_WORD.match(text)
    word = found[1].upper() if found is not None else ""
    if not word:
        yield "bad-value", "the statement is empty", None
    elif word in _CHANGING and not node.effects:
        yield "query-writes", f"a statement that begins with {word} changes the database", "say effects: true"


def _text(node: Node, files: Files) -> str:
    """The statement, read where it is a file's. Raises NodeError."""
    statement = str(node.options["statement"])
    if not _is_file(statement):
        return statement
    try:
        return files.read_bytes(statement).decode("utf-8-sig")
    except OeError as error:
        raise as_node_error(error) from error
    except UnicodeDecodeError as error:
        raise data_fault(f"'{clip(statement, 200)}' is no UTF-8: byte {error.start}",
                         "save the file as UTF-8") from error


def _is_file(statement: str) -> bool:
    return statement.endswith(".sql") and not any(map(str.isspace, statement)) and not _is_reference(statement)


def _is_reference(text: str) -> bool:
    return text.startswith("$") and not text.startswith("$$")
