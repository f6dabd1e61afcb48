"""Templates of values and texts: types kept, constants shared, every fault found."""

from __future__ import annotations

import pytest

from oe.errors import NodeError
from oe.lang.errors import LangError
from oe.lang.scope import Scope
from oe.lang.template import LONGEST_TEXT, compile_text, compile_value, text_problems, value_problems
from oe.values import Json

SCOPE = Scope(state={"list": [1, 2], "text": "t", "half": 0.5}, args={"name": "arg"})


def test_a_reference_keeps_its_type_and_constants_are_shared() -> None:
    constant: Json = {"deep": ["x"]}
    template = compile_value({"a": "$.list", "b": constant, "c": ["$args.name", 1]})
    first, second = template.resolve(SCOPE), template.resolve(SCOPE)
    assert first == {"a": [1, 2], "b": {"deep": ["x"]}, "c": ["arg", 1]}
    assert isinstance(first, dict) and isinstance(second, dict)
    assert first is not second
    assert first["b"] is second["b"]
    assert list(first) == ["a", "b", "c"]


def test_constants_are_known_and_unescaped() -> None:
    template = compile_value({"price": "$$.a", "plain": "5 $", "n": None})
    assert template.is_constant
    assert template.references() == []
    assert template.resolve(Scope()) == {"price": "$.a", "plain": "5 $", "n": None}
    assert template.resolve(Scope()) is template.resolve(SCOPE)
    assert not compile_value("$.a").is_constant


def test_references_come_with_the_path_of_their_string() -> None:
    template = compile_value({"a": ["x", "$.list"], "b": {"c": "$item.k"}})
    assert [(path, reference.text) for path, reference in template.references()] == [
        (("a", 1), "$.list"), (("b", "c"), "$item.k")]


def test_keys_are_not_templates() -> None:
    assert compile_value({"$.list": 1}).resolve(SCOPE) == {"$.list": 1}


def test_every_fault_of_a_value_is_found_with_its_path() -> None:
    faults = value_problems({"a": ["$foo", {"b": "$.list["}], "c": "$.ok"})
    assert [(fault.path, fault.offset) for fault in faults] == [(("a", 0), 0), (("a", 1, "b"), 7)]
    with pytest.raises(LangError) as first:
        compile_value({"a": ["$foo"]})
    assert first.value.path == ("a", 0)


def test_a_deep_value_is_refused() -> None:
    deep: Json = "$.a"
    for _ in range(10_000):
        deep = [deep]
    with pytest.raises(LangError, match="nested deeper than 128 levels"):
        compile_value(deep)


def test_a_missing_value_fails_without_retry() -> None:
    with pytest.raises(NodeError) as fault:
        compile_value(["$.lits"]).resolve(SCOPE)
    assert (fault.value.code, fault.value.retryable, fault.value.hint) == ("missing-value", False, "did you mean 'list'?")


def test_texts_show_strings_raw_and_the_rest_as_compact_json() -> None:
    template = compile_text("{{ text }}|{{ list }}|{{ half }}|{{ name }}|{{ nope ?? 'd' }}")
    assert template.render(SCOPE) == "t|[1,2]|0.5|arg|d"
    assert [reference.text for reference in template.references()] == ["text", "list", "half", "name", "nope"]
    assert not template.is_constant


def test_references_in_a_text_carry_their_offset() -> None:
    text = "a {{ text }} b {{$args.name}}"
    assert [text[each.offset:].startswith(each.text) for each in compile_text(text).references()] == [True, True]


@pytest.mark.parametrize("text", ["", "no holes", "{ single } braces }}", "$.list $args", "{ {x} }"])
def test_texts_without_holes_stay_as_they_are(text: str) -> None:
    template = compile_text(text)
    assert template.is_constant
    assert template.render(Scope()) == text


def test_a_substituted_text_is_not_read_again() -> None:
    assert compile_text("{{ x }}").render(Scope(args={"x": "{{ y }} $.a"})) == "{{ y }} $.a"
    assert compile_value("$args.x").resolve(Scope(args={"x": "$.a"})) == "$.a"


def test_every_fault_of_a_text_is_found() -> None:
    assert [fault.offset for fault in text_problems("{{ }} {{ x y }} {{ ok }} {{ $foo }} {{ z")] == [3, 11, 28, 36]
    assert text_problems("{{ ok }}") == []


def test_a_text_does_not_grow_without_bound() -> None:
    with pytest.raises(NodeError, match="grows beyond"):
        compile_text("{{ x }}" * 70).render(Scope(args={"x": "x" * (LONGEST_TEXT // 64)}))


def test_what_is_no_json_is_a_fault_of_the_node() -> None:
    with pytest.raises(NodeError, match="cannot be written as JSON"):
        compile_text("{{ x }}").render(Scope(args={"x": [float("nan")]}))
