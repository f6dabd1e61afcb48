"""References: their forms, what they lead to, and what is said where they lead nowhere."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from oe.errors import NodeError
from oe.lang.errors import LangError
from oe.lang.reference import Segment, missing_message, parse_reference, require, resolve, scan_bare
from oe.lang.scope import MISSING, Missing, Scope
from oe.values import Json

SCOPE = Scope(state={"a": {"b": [1, {"odd key": "x"}]}, "null": None}, args={"x": 5}, inputs={"fetch-diff": {"text": "d"}},
              item={"key": "v"}, index=0, iteration=2, prev="p", reads={"read": 1})


@pytest.mark.parametrize(("text", "root", "segments", "value"), [
    ("$.a.b[0]", "state", ("a", "b", 0), 1), ("$.a['b'][1][\"odd key\"]", "state", ("a", "b", 1, "odd key"), "x"),
    ("$['a'].b", "state", ("a", "b"), [1, {"odd key": "x"}]), ("$args.x", "args", ("x",), 5), ("$args", "args", (), {"x": 5}),
    ("$item", "item", (), {"key": "v"}), ("$item.key", "item", ("key",), "v"), ("$index", "index", (), 0), ("$iter", "iter", (), 2),
    ("$prev", "prev", (), "p"), ("$inputs['fetch-diff'].text", "inputs", ("fetch-diff", "text"), "d"), ("  $.null ", "state", ("null",), None),
    ("$.größe", "state", ("größe",), MISSING), ("$.a[9]", "state", ("a", 9), MISSING), ("$.a.b.c", "state", ("a", "b", "c"), MISSING),
    ("$.a.b[2]", "state", ("a", "b", 2), MISSING), ("$.null.x", "state", ("null", "x"), MISSING), ("$args.x[0]", "args", ("x", 0), MISSING),
])
def test_forms_and_what_they_lead_to(text: str, root: str, segments: tuple[Segment, ...], value: Json | Missing) -> None:
    reference = parse_reference(text)
    assert (reference.root, reference.segments, reference.default) == (root, segments, MISSING)
    assert text[reference.offset:].startswith(reference.text)
    assert resolve(reference, SCOPE) == value


@pytest.mark.parametrize(("text", "value"), [
    ("$.q ?? null", None), ("$.q ?? true", True), ("$.q??-2.5", -2.5), ("$.q ?? 'it\\'s'", "it's"), ('$.q ?? "t"', "t"), ("$.q ?? []", []),
    ("$.q ?? {}", {}), ("$.null ?? 3", 3), ("$args.x ?? 3", 5), ("$item.nope ?? 1", 1), ("$index ?? 9", 0)])
def test_a_default_stands_for_what_is_missing_or_null(text: str, value: Json) -> None:
    assert resolve(parse_reference(text), SCOPE) == value


def test_a_default_counts_where_the_root_itself_is_missing() -> None:
    assert resolve(parse_reference("$prev.x ?? 'none'"), Scope()) == "none"


def test_the_offset_is_that_of_the_text_around() -> None:
    reference = parse_reference("when: $.a", 6)
    assert (reference.offset, reference.text) == (6, "$.a")
    with pytest.raises(LangError) as fault:
        parse_reference("when: $.a b", 6)
    assert fault.value.offset == 10


@pytest.mark.parametrize("text", ["", "a", " ", "a.$b", "$", "$.", "$[", "$[]", "$.a..b", "$.a[1", "$.a['x]", "$.a b", "$$.a", "$.a ?? ", "$.a ?? b",
                                  "$.a ?? 1 2", "$args.", "$nope.x", "$index[0]", "$.a[1.5]", "$.a[99999999999999999999]"])
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(LangError) as fault:
        parse_reference(text)
    assert fault.value.code == "invalid-reference" or "string" in fault.value.message
    assert 0 <= fault.value.offset <= len(text)


@pytest.mark.parametrize(("text", "message", "hint"), [
    ("$.aa", "'$.aa' has no value: state has no value for field 'aa'", "did you mean 'a'?"),
    ("$.a.bb", "'$.a.bb' has no value: '$.a' has no key 'bb'", "did you mean 'b'?"),
    ("$.a.b[7]", "'$.a.b[7]' has no value: '$.a.b' has 2 items, no [7]", None),
    ("$.a.b.x", "'$.a.b.x' has no value: '$.a.b' is a list and has no key 'x'", "write $.a.b[0] for its first item"),
    ("$args.y", "'$args.y' has no value: no argument 'y'", "there is 'x'"),
    ("$args.x.y", "'$args.x.y' has no value: '$args.x' is an integer and has no parts", None),
    ("$inputs.fetch_diff", "'$inputs.fetch_diff' has no value: no edge input from 'fetch_diff'", "did you mean 'fetch-diff'?"),
])
def test_a_missing_value_names_the_nearest_one(text: str, message: str, hint: str | None) -> None:
    reference = parse_reference(text)
    assert missing_message(reference, SCOPE) == (message, hint)
    with pytest.raises(NodeError, match="has no value") as fault:
        require(reference, SCOPE)
    assert (fault.value.code, fault.value.retryable) == ("missing-value", False)


@pytest.mark.parametrize(("name", "place"), [("item", "for_each"), ("index", "for_each"), ("iter", "loop"), ("prev", "pipeline")])
def test_a_name_that_does_not_exist_here_says_where_it_does(name: str, place: str) -> None:
    message, hint = missing_message(parse_reference(f"${name}"), Scope())
    assert message == f"'${name}' has no value: there is no ${name} here"
    assert hint is not None
    assert place in hint


def test_bare_names_mean_the_arguments_of_the_node_and_the_run_then_edge_inputs_then_reads() -> None:
    reference, end = scan_bare("x.y", 0)
    assert end == 3
    everywhere: Json = {"y": "reads"}
    assert resolve(reference, Scope(reads={"x": everywhere})) == "reads"
    assert resolve(reference, Scope(reads={"x": everywhere}, inputs={"x": {"y": "inputs"}})) == "inputs"
    assert resolve(reference, Scope(reads={"x": everywhere}, inputs={"x": {"y": 1}}, args={"x": {"y": "args"}})) == "args"
    own = Scope(reads={"x": everywhere}, args={"x": {"y": "args"}}).with_own({"x": {"y": "own"}})
    assert resolve(reference, own) == "own"
    assert resolve(parse_reference("$args.x.y"), own) == "args"
    assert resolve(reference, Scope(state={"x": everywhere})) == "reads"
    assert resolve(reference, Scope(state={"x": everywhere}, reads={})) is MISSING


def test_read_only_views_are_read_like_dictionaries() -> None:
    view: MappingProxyType[str, Json] = MappingProxyType({"a": MappingProxyType({"b": 1})})
    assert resolve(parse_reference("$.a.b"), Scope(state=view)) == 1
