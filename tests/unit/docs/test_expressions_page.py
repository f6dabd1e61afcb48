"""docs/reference/expressions.md says what expressions do."""

from __future__ import annotations

import json
import random
import re

import pytest

from oe.errors import OeError
from oe.lang import expression_operators, expression_parser, literal
from oe.lang.expression import parse_expression
from oe.lang.expression_functions import FUNCTIONS
from oe.lang.scope import Scope
from oe.values import compact
from tests.support.pages import Page

PAGE = Page("expressions.md")
SCOPE = Scope(**json.loads(PAGE.blocks("json")[0].text))
GRAMMAR = dict(re.findall(r"^(\w+) += (.+) ;$", PAGE.blocks("ebnf")[0].text, flags=re.MULTILINE))
TERMINALS = {"number": "3", "string": "'text'", "path": "$.a", "name": "any"}


@pytest.mark.parametrize(("expression", "value"), PAGE.rows("expression", "value"))
def test_an_example_gives_its_value(expression: str, value: str) -> None:
    assert compact(parse_expression(expression).evaluate(SCOPE)) == compact(json.loads(value))


@pytest.mark.parametrize(("expression", "code", "message"), PAGE.rows("expression", "error", "message"))
def test_an_error_is_the_one_shown(expression: str, code: str, message: str) -> None:
    with pytest.raises(OeError) as caught:
        parse_expression(expression).evaluate(SCOPE)
    assert (caught.value.code, caught.value.message) == (code, message)


def test_the_functions_are_those_of_the_table() -> None:
    rows = PAGE.rows("function", "gives", "absent argument")
    assert [row[0] for row in rows] == [function.signature for function in FUNCTIONS.values()]
    assert [name for name, row in zip(FUNCTIONS, rows, strict=True) if row[2] != "absent"] == [
        name for name, function in FUNCTIONS.items() if function.takes_missing]


def test_every_function_and_operator_has_an_example() -> None:
    examples = " ".join(row[0] for row in PAGE.rows("expression", "value"))
    assert [name for name in FUNCTIONS if f"{name}(" not in examples] == []
    signs = [sign for row in PAGE.rows("operators", "take", "give") for sign in row[0].replace("`", "").split(", ")]
    used = set(re.findall(r"not in|[-<>=!+*/%]=?|\w+", examples))
    assert len(signs) == 16 and set(signs) <= used


@pytest.mark.parametrize("seed", range(300))
def test_what_the_grammar_allows_is_parsed(seed: int) -> None:
    parse_expression(sentence("expression", random.Random(seed), 24))


def sentence(symbol: str, choose: random.Random, depth: int) -> str:
    """A random text of a symbol of the grammar."""
    if symbol in TERMINALS:
        return TERMINALS[symbol]
    if depth < 0:
        return "1"
    tokens = re.findall(r'"[^"]+"|\w+|[{}\[\]()|]', GRAMMAR[symbol])
    return written(choose.choice(alternatives(tokens)), choose, depth - 1)


def alternatives(tokens: list[str]) -> list[list[str]]:
    """The tokens between the bars that stand outside brackets."""
    found: list[list[str]] = [[]]
    level = 0
    for token in tokens:
        level += (token in "{[(") - (token in "}])")
        if token == "|" and level == 0:
            found.append([])
        else:
            found[-1].append(token)
    return found


def written(tokens: list[str], choose: random.Random, depth: int) -> str:
    """A random text of a row of tokens: `{ }` up to twice, `[ ]` or not."""
    text = ""
    while tokens:
        token, *tokens = tokens
        if token in "{[(":
            closing = end_of_brackets(tokens)
            times = {"(": 1, "[": choose.randrange(2), "{": choose.choice((0, 0, 0, 1, 2))}[token]
            for _ in range(times):
                text += written(choose.choice(alternatives(tokens[:closing])), choose, depth)
            tokens = tokens[closing + 1:]
        else:
            text += f" {token[1:-1]}" if token.startswith('"') else f" {sentence(token, choose, depth)}"
    return text


def end_of_brackets(tokens: list[str]) -> int:
    """Where the bracket closes that stands before the tokens."""
    level = 1
    for place, token in enumerate(tokens):
        level += (token in "{[(") - (token in "}])")
        if level == 0:
            return place
    raise AssertionError(tokens)


def test_what_the_grammar_leaves_out_is_refused() -> None:
    for text in ("", "a", "1 2", "1 <", "1 < 2 < 3", "(1", "[1", "any(", "f(1)", "{}", "1 ** 2", "01", "1 = 1"):
        with pytest.raises(OeError):
            parse_expression(text)


def test_the_limits_are_those_of_the_table() -> None:
    assert [int(row[1]) for row in PAGE.rows("limit", "most")] == [
        expression_parser.LONGEST_EXPRESSION, expression_parser.DEEPEST_EXPRESSION, literal.LONGEST_NUMBER,
        expression_operators.LARGEST_BITS, expression_operators.LARGEST_RESULT]


def test_the_first_example_is_an_expression() -> None:
    parse_expression(PAGE.blocks("yaml")[0].text.removeprefix("when: ").strip())
