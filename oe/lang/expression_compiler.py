"""From an expression's tree to one function of a scope. Missing values go their way: no comparison holds for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from oe.lang import expression_operators as operators
from oe.lang.expression_functions import FUNCTIONS, Value
from oe.lang.expression_tree import Binary, Call, Chain, ListOf, Literal, Lookup, Node, Unary
from oe.lang.reference import resolve
from oe.lang.scope import MISSING, Missing, Scope
from oe.values import Json, equal

Evaluate: TypeAlias = "Callable[[Scope], Value]"

_ARITHMETIC = {"+": operators.add, "-": operators.subtract, "*": operators.multiply, "/": operators.divide,
               "%": operators.remainder}
_ORDERINGS: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0, "<=": lambda order: order <= 0,
    ">": lambda order: order > 0, ">=": lambda order: order >= 0}
_MEMBERSHIPS: dict[str, Callable[[Json, Json], bool]] = {
    "==": equal, "!=": lambda left, right: not equal(left, right),
    "in": operators.is_in, "not in": lambda item, container: not operators.is_in(item, container, "not in")}
_TRUE_WHEN_MISSING = frozenset({"!=", "not in"})


def build(node: Node) -> Evaluate:
    """The function that evaluates the tree."""
    match node:
        case Literal():
            value = node.value
            return lambda scope: value
        case Lookup():
            reference = node.reference
            return lambda scope: resolve(reference, scope)
        case ListOf():
            return _list(node)
        case Unary():
            return _unary(node)
        case Binary():
            return _binary(node)
        case Chain():
            return _chain(node)
        case Call():
            return _call(node)


def _list(node: ListOf) -> Evaluate:
    items = [build(item) for item in node.items]

    def evaluate(scope: Scope) -> Value:
        found = [item(scope) for item in items]
        return [None if isinstance(value, Missing) else value for value in found]
    return evaluate


def _unary(node: Unary) -> Evaluate:
    operand = build(node.operand)
    if node.operator == "not":
        return lambda scope: not operand(scope)

    def evaluate(scope: Scope) -> Value:
        value = operand(scope)
        return MISSING if isinstance(value, Missing) else operators.negate(value)
    return evaluate


def _chain(node: Chain) -> Evaluate:
    operands = tuple(build(operand) for operand in node.operands)
    decisive = node.operator == "or"

    def evaluate(scope: Scope) -> Value:
        for operand in operands:
            if bool(operand(scope)) is decisive:
                return decisive
        return not decisive
    return evaluate


def _binary(node: Binary) -> Evaluate:
    left, right = build(node.left), build(node.right)
    sign = node.operator
    when_missing: Value = MISSING if sign in _ARITHMETIC else sign in _TRUE_WHEN_MISSING
    apply = _operation(sign)

    def evaluate(scope: Scope) -> Value:
        one, other = left(scope), right(scope)
        if isinstance(one, Missing) or isinstance(other, Missing):
            return when_missing
        return apply(one, other)
    return evaluate


def _operation(sign: str) -> Callable[[Json, Json], Json]:
    if sign in _ORDERINGS:
        holds = _ORDERINGS[sign]
        return lambda left, right: holds(operators.compare(sign, left, right))
    return _ARITHMETIC[sign] if sign in _ARITHMETIC else _MEMBERSHIPS[sign]


def _call(node: Call) -> Evaluate:
    arguments = tuple(build(argument) for argument in node.arguments)
    function = FUNCTIONS[node.name]
    apply = function.apply
    takes_missing = function.takes_missing

    def evaluate(scope: Scope) -> Value:
        values = [argument(scope) for argument in arguments]
        if not takes_missing and MISSING in values:
            return MISSING
        return apply(values)
    return evaluate
