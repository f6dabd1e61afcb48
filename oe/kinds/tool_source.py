"""A tool's file as text: which functions it defines and what they take, read from its syntax and never executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple


class ToolFunction(NamedTuple):
    """One function at the top of a file: whether it is async, and the fewest arguments that it takes by position.
    `keyword` is a parameter that it can only take by name, where there is such a one without a default."""

    is_async: bool
    required: int
    keyword: str | None
    is_decorated: bool


class ToolSource(NamedTuple):
    """A file read. `names` are all that the top level binds; `is_open` where it may bind others (a star import).
    `problem` is the sentence for a file that is no Python, with its line and column."""

    functions: dict[str, ToolFunction]
    names: frozenset[str]
    is_open: bool
    problem: str | None = None


def read_source(data: bytes, shown: str) -> ToolSource:
    """What the file `shown` holds."""
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(data, shown)
    except SyntaxError as error:
        where = f"{shown}:{error.lineno or 1}:{error.offset or 1}"
        return ToolSource({}, frozenset(), False, f"{where}: {error.msg}")
    except (ValueError, RecursionError, MemoryError) as error:
        return ToolSource({}, frozenset(), False, f"{shown}: {str(error) or 'nested too deeply'}")
    functions: dict[str, ToolFunction] = {}
    names: set[str] = set()
    is_open = False
    for statement in _statements(tree.body):
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            functions[statement.name] = _function(statement)
        bound = list(_bound(statement))
        is_open = is_open or "*" in bound
        names.update(bound)
    return ToolSource(functions, frozenset(names), is_open or "__getattr__" in names)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of the top level, those inside its `if`, `try`, `with`, `for` and `while` among them."""
    waiting = list(reversed(body))
    while waiting:
        statement = waiting.pop()
        yield statement
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for field in ("body", "orelse", "finalbody"):
            waiting.extend(reversed(getattr(statement, field, ())))
        for holder in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            waiting.extend(reversed(holder.body))


def _bound(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        for alias in statement.names:
            yield alias.asname or alias.name.partition(".")[0]
    elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.For | ast.With):
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


def _function(statement: ast.FunctionDef | ast.AsyncFunctionDef) -> ToolFunction:
    arguments = statement.args
    required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    keyword = next((argument.arg for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
                    if default is None), None)
    return ToolFunction(isinstance(statement, ast.AsyncFunctionDef), required, keyword, bool(statement.decorator_list))
