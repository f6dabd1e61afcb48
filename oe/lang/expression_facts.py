"""Which two conditions plainly exclude each other. Sound, not complete: only literals and equal paths are compared."""

from __future__ import annotations

from typing import NamedTuple

from oe.errors import OeError
from oe.lang.expression_compiler import build
from oe.lang.expression_tree import Binary, Chain, ListOf, Literal, Lookup, Node, Unary, walk
from oe.lang.scope import Scope
from oe.values import Json

_MOST_PAIRS = 10_000
"""Pairs of parts that are compared before the answer is 'not plain'."""

_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_UPPER, _LOWER = ("<", "<="), (">", ">=")


def exclude_each_other(left: Node, right: Node) -> bool:
    """Whether the two trees can never be true together."""
    if sum(1 for _ in walk(left)) * sum(1 for _ in walk(right)) > _MOST_PAIRS:
        return False
    one, other = _plain(left), _plain(right)
    return _exclude(one, other) or _exclude(other, one)


def _plain(node: Node) -> Node:
    """The tree without what does not change its meaning: offsets and spelling of paths."""
    match node:
        case Lookup():
            return Lookup(node.reference._replace(offset=0, text=""))
        case ListOf():
            return ListOf(tuple(map(_plain, node.items)))
        case Unary():
            return Unary(node.operator, _plain(node.operand))
        case Binary():
            return Binary(node.operator, _plain(node.left), _plain(node.right))
        case Chain():
            return Chain(node.operator, tuple(map(_plain, node.operands)))
        case Literal():
            return node
    return node._replace(arguments=tuple(map(_plain, node.arguments)))


def _exclude(left: Node, right: Node) -> bool:
    """Alternatives are taken apart first: each of them must be excluded, by whichever part of the other side."""
    if _is_negation(left, right):
        return True
    for operator, decide in (("or", all), ("and", any)):
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Chain) and one.operator == operator:
                return decide(_exclude(part, other) for part in one.operands)
    return _facts_exclude(left, right)


def _is_negation(left: Node, right: Node) -> bool:
    return any(isinstance(one, Unary) and one.operator == "not" and _same(one.operand, other)
               for one, other in ((left, right), (right, left)))


def _same(left: Node, right: Node) -> bool:
    """Equal trees; repr tells true from 1, which `==` on tuples does not."""
    return left == right and repr(left) == repr(right)


class _Fact(NamedTuple):
    """`subject` compared with a literal; the operator 'true' says that the subject itself holds."""

    subject: Node
    operator: str
    value: Json


def _fact(node: Node) -> _Fact | None:
    if isinstance(node, Lookup):
        return _Fact(node, "true", None)
    if isinstance(node, Unary) and node.operator == "not":
        inner = _fact(node.operand)
        opposites = {"==": "!=", "!=": "==", "true": "false"}
        return inner._replace(operator=opposites[inner.operator]) if inner and inner.operator in opposites else None
    if not isinstance(node, Binary):
        return None
    if isinstance(node.right, Literal) and node.operator in _MIRRORED:
        return _Fact(node.left, node.operator, node.right.value)
    if isinstance(node.left, Literal) and node.operator in _MIRRORED:
        return _Fact(node.right, _MIRRORED[node.operator], node.left.value)
    if isinstance(node.right, ListOf) and node.operator == "in" and node.right.items \
            and all(isinstance(item, Literal) for item in node.right.items):
        return _Fact(node.left, "in", [item.value for item in node.right.items if isinstance(item, Literal)])
    return None


def _facts_exclude(left: Node, right: Node) -> bool:
    one, other = _fact(left), _fact(right)
    if one is None or other is None or not _same(one.subject, other.subject):
        return False
    return _values_exclude(one, other) or _values_exclude(other, one) or _ranges_exclude(one, other)


def _values_exclude(one: _Fact, other: _Fact) -> bool:
    """Whether none of the values that `one` allows satisfies `other`."""
    if one.operator == "==":
        allowed = [one.value]
    elif one.operator == "in" and isinstance(one.value, list):
        allowed = one.value
    else:
        return False
    return not any(_satisfies(value, other) for value in allowed)


def _satisfies(value: Json, fact: _Fact) -> bool:
    if fact.operator in ("true", "false"):
        return bool(value) is (fact.operator == "true")
    try:
        return bool(build(Binary(fact.operator, Literal(value), Literal(fact.value)))(Scope()))
    except OeError:
        return True


def _ranges_exclude(one: _Fact, other: _Fact) -> bool:
    """`> 3` against `<= 3`, `< 2` against `>= 5`."""
    if one.operator in _UPPER and other.operator in _LOWER:
        one, other = other, one
    if not (one.operator in _LOWER and other.operator in _UPPER):
        return one.operator != other.operator and {one.operator, other.operator} == {"true", "false"}
    strict = one.operator == ">" or other.operator == "<"
    sign = ">=" if strict else ">"
    try:
        return bool(build(Binary(sign, Literal(one.value), Literal(other.value)))(Scope()))
    except OeError:
        return False
