"""From tokens to a tree, by operator precedence: or, and, not, comparisons, + -, * / %, unary minus."""

from __future__ import annotations

from oe.lang import literal
from oe.lang.errors import LangError
from oe.lang.expression_functions import FUNCTIONS
from oe.lang.expression_lexer import Token, tokens
from oe.lang.expression_tree import Binary, Call, Chain, ListOf, Literal, Lookup, Node, Unary, walk
from oe.lang.reference import ROOTS, Reference
from oe.text import clip, did_you_mean, nearest

LONGEST_EXPRESSION = 10_000
DEEPEST_EXPRESSION = 200

_POWERS = {"or": 1, "and": 2, "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "in": 4, "not in": 4,
           "+": 5, "-": 5, "*": 6, "/": 6, "%": 6}
_NOT, _COMPARISON, _MINUS = 3, 4, 7
_WORDS_MEANT = {"None": "null", "nil": "null", "undefined": "null", "none": "null"}


def parse(text: str) -> Node:
    """The tree of an expression. Raises LangError with the offset of the fault."""
    if len(text) > LONGEST_EXPRESSION:
        raise LangError(f"expression of {len(text)} characters is too long", 0, f"at most {LONGEST_EXPRESSION}")
    parser = _Parser(text, tokens(text))
    if parser.peek().kind == "end":
        raise LangError("expression is empty", 0)
    tree = parser.expression(0, 1)
    parser.expect_end()
    if any(depth > DEEPEST_EXPRESSION for _, depth in walk(tree)):
        raise _too_deep(0)
    return tree


