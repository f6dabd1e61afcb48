"""Expressions of `when` and `until`: parsed once, evaluated against a scope, compared with each other."""

from __future__ import annotations

from oe.lang.expression_compiler import build
from oe.lang.expression_operators import failure
from oe.lang.expression_parser import parse
from oe.lang.expression_tree import Lookup, Node, walk
from oe.lang.reference import Reference
from oe.lang.scope import Missing, Scope
from oe.values import Json


class Expression:
    """A condition. False, null, 0, '', [], {} and a missing value count as false, everything else as true."""

    __slots__ = ("_evaluate", "text", "tree")

    def __init__(self, text: str, tree: Node) -> None:
        self.text = text
        self.tree = tree
        self._evaluate = build(tree)

    def evaluate(self, scope: Scope) -> Json:
        """The value; null where it is missing. Raises NodeError, not retryable, where an operation does not fit."""
        try:
            value = self._evaluate(scope)
        except RecursionError:
            raise failure("values are nested too deeply to be compared") from None
        return None if isinstance(value, Missing) else value

    def test(self, scope: Scope) -> bool:
        """Whether the condition holds. Raises as `evaluate`."""
        return bool(self.evaluate(scope))

    def references(self) -> list[Reference]:
        """Every path in the order of the text, with its offset."""
        return [node.reference for node, _ in walk(self.tree) if isinstance(node, Lookup)]

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


def parse_expression(text: str) -> Expression:
    """The expression of a text. Raises LangError with the offset of the fault."""
    return Expression(text, parse(text))


def contradicts(left: Expression, right: Expression) -> bool:
    """Whether the two conditions plainly cannot hold for one scope; False says nothing."""
    from oe.lang.expression_facts import exclude_each_other  # only where conditions are compared

    return exclude_each_other(left.tree, right.tree)
