"""Mappings, sequences, anchors, merges, and the frame of a document."""

from __future__ import annotations

import pytest

from oe.errors import SpecError
from oe.lang.yaml import load_yaml, read_yaml


def codes(text: str | bytes) -> list[str]:
    with pytest.raises(SpecError) as refusal:
        load_yaml(text)
    return [problem.code for problem in refusal.value.problems]


@pytest.mark.parametrize(("text", "value"), [
    ("", None), ("\n\n", None), ("# only a note", None), ("---", None), ("---\n...\n", None), ("...\n", None), ("\ufeff", None),
    ("--- a", "a"), ("--- # note\na: 1", {"a": 1}), ("%YAML 1.2\n---\na: 1\n", {"a": 1}), ("%YAML 1.2 # note\n--- a", "a"),
    ("a: 1\n...\n# end\n...\n", {"a": 1}), ("---a: 1", {"---a": 1}), ("....", "...."), ("--- |\n a\n", "a\n"), ("---\ta", "a"),
    ("# first\n\n---\n- a\n...", ["a"]), ("a: --- b", {"a": "--- b"}),
])
def test_frame(text: str, value: object) -> None:
    assert load_yaml(text) == value


@pytest.mark.parametrize(("text", "value"), [
    ("a:\n- 1\n- 2\nb: 3", {"a": [1, 2], "b": 3}), ("a:\n  - 1\n\n  # note\n  - 2", {"a": [1, 2]}), ("- - 1\n  - 2\n- 3", [[1, 2], 3]),
    ("-\n  - 1\n-\n  a: 1\n-\n", [[1], {"a": 1}, None]), ("- a: 1\n  b:\n    c: 2\n- d", [{"a": 1, "b": {"c": 2}}, "d"]),
    ("-   a: 1\n    b: 2", [{"a": 1, "b": 2}]), ("a:\nb:\n", {"a": None, "b": None}), ("a :  1", {"a": 1}), ("a b: 1", {"a b": 1}),
    ("'a': 1\n\"b\": 2\n'c d' : 3", {"a": 1, "b": 2, "c d": 3}), ("a?: 1", {"a?": 1}), ("a: {}\nb: []\n", {"a": {}, "b": []}),
    ("a:\n  b: 1\n# note\nc: 2", {"a": {"b": 1}, "c": 2}), ("a:   # note\n  b: 1", {"a": {"b": 1}}), ("on: push", {"on": "push"}),
    ("a: [1, [2, {b: 3}], 'c', \"d\"]", {"a": [1, [2, {"b": 3}], "c", "d"]}), ("[a: 1, b]", [{"a": 1}, "b"]), ('{"a":1,"b":[2]}', {"a": 1, "b": [2]}),
    ("{a, b: , c: 1}", {"a": None, "b": None, "c": 1}), ("[a,]", ["a"]), ("{a: 1,}", {"a": 1}), ("[\n]", []), ("{a:1}", {"a:1": None}),
    ("a: [\n  1, # one\n  2\n]\n", {"a": [1, 2]}), ("a: {\n  b: 1,\n  c: d\n    e\n}\nf: 1", {"a": {"b": 1, "c": "d e"}, "f": 1}),
    ("- [a,\n   b]\n- c", [["a", "b"], "c"]), ("{a\n: b, \"c\"\n: d}", {"a": "b", "c": "d"}), ("[-1, -a, ?b, :c]", [-1, "-a", "?b", ":c"]),
    ("a: b:c", {"a": "b:c"}), ("{x: http://a/b, y: c}", {"x": "http://a/b", "y": "c"}), ("a: 'b'   # note", {"a": "b"}),
    ("a:\n    - b:\n      - c\n", {"a": [{"b": ["c"]}]}), ("!!map\na: 1", {"a": 1}), ("a: !!str\nb: 1", {"a": "", "b": 1}), ("ä: ö", {"ä": "ö"}),
    ("a: prompt {{ x }} here", {"a": "prompt {{ x }} here"}), ("a: '{{ x }}'", {"a": "{{ x }}"}), ("a: $args.x", {"a": "$args.x"}),
    ("- ''\n- \"\"", ["", ""]), ("a:\n\n\n  b: 1", {"a": {"b": 1}}), ("a: 1\n   \n\t\nb: 2", {"a": 1, "b": 2}), ("a:\t1", {"a": 1}), ("-\ta", ["a"]),
    ("a: 1 \nb: x \t\nc: y\t# note", {"a": 1, "b": "x", "c": "y"}), ("<<x: 1", {"<<x": 1}), ("'<<': 1", {"<<": 1}), ("!!str <<: 1", {"<<": 1}),
])
def test_collections(text: str, value: object) -> None:
    assert load_yaml(text) == value


def test_keys_keep_their_order() -> None:
    assert list(load_yaml("b: 1\na: x\n  y\nc: {z: 1, y: 2}\n'd': 3")) == ["b", "a", "c", "d"]  # type: ignore[arg-type]


