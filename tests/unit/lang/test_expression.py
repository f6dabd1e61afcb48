"""Expressions: bounds, references with their places, and conditions that plainly exclude each other."""

from __future__ import annotations

import pytest

from oe.errors import NodeError
from oe.lang.errors import LangError
from oe.lang.expression import contradicts, parse_expression
from oe.lang.scope import MISSING, Scope
from oe.values import Json
from tests.support.growth import quickest


def evaluate(text: str, **state: Json) -> Json:
    return parse_expression(text).evaluate(Scope(state=state))


@pytest.mark.parametrize(("value", "truth"), [
    (False, False), (None, False), (0, False), (0.0, False), ("", False), ([], False), ({}, False),
    (True, True), (1, True), (-0.5, True), ("false", True), ([0], True), ({"a": None}, True)])
def test_what_counts_as_true(value: Json, truth: bool) -> None:
    assert parse_expression("$.x").test(Scope(state={"x": value})) is truth
    assert evaluate("not $.x", x=value) is not truth


def test_a_missing_value_is_false_and_null_outside() -> None:
    expression = parse_expression("$item")
    assert expression.evaluate(Scope()) is None
    assert expression.test(Scope()) is False
    assert not MISSING


def test_and_or_stop_at_what_decides() -> None:
    assert evaluate("$.ok or 1 < 'x'", ok=True) is True
    assert evaluate("$.ok and 1 < 'x'", ok=False) is False
    with pytest.raises(NodeError, match="orders two numbers"):
        evaluate("$.ok and 1 < 'x'", ok=True)


def test_an_evaluation_fault_is_not_retried() -> None:
    with pytest.raises(NodeError) as fault:
        evaluate("1 / 0")
    assert (fault.value.retryable, fault.value.code, fault.value.name) == (False, "expression-failed", "ExpressionError")


def test_references_carry_their_places() -> None:
    text = "$.a.b[0] > 1 and exists($args.x) or $inputs['n-1'].k ?? 2 == 2"
    found = parse_expression(text).references()
    assert [(each.root, each.segments, each.offset, each.text) for each in found] == [
        ("state", ("a", "b", 0), 0, "$.a.b[0]"), ("args", ("x",), 24, "$args.x"),
        ("inputs", ("n-1", "k"), 36, "$inputs['n-1'].k")]
    assert [each.default for each in found] == [MISSING, MISSING, 2]


@pytest.mark.parametrize("text", [
    "(" * 5000 + "1" + ")" * 4999, "not " * 2000 + "1", "-" * 5000 + "1", "[" * 4000, "length(" * 1000, "1" + " + 1" * 2000,
    "!" * 9000 + "$.a", "1 == (" * 1000, "$.a['" * 1000, "1" + "*1" * 4000])
def test_deep_or_broken_nesting_is_a_fault_in_bounded_time(text: str) -> None:
    def parse() -> None:
        with pytest.raises(LangError):
            parse_expression(text)
    assert quickest(parse, most=20) <= 20


def test_two_hundred_levels_are_enough_and_work() -> None:
    assert evaluate("(" * 190 + "1" + ")" * 190) == 1
    assert evaluate("not " * 190 + "1") is True
    assert evaluate("1" + " + 1" * 190) == 191
    assert evaluate(" or ".join(["$.a == 1"] * 700), a=1) is True


def test_the_length_is_bounded() -> None:
    with pytest.raises(LangError, match="expression of 10001 characters is too long"):
        parse_expression("1" + " " * 10_000)


def test_results_are_bounded() -> None:
    text = "x" * 600_000
    with pytest.raises(NodeError, match="would build 1200000 characters"):
        evaluate("$.t + $.t", t=text)
    with pytest.raises(NodeError, match="would build 1200000 items"):
        evaluate("$.t + $.t", t=[1] * 600_000)
    with pytest.raises(NodeError, match="too large"):
        evaluate("*".join(["9" * 300] * 6))
    with pytest.raises(NodeError, match="at most 4096 bits"):
        evaluate("$.n * 2", n=10**100_000)
    with pytest.raises(NodeError, match="too large"):
        evaluate("$.n / 3", n=10**1000)
    with pytest.raises(NodeError, match="too large"):
        evaluate("sum($.n, 0.5)", n=10**1000)


def test_deep_values_are_compared_or_refused() -> None:
    deep: Json = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(NodeError, match="nested too deeply"):
        parse_expression("$.a == $.b").evaluate(Scope(state={"a": deep, "b": [deep]}))


@pytest.mark.parametrize(("left", "right"), [
    ("$.a", "not $.a"), ("$.a", "!($.a)"), ("$.a == 1", "$.a == 2"), ("$.a == 1", "$.a != 1.0"), ("1 == $.a", "$.a == '1'"),
    ("$.a > 3", "$.a <= 3"), ("$.a >= 3", "3 > $.a"), ("$.a < 2", "$.a > 5"), ("$.a == 1", "$.a > 3"), ("$.a", "$.a == false"),
    ("$.a == 'x' and $.b", "$.c and $.a == 'y'"), ("$.a in ['x', 'y']", "$.a == 'z'"), ("$.a in [1]", "$.a in [2, 3]"),
    ("$.a == 1 or $.a == 2", "$.a == 3"), ("length($.a) == 0", "length($.a) > 0"), ("not ($.a == 1)", "$.a == 1"),
    ("$.a['b']", "not $.a.b"), ("not ($.a and $.b)", "$.a and $.b"), ("$.a == true", "$.a == 1"),
    ("$.a == null", "$.a"), ("($.a == 1 or $.b == 1) and $.c == 1", "$.c == 2")])
def test_conditions_that_exclude_each_other(left: str, right: str) -> None:
    assert contradicts(parse_expression(left), parse_expression(right))
    assert contradicts(parse_expression(right), parse_expression(left))


@pytest.mark.parametrize(("left", "right"), [
    ("$.a", "$.a"), ("$.a", "not $.b"), ("$.a == 1", "$.a == 1.0"), ("$.a == 1", "$.b == 2"), ("$.a > 3", "$.a < 5"),
    ("$.a >= 3", "$.a <= 3"), ("$.a != 1", "$.a != 2"), ("not ($.a > 3)", "$.a <= 3"), ("$.a in [1, 2]", "$.a in [2, 3]"),
    ("$.a == 1 or $.b", "$.a == 2"), ("$args.a == 1", "$.a == 2"), ("$.a ?? 1 == 1", "$.a == 2"), ("$.a > 'x'", "$.a < 1"),
    ("$.a == $.b", "$.a != $.c"), ("true", "true")])
def test_conditions_that_may_hold_together(left: str, right: str) -> None:
    assert not contradicts(parse_expression(left), parse_expression(right))


def test_comparing_large_conditions_gives_up_quickly() -> None:
    large = parse_expression(" or ".join(["$.a == 1"] * 800))
    assert quickest(lambda: contradicts(large, large), most=20) <= 20
    assert not contradicts(large, large)