class _Parser:
    """Reads tokens from left to right; `depth` counts what is open around the present place."""

    def __init__(self, text: str, found: list[Token]) -> None:
        self._text = text
        self._tokens = found
        self._position = 0

    def peek(self, ahead: int = 0) -> Token:
        """The token that comes next, or `ahead` further."""
        return self._tokens[min(self._position + ahead, len(self._tokens) - 1)]

    def _next(self) -> Token:
        token = self.peek()
        self._position += 1
        return token

    def _is_operator(self, text: str, ahead: int = 0) -> bool:
        token = self.peek(ahead)
        return token.kind == "operator" and token.text == text

    def expression(self, minimum: int, depth: int) -> Node:
        """An expression whose operators bind at least as strongly as `minimum`."""
        if depth > DEEPEST_EXPRESSION:
            raise _too_deep(self.peek().offset)
        left = self._operand(depth)
        compared = False
        while True:
            operator = self._infix()
            power = _POWERS.get(operator, 0)
            if not power or power < minimum:
                return left
            token = self._next()
            if operator == "not in":
                self._position += 1
            if power == _COMPARISON and compared:
                raise LangError(f"comparisons cannot be chained with '{token.text}'", token.offset,
                                "write a < b and b < c")
            compared = power == _COMPARISON
            left = _joined(operator, left, self.expression(power + 1, depth + 1))

    def _infix(self) -> str:
        token = self.peek()
        if token.kind != "operator":
            return ""
        return "not in" if token.text == "not" and self._is_operator("in", 1) else token.text

    def _operand(self, depth: int) -> Node:
        token = self._next()
        if token.kind == "reference" and isinstance(token.value, Reference):
            return Lookup(token.value)
        if token.kind == "literal" and not isinstance(token.value, Reference):
            return Literal(token.value)
        if token.kind == "name":
            return self._call(token, depth)
        if token.kind == "operator":
            return self._prefixed(token, depth)
        raise LangError("expression ends too early", token.offset, "expected a value or a path")

    def _prefixed(self, token: Token, depth: int) -> Node:
        if token.text == "not":
            return Unary("not", self.expression(_NOT, depth + 1))
        if token.text == "-":
            operand = self.expression(_MINUS, depth + 1)
            value = operand.value if isinstance(operand, Literal) else None
            if isinstance(value, int | float) and not isinstance(value, bool):
                return Literal(-value)
            return Unary("-", operand)
        if token.text == "(":
            inner = self.expression(0, depth + 1)
            self._close(")", token)
            return inner
        if token.text == "[":
            return ListOf(self._items("]", token, depth))
        hint = "write 0.5 for a fraction" if token.text == "." else "expected a value or a path"
        raise LangError(f"unexpected '{self._written(token)}'", token.offset, hint)

    def _call(self, token: Token, depth: int) -> Node:
        name = token.text
        if not self._is_operator("("):
            raise self._bare(token)
        if name not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            raise LangError(f"unknown function '{clip(name, 40)}'", token.offset,
                            did_you_mean(name, FUNCTIONS) or f"there is {known}")
        arguments = self._items(")", self._next(), depth)
        problem = FUNCTIONS[name].problem(name, arguments)
        if problem is not None:
            raise LangError(problem[0], token.offset, problem[1])
        return Call(name, arguments)

    def _items(self, closing: str, opening: Token, depth: int) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._is_operator(closing):
            items.append(self.expression(0, depth + 1))
            if self._is_operator(","):
                self._position += 1
            elif not self._is_operator(closing):
                break
        self._close(closing, opening)
        return tuple(items)

    def _close(self, closing: str, opening: Token) -> None:
        token = self._next()
        if token.kind == "operator" and token.text == closing:
            return
        if token.kind == "end":
            raise LangError(f"'{opening.text}' is not closed", opening.offset, f"end it with {closing}")
        raise self._unexpected(token)

    def expect_end(self) -> None:
        """Raises LangError if anything is left."""
        if self.peek().kind != "end":
            raise self._unexpected(self._next())

    def _written(self, token: Token) -> str:
        """A token as it stands in the text: `&&`, not its standard form."""
        if token.kind != "operator" or self._text.startswith(token.text, token.offset):
            return token.text
        return {"and": "&&", "or": "||", "not": "!"}[token.text]

    def _unexpected(self, token: Token) -> LangError:
        if token.kind == "name" and token.text.lower() in ("and", "or", "not", "in"):
            return LangError(f"unexpected '{token.text}'", token.offset, f"write '{token.text.lower()}'")
        if token.kind == "name" and token.text.lower() in ("is", "eq", "equals"):
            return LangError(f"unexpected '{token.text}'", token.offset, "write == to compare")
        hint = "expected an operator" if token.kind != "operator" else None
        if token.text == ".":
            hint = "only a path that starts with '$' has parts"
        return LangError(f"unexpected '{clip(self._written(token), 40)}'", token.offset, hint)

    def _bare(self, token: Token) -> LangError:
        name = clip(token.text, 40)
        message = f"unknown name '{name}'"
        dashed = self._dashed(token)
        if dashed is not None:
            return LangError(message, token.offset, f"write {dashed} for a name with a dash, or spaces around '-'")
        if name in _WORDS_MEANT or name.lower() in literal.CONSTANTS:
            return LangError(message, token.offset, f"write {_WORDS_MEANT.get(name, name.lower())}")
        if name.lower() in ("and", "or", "not", "in"):
            return LangError(message, token.offset, f"write '{name.lower()}'")
        if name in FUNCTIONS:
            return LangError(f"function '{name}' without arguments", token.offset, f"write {FUNCTIONS[name].signature}")
        if name in ROOTS:
            return LangError(message, token.offset, f"write ${name}")
        near = nearest(name, literal.CONSTANTS)
        hint = f"write $.{name} for the state field, or '{name}' in quotes for a text"
        return LangError(message, token.offset, f"{hint}, or {near}" if near else hint)

    def _dashed(self, token: Token) -> str | None:
        """`$inputs['fetch-diff']` where the name follows `$inputs.fetch-` without a space."""
        if self._position < 3:
            return None
        before, dash = self._tokens[self._position - 3], self._tokens[self._position - 2]
        if dash.text != "-" or dash.offset + 1 != token.offset or not isinstance(before.value, Reference):
            return None
        segments = before.value.segments
        if not segments or before.offset + len(before.text) != dash.offset or isinstance(segments[-1], int):
            return None
        stem = before.text.removesuffix(f".{segments[-1]}")
        return f"{stem}['{segments[-1]}-{token.text}']"


def _joined(operator: str, left: Node, right: Node) -> Node:
    if operator not in ("and", "or"):
        return Binary(operator, left, right)
    parts: tuple[Node, ...] = ()
    for side in (left, right):
        parts += side.operands if isinstance(side, Chain) and side.operator == operator else (side,)
    return Chain(operator, parts)


def _too_deep(offset: int) -> LangError:
    return LangError("expression is nested too deeply", offset, f"at most {DEEPEST_EXPRESSION} levels")