def test_aliases_share_the_object() -> None:
    value = load_yaml("base: &b {x: [1]}\none: *b\ntwo: [*b, *b]\n")
    assert isinstance(value, dict)
    assert value["one"] is value["base"]
    assert value["two"][0] is value["two"][1] is value["base"]


@pytest.mark.parametrize(("text", "value"), [
    ("&a b: 1\nc: *a", {"b": 1, "c": "b"}), ("a: &x k\n*x : 2", {"a": "k", "k": 2}), ("- &a\n- *a", [None, None]),
    ("a: &x\n  b: 1\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}), ("a: &x\n- 1\nb: *x", {"a": [1], "b": [1]}), ("- &a 1\n- &a 2\n- *a", [1, 2, 2]),
    ("a: &x |\n  t\nb: *x", {"a": "t\n", "b": "t\n"}), ("[&a b, *a , &c {d: *a }]", ["b", "b", {"d": "b"}]), ("&a\nk: &b v\nl: *b", {"k": "v", "l": "v"}),
])
def test_anchors(text: str, value: object) -> None:
    assert load_yaml(text) == value


@pytest.mark.parametrize(("text", "value"), [
    ("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3", {"x": 1, "y": 3}), ("a: &a {x: 1, y: 2}\nb:\n  y: 3\n  <<: *a", {"x": 1, "y": 3}),
    ("a: &a {x: 1}\nc: &c {x: 2, z: 3}\nb: {<<: [*a, *c], q: 1}", {"x": 1, "z": 3, "q": 1}), ("b:\n  <<: {x: 1}\n  x: 2", {"x": 2}),
    ("b:\n  <<: []\n  x: 2", {"x": 2}), ("a: &a {<<: {x: 1}, y: 2}\nb: {<<: *a}", {"x": 1, "y": 2}), ("b: {'<<': 1, x: 2}", {"<<": 1, "x": 2}),
    ("b:\n  <<:\n    x: 1\n  y: 2", {"x": 1, "y": 2}),
])
def test_merges(text: str, value: object) -> None:
    document = load_yaml(text)
    assert isinstance(document, dict)
    assert document["b"] == value


def test_a_merge_does_not_change_what_is_merged() -> None:
    value = load_yaml("a: &a {x: 1}\nb: {<<: *a, x: 2}\nc: *a\n")
    assert value == {"a": {"x": 1}, "b": {"x": 2}, "c": {"x": 1}}


def test_every_duplicate_and_bad_key_is_reported_at_once() -> None:
    text = "a: 1\na: 2\nb: {c: 1, 'c': 2}\n1: x\na: 3\n"
    with pytest.raises(SpecError) as refusal:
        load_yaml(text, "spec")
    assert [(problem.code, problem.span) for problem in refusal.value.problems] == [
        ("yaml-duplicate-key", ("spec", 2, 1)), ("yaml-duplicate-key", ("spec", 3, 11)), ("yaml-key-type", ("spec", 4, 1)),
        ("yaml-duplicate-key", ("spec", 5, 1))]


def test_the_first_fault_of_syntax_ends_the_reading_but_keeps_what_was_found() -> None:
    assert codes("a: 1\na: 2\nb: @\na: 3\n") == ["yaml-duplicate-key", "yaml-unexpected-character"]


def test_a_continued_duplicate_is_reported_where_it_stands() -> None:
    assert codes("a: 1\na: x\n  y\nb: 1\nb: 2\n") == ["yaml-duplicate-key", "yaml-duplicate-key"]


@pytest.mark.parametrize("line", ["\x85", "\u2028", "\xa0", "\u3000 x"])
def test_a_line_that_only_looks_blank_is_no_entry(line: str) -> None:
    assert codes(f"a: 'b'\n{line}\n") == ["yaml-expected-key"]


def test_problems_are_in_the_order_of_the_text() -> None:
    assert codes("a: 1\na:\n  1: x\nc: @\n") == ["yaml-duplicate-key", "yaml-key-type", "yaml-unexpected-character"]


@pytest.mark.parametrize("text", ["- \"a\": 1\n  b: 2\n", "- 'a' : 1\n  b: 2\n", "- - \"a\": 1\n    b: 2\n"])
def test_a_quoted_key_begins_a_mapping_in_a_sequence(text: str) -> None:
    value = load_yaml(text)
    while isinstance(value, list):
        value = value[0]
    assert value == {"a": 1, "b": 2}

def test_warnings_are_kept_for_a_text_that_is_read() -> None:
    document = read_yaml("a: 010\nb: [007]\n")
    assert [str(warning.span) for warning in document.warnings] == ["<string>:1:4", "<string>:2:5"]


def test_a_text_that_begins_like_a_number_is_not_warned_about() -> None:
    document = read_yaml("a: 010\n  apples\nb:\n- 007\n  spies\n")
    assert document.value == {"a": "010 apples", "b": ["007 spies"]}
    assert document.warnings == ()
