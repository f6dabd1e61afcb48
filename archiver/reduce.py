"""Takes out of modules what their bytecode does without: docstrings, types, and imports that only types need.

The line numbers of what stays are those of the source. Two things stay that look idle: docstrings of decorated classes,
because a dataclass without one spends time to make its own, and the names of typed fields, whose types become None.
What reads annotations at run time (`typing.get_type_hints`, `functools.singledispatch`) fails on a reduced module.
NamedTuples and Protocols are written out besides (plain_classes.py).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from archiver.plain_classes import write_out_classes

_READ_BY_DATACLASSES = ("ClassVar", "InitVar", "KW_ONLY")


def reduce_modules(sources: Mapping[str, bytes]) -> dict[str, ast.Module]:
    """The reduced syntax tree of each module; `sources` are all modules of the program, by dotted name."""
    trees = {name: _Reducer().visit(ast.parse(source)) for name, source in sources.items()}
    for tree in trees.values():
        write_out_classes(tree)
    asked_for = {each for tree in trees.values() for each in _asked_of_others(tree)}
    for name, tree in trees.items():
        _drop_idle_imports(tree, name, asked_for)
        ast.fix_missing_locations(tree)
    return trees


class _Reducer(ast.NodeTransformer):
    """Takes out everything but idle imports."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if not isinstance(node, ast.Module) and getattr(node, "body", None) == []:
            node.body = [ast.copy_location(ast.Pass(), node)]  # type: ignore[attr-defined]  # it has one, as was asked
        return node

    def visit_Module(self, node: ast.Module) -> ast.AST:
        _drop_docstring(node)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        if not node.decorator_list:
            _drop_docstring(node)
        node.body = [_untyped_field(each) if isinstance(each, ast.AnnAssign) else each for each in node.body]
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._visit_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._visit_function(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        self.generic_visit(node)
        if isinstance(node.annotation, ast.Constant):  # a field, see above
            return node
        return node.value and ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        return node.orelse if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" else node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        return None if node.module == "__future__" else node

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        _drop_docstring(node)
        node.returns = None
        given = node.args
        for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
            if argument is not None:
                argument.annotation = None
        return self.generic_visit(node)


def _drop_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    if ast.get_docstring(node, clean=False) is not None:
        del node.body[0]


def _untyped_field(node: ast.AnnAssign) -> ast.AnnAssign:
    """None is the type that costs least: a text would be parsed at every start."""
    text = ast.unparse(node.annotation)
    told = text if any(name in text for name in _READ_BY_DATACLASSES) else None
    return ast.copy_location(ast.AnnAssign(node.target, ast.Constant(told), node.value, node.simple), node)


def _asked_of_others(tree: ast.Module) -> Iterator[tuple[str | None, str]]:
    """(module, name) of all that a module may look up in others; None for a module that cannot be told."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield None, node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield None, node.value


def _drop_idle_imports(tree: ast.Module, module: str, asked_for: set[tuple[str | None, str]]) -> None:
    """Drops `from ... import` of names that are used neither here nor by a module that asks this one for them."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            names = {alias: alias.asname or alias.name for alias in node.names}
            node.names = [alias for alias, name in names.items() if name in used or alias.name in _READ_BY_DATACLASSES
                          or (module, name) in asked_for or (None, name) in asked_for]
    tree.body = [node for node in tree.body if not (isinstance(node, ast.ImportFrom) and not node.names)]
