"""Writes out what classes would spend time on at every start: NamedTuples become subclasses of `oe.record.Record` with
a `__new__` of their own, and Protocols, which nothing asks at run time what they are, plain classes.

Classes with further bases or keywords, and generic ones, stay as they are; so do those that someone may ask.
"""

from __future__ import annotations

import ast

_IMPORTED = ("Record", "new_tuple")


def write_out_classes(tree: ast.Module) -> None:
    """Changes the classes of a module that takes NamedTuple and Protocol from `typing` by these names."""
    changer = _Changer(_names_from_typing(tree))
    changer.visit(tree)
    if changer.has_records:
        names = [ast.alias(name, f"_{name}") for name in _IMPORTED]
        tree.body.insert(0, ast.ImportFrom("oe.record", names, 0))


def _names_from_typing(tree: ast.Module) -> set[str]:
    return {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "typing"
            for alias in node.names if alias.asname is None}


class _Changer(ast.NodeTransformer):
    """Changes classes, those inside of functions and classes too."""

    def __init__(self, names: set[str]) -> None:
        self._names = names
        self.has_records = False

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        if self._has_base(node, "NamedTuple") and len(node.bases) == 1 and not node.keywords:
            self.has_records = True
            _make_record(node)
        elif self._has_base(node, "Protocol") and not node.decorator_list:
            node.bases = [base for base in node.bases if not _is_name(base, "Protocol")]
        return node

    def _has_base(self, node: ast.ClassDef, name: str) -> bool:
        return name in self._names and any(_is_name(base, name) for base in node.bases)


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _make_record(node: ast.ClassDef) -> None:
    fields = {each.target.id: each.value for each in node.body
              if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)}
    rest = [each for each in node.body if not isinstance(each, ast.AnnAssign)]
    names = ast.Tuple([ast.Constant(name) for name in fields], ast.Load())
    node.bases = [ast.Name("_Record", ast.Load())]
    head: list[ast.stmt] = [
        _assign("__slots__", ast.Tuple([], ast.Load())), _assign("_fields", names), _new(fields, node)]
    node.body = [*(ast.copy_location(each, node) for each in head), *rest]


def _new(fields: dict[str, ast.expr | None], node: ast.ClassDef) -> ast.FunctionDef:
    """`def __new__(_cls, a, b=1): return _new_tuple(_cls, (a, b))`"""
    values = ast.Tuple([ast.Name(name, ast.Load()) for name in fields], ast.Load())
    given = ast.arguments([], [ast.arg(name) for name in ("_cls", *fields)], None, [], [], None,
                          [value for value in fields.values() if value is not None])
    made = ast.Return(ast.Call(ast.Name("_new_tuple", ast.Load()), [ast.Name("_cls", ast.Load()), values], []))
    return ast.FunctionDef("__new__", given, [ast.copy_location(made, node)], [], None)


def _assign(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value)
