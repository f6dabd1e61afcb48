"""Measures one module: its lines, functions, classes, imports and longest functions, all read from its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from library import folder, python

_LONGEST = 3
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class ChangedError(Exception):
    """What is there is not what was listed."""


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Adds a row to `measures`."""
    item = inputs["$item"]
    if inputs["python"] != python():
        raise ChangedError(f"the modules were listed by Python {inputs['python']}, this is {python()}")
    data = (folder() / item["file"]).read_bytes()
    # The result is kept under the digest: it must be the result of the bytes that have it.
    if sha256(data).hexdigest() != item["sha256"]:
        raise ChangedError(f"'{item['file']}' has changed since it was listed")
    return {"measures": [measure(item["module"], data)]}


def measure(module: str, data: bytes) -> dict[str, Any]:
    """The module's row. Raises SyntaxError where it is not Python."""
    tree = ast.parse(data)
    functions = list(find_functions(tree, module))
    longest = sorted(functions, key=lambda row: (-row["lines"], row["line"]))[:_LONGEST]
    return {
        "module": module, "lines": len(data.splitlines()), "functions": len(functions),
        "classes": sum(isinstance(node, ast.ClassDef) for node in ast.walk(tree)),
        "imports": sorted(find_imports(tree) - {module.partition(".")[0]}), "longest": longest,
    }


def find_functions(tree: ast.AST, name: str) -> Iterator[dict[str, Any]]:
    """Every function and method, however deep, with its full name and the lines from its `def` to its end."""
    waiting = [(tree, name)]
    while waiting:
        node, place = waiting.pop()
        for child in ast.iter_child_nodes(node):
            inner = f"{place}.{child.name}" if isinstance(child, _Function | ast.ClassDef) else place
            if isinstance(child, _Function):
                end = child.end_lineno or child.lineno
                yield {"function": inner, "line": child.lineno, "lines": end - child.lineno + 1}
            waiting.append((child, inner))


def find_imports(tree: ast.AST) -> set[str]:
    """The top-level names that are imported anywhere in the module. Relative imports stay in its own package."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found
