"""Whether a Python tool can find out which number its item has: read from its syntax, never executed.

A tool that can is given `$index`, and its key holds it; one that cannot is not given it, so that its results are kept
when items move. What cannot be judged counts as able to.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

INDEX = "$index"

_READERS = frozenset({"get", "pop", "setdefault"})
_WAYS_AROUND = frozenset({"locals", "vars", "eval", "exec", "dir"})
"""Built-ins that reach a parameter without naming it."""


@lru_cache(maxsize=64)
def can_see_index(data: bytes, name: str) -> bool:
    """Whether the function `name` of a tool's file does more with its inputs than ask for names written out, or asks
    for `$index`."""
    try:
        tree = ast.parse(data)
        function = _only_definition(tree, name)
        return function is None or _lets_out(function)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True


def _only_definition(tree: ast.Module, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The function, where nothing else in the file can be what the name means."""
    found = [node for node in tree.body
             if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name]
    if len(found) != 1 or found[0].decorator_list or sum(bound in (name, "*") for bound in _bound(tree)) != 1:
        return None
    return found[0]


def _bound(tree: ast.Module) -> Iterator[str]:
    """Every name that is bound at the top of the file, in whatever statement."""
    waiting: list[ast.AST] = [*tree.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
            continue
        if isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        waiting.extend(ast.iter_child_nodes(node))


def _lets_out(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    arguments = [*function.args.posonlyargs, *function.args.args]
    if not arguments:
        return function.args.vararg is not None
    inputs = arguments[0].arg
    asked: set[int] = set()
    for node in ast.walk(function):
        asked.update(_asked(node, inputs))
    return any(isinstance(node, ast.Name) and (node.id in _WAYS_AROUND or (node.id == inputs and id(node) not in asked))
               for node in ast.walk(function))


def _asked(node: ast.AST, inputs: str) -> Iterator[int]:
    """The mention of the inputs in `inputs["x"]`, `inputs.get("x")` and `"x" in inputs`."""
    match node:
        case ast.Subscript(value=ast.Name(id=name) as whole, slice=ast.Constant(value=str(key))):
            pass
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name) as whole, attr=reader),
                      args=[ast.Constant(value=str(key)), *_]) if reader in _READERS:
            pass
        case ast.Compare(left=ast.Constant(value=str(key)), ops=[ast.In() | ast.NotIn()],
                         comparators=[ast.Name(id=name) as whole]):
            pass
        case _:
            return
    if name == inputs and key != INDEX:
        yield id(whole)
