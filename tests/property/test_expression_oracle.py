"""Random expressions mean what Python means by the same operators; broken ones fail as faults of the user."""

from __future__ import annotations

import random
import time

import pytest

from oe.errors import NodeError, OeError
from oe.lang.errors import LangError
from oe.lang.expression import contradicts, parse_expression
from oe.lang.scope import Scope
from oe.lang.template import compile_text, compile_value
from oe.values import Json, equal

NUMBERS: dict[str, int] = {"a": 7, "b": -3, "c": 0, "d": 2}
TEXTS = {"s": "bug", "t": "feature bug", "u": ""}
SCOPE = Scope(state={**NUMBERS, **TEXTS, "list": [1, "bug", None, True], "nil": None}, args={"x": "arg"}, item={"k": 1})


class Pairs:
    """Writes the same random expression twice: as `oe` reads it, and as Python does."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def number(self, depth: int) -> tuple[str, str]:
        if depth == 0 or self.random.random() < 0.2:
            if self.random.random() < 0.5:
                name = self.random.choice(list(NUMBERS))
                return f"$.{name}", f"v['{name}']"
            literal = str(self.random.choice([0, 1, 2, 3, 10, 2.5]))
            return literal, literal
        kind = self.random.randrange(5)
        if kind == 0:
            ours, python = self.number(depth - 1)
            return f"-{ours}" if not ours.startswith("-") else f"-({ours})", f"-{python}"
        if kind == 1:
            ours, python = self.text(depth - 1)
            return f"length({ours})", f"len({python})"
        if kind == 2:
            left, right = self.number(depth - 1), self.number(depth - 1)
            name = self.random.choice(["min", "max"])
            return f"{name}({left[0]}, {right[0]})", f"{name}({left[1]}, {right[1]})"
        left, right = self.number(depth - 1), self.number(depth - 1)
        sign = self.random.choice("+-*/%")
        return f"({left[0]} {sign} {right[0]})", f"({left[1]} {sign} {right[1]})"

    def text(self, depth: int) -> tuple[str, str]:
        if depth == 0 or self.random.random() < 0.4:
            name = self.random.choice(list(TEXTS))
            return self.random.choice([(f"$.{name}", f"v['{name}']"), ("'bug'", "'bug'"), ('"x\\n"', "'x\\n'")])
        ours, python = self.text(depth - 1)
        if self.random.random() < 0.5:
            return f"upper({ours})", f"{python}.upper()"
        other = self.text(depth - 1)
        return f"({ours} + {other[0]})", f"({python} + {other[1]})"

    def truth(self, depth: int) -> tuple[str, str]:
        if depth == 0:
            return self.random.choice([("true", "True"), ("false", "False"), ("null", "None"), ("''", "''")])
        kind = self.random.randrange(6)
        if kind == 0:
            word = self.random.choice(["not ", "!"])
            ours, python = self.truth(depth - 1)
            return f"({word}{ours})", f"(not {python})"
        if kind <= 2:
            word, sign = self.random.choice([("and", "and"), ("&&", "and"), ("or", "or"), ("||", "or")])
            left, right = self.truth(depth - 1), self.truth(depth - 1)
            return f"({left[0]} {word} {right[0]})", f"(bool({left[1]}) {sign} bool({right[1]}))"
        if kind == 3:
            left, right = self.text(depth - 1), self.text(depth - 1)
            sign = self.random.choice(["==", "!=", "<", ">=", "in", "not in"])
        else:
            left, right = self.number(depth - 1), self.number(depth - 1)
            sign = self.random.choice(["==", "!=", "<", "<=", ">", ">="])
        return f"({left[0]} {sign} {right[0]})", f"({left[1]} {sign} {right[1]})"


@pytest.mark.parametrize("seed", range(8))
def test_random_expressions_agree_with_python(seed: int) -> None:
    pairs = Pairs(seed)
    values = {**NUMBERS, **TEXTS}
    compared = 0
    for _ in range(300):
        ours, python = pairs.random.choice([pairs.number, pairs.text, pairs.truth])(4)
        try:
            expected = eval(python, {"v": values, "len": len, "min": min, "max": max, "bool": bool})
        except (ZeroDivisionError, OverflowError):
            with pytest.raises(NodeError):
                parse_expression(ours).evaluate(SCOPE)
            continue
        found = parse_expression(ours).evaluate(SCOPE)
        assert equal(found, expected), (ours, found, expected)
        assert parse_expression(ours).test(SCOPE) == bool(expected)
        compared += 1
    assert compared > 200


WORDS = ["$.a", "$.list", "$.nil", "$.zz", "$item.k", "$args", "$", "$.", "1", "2.5", "'x'", '"', "'", "[", "]", "(", ")", ",",
         "and", "or", "not", "!", "&&", "||", "==", "!=", "<", "<=", "in", "+", "-", "*", "/", "%", "??", "?", ".", "=",
         "length", "max", "sum", "any", "matches", "contains", "default", "exists", "null", "true", "foo", "{", "{{", "}}",
         "\\", "\x00", "é", "\ud800", "🙂", "1e309", "\n", "9" * 500, "_", "#"]


@pytest.mark.parametrize("seed", range(6))
def test_nothing_but_faults_of_the_user_comes_out_of_random_texts(seed: int) -> None:
    chooser = random.Random(seed)
    began = time.thread_time()
    for _ in range(1500):
        text = chooser.choice(["", " "]).join(chooser.choices(WORDS, k=chooser.randrange(1, 12)))
        for use in (use_expression, use_value, use_text):
            try:
                use(text)
            except LangError as error:
                assert 0 <= error.offset <= len(text) + len("{{}}"), text
                assert error.message
            except OeError as error:
                assert error.message
    assert time.thread_time() - began < 100


def use_expression(text: str) -> None:
    expression = parse_expression(text)
    expression.evaluate(SCOPE)
    assert all(text.startswith(reference.text, reference.offset) for reference in expression.references())


def use_value(text: str) -> None:
    value: Json = {"k": [text]}
    template = compile_value(value)
    assert all(path == ("k", 0) for path, _ in template.references())
    template.resolve(SCOPE)


def use_text(text: str) -> None:
    template = compile_text("{{" + text + "}}")
    template.references()
    template.render(SCOPE)


def test_contradicting_conditions_are_never_true_together() -> None:
    chooser = random.Random(5)
    literals = ["1", "2", "1.0", "true", "false", "null", "'x'", "''", "3"]
    values: list[Json] = [1, 2, 3, True, False, None, "x", "", 0, 1.5]

    def condition(depth: int) -> str:
        kind = chooser.randrange(7 if depth else 3)
        if kind <= 2:
            return chooser.choice([f"$.p {chooser.choice(['==', '!=', '<', '<=', '>', '>='])} {chooser.choice(literals)}",
                                   "$.p", f"{chooser.choice(literals)} == $.p", f"$.p in [{chooser.choice(literals)}, 2]",
                                   f"$.q == {chooser.choice(literals)}"])
        if kind == 3:
            return f"not ({condition(depth - 1)})"
        return f"({condition(depth - 1)}) {chooser.choice(['and', 'or'])} ({condition(depth - 1)})"

    scopes = [Scope(state={"p": value, "q": chooser.choice(values)}) for value in values] + [Scope()]
    plain = 0
    for _ in range(3000):
        left, right = condition(2), condition(2)
        one, other = parse_expression(left), parse_expression(right)
        if not contradicts(one, other):
            continue
        plain += 1
        assert contradicts(other, one), (left, right)
        for scope in scopes:
            try:
                assert not (one.test(scope) and other.test(scope)), (left, right, scope.state)
            except NodeError:
                continue
    assert plain > 150
