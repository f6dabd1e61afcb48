"""The parts of a parsed expression. Plain values: they neither parse nor evaluate themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from oe.lang.reference import Reference
from oe.values import Json


class Literal(NamedTuple):
    """A value written in the expression."""

    value: Json


class Lookup(NamedTuple):
    """A path, with its default if one is written."""

    reference: Reference


class ListOf(NamedTuple):
    """`[a, b]`: a list literal."""

    items: tuple[Node, ...]


class Unary(NamedTuple):
    """`not x` or `-x`."""

    operator: str
    operand: Node


class Binary(NamedTuple):
    """A comparison, membership or arithmetic operator with its two sides."""

    operator: str
    left: Node
    right: Node


class Chain(NamedTuple):
    """`a and b and c`, or the same with `or`."""

    operator: str
    operands: tuple[Node, ...]


class Call(NamedTuple):
    """A function with its arguments."""

    name: str
    arguments: tuple[Node, ...]


Node: TypeAlias = "Literal | Lookup | ListOf | Unary | Binary | Chain | Call"


def children(node: Node) -> tuple[Node, ...]:
    """The parts directly below a node."""
    match node:
        case ListOf():
            return node.items
        case Unary():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Chain():
            return node.operands
        case Call():
            return node.arguments
    return ()


def walk(root: Node) -> Iterator[tuple[Node, int]]:
    """Every node with its depth, the root's being 1, in the order of the text."""
    waiting = [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting += [(child, depth + 1) for child in reversed(children(node))]
