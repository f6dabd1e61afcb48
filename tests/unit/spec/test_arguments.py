"""Arguments of a run: what is no JSON is refused, whoever gives it."""

from __future__ import annotations

from typing import Any

import pytest

from oe.errors import UsageError
from oe.spec.arguments import bind_arguments
from oe.spec.model import Experience
from tests.unit.spec.specs import graph, spec

_RING: list[Any] = []
_RING.append(_RING)


def experience(args: str) -> Experience:
    return spec(args + graph("id: a"))


@pytest.mark.parametrize("args", ["", "args: {x: {}}\n"])
@pytest.mark.parametrize(("value", "told"), [
    (float("inf"), "argument 'x' is infinite"),
    ({"a": [1, float("nan")]}, "argument 'x'.a[1] is infinite or no number"),
    ((1, float("-inf")), "argument 'x'[1] is infinite"),
    ({1, 2}, "argument 'x' is no JSON value: Object of type set"),
    (_RING, "argument 'x' is nested too deeply, or holds itself"),
    (10**5000, "argument 'x' is no JSON value: Exceeds the limit"),
], ids=["infinite", "no number", "in a tuple", "a set", "a ring", "too many digits"])
def test_what_is_no_json_is_refused(args: str, value: Any, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        bind_arguments(experience(args), {"x": value}, lambda path: None)
    assert caught.value.message.startswith(told)


def test_many_faults_of_one_argument_are_told_in_part() -> None:
    with pytest.raises(UsageError) as caught:
        bind_arguments(experience(""), {"x": [float("inf")] * 1000}, lambda path: None)
    assert len(caught.value.message.splitlines()) == 5


def test_formats_are_asserted_where_they_are_strict() -> None:
    args = "args: {day: {type: string, format: date}}\n"
    assert bind_arguments(experience(args), {"day": "x"}, lambda path: None) == {"day": "x"}
    with pytest.raises(UsageError, match="format 'date'"):
        bind_arguments(experience("formats: strict\n" + args), {"day": "x"}, lambda path: None)


@pytest.mark.parametrize(("declared", "advice"), [
    ("{required: true}", "--arg x=VALUE"), ("{required: true, type: string, secret: true}", "--arg x=env:NAME or file:PATH")])
def test_a_missing_one_is_named_with_the_way_to_give_it(declared: str, advice: str) -> None:
    with pytest.raises(UsageError) as caught:
        bind_arguments(experience(f"args: {{x: {declared}}}\n"), {}, lambda path: None)
    assert caught.value.message == f"missing argument 'x': pass {advice}"
