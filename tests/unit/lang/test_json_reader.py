"""JSON documents: the value, the places, and what is refused."""

from __future__ import annotations

import json

import pytest

from oe.diagnostics import Span
from oe.errors import SpecError
from oe.lang.document import Path
from oe.lang.json_reader import read_json
from oe.lang.source import MAX_DEPTH, MAX_SIZE


def test_the_value_is_that_of_the_standard_parser() -> None:
    text = '{"a": [1, -2.5e3, true, null, "\\u00e9\\ud83d\\ude00\\n"], "b": {}, "": [[], {}]}'
    assert read_json(text).value == json.loads(text)


@pytest.mark.parametrize("scalar", ["1", '"a"', "null", "true", " 1 ", "[]"])
def test_any_value_may_stand_alone(scalar: str) -> None:
    assert read_json(scalar).value == json.loads(scalar)


TEXT = '{\n  "a": [1, {"b": "x y"}, []],\n  "c\\n": {"d": null}\n}\n'


@pytest.mark.parametrize(("path", "key", "line", "column"), [
    ((), False, 1, 1), (("a",), False, 2, 8), (("a",), True, 2, 3), (("a", 0), False, 2, 9), (("a", 1, "b"), False, 2, 18),
    (("a", 1, "b"), True, 2, 13), (("a", 2), False, 2, 26), (("c\n", "d"), False, 3, 16), (("c\n",), True, 3, 3), (("zz",), False, 1, 1),
])
def test_places(path: Path, key: bool, line: int, column: int) -> None:
    assert read_json(TEXT, "spec").span(path, key=key) == Span("spec", line, column)


def test_a_character_inside_a_string_has_its_place() -> None:
    document = read_json('{"a": "x\\n\\u00e9\\"y z"}')
    assert document.span_inside(("a",), 0).column == 8
    assert document.span_inside(("a",), 4).column == 19
    assert document.span_inside(("a",), 6).column == 21


@pytest.mark.parametrize(("text", "code", "line", "column"), [
    ("", "json-syntax", 1, 1), ("{", "json-syntax", 1, 2), ("[1,\n 2 3]", "json-syntax", 2, 4),
    ("{a: 1}", "json-syntax", 1, 2), ("'a'", "json-syntax", 1, 1), ("[01]", "json-syntax", 1, 3), ('"a\tb"', "json-syntax", 1, 3),
    ('{"a": 1, "b": 2, "a": 3}', "json-duplicate-key", 1, 18), ('{"a": 1, "\\u0061": 3}', "json-duplicate-key", 1, 10),
    ('[{"x": {"a": 1,\n"a": 2}}]', "json-duplicate-key", 2, 1), ("[NaN]", "json-number", 1, 2), ("[1, -Infinity]]]", "json-number", 1, 5),
    ("[1e999]", "json-number", 1, 2), ("[" + "1" * 5000 + "]", "json-number", 1, 2), ("[1, 1" + "0" * 400 + ".0]", "json-number", 1, 5),
    ('["\\ud800"]', "json-surrogate", 1, 2), ('["\\udc00\\ud800"]', "json-surrogate", 1, 2), ('{"\\ud800": 1}', "json-surrogate", 1, 2),
    ("[\0]", "json-control-character", 1, 2), ("[" * 100_000, "json-depth", 1, MAX_DEPTH + 1), ('{"a":' * 100_000, "json-depth", 1, MAX_DEPTH * 5 + 1),
    ("[" * 300 + "]" * 300, "json-depth", 1, MAX_DEPTH + 1),
])
def test_refusals(text: str, code: str, line: int, column: int) -> None:
    with pytest.raises(SpecError) as refusal:
        read_json(text, "spec")
    assert (refusal.value.problems[0].code, refusal.value.problems[0].span) == (code, Span("spec", line, column))


def test_all_duplicates_are_reported() -> None:
    with pytest.raises(SpecError) as refusal:
        read_json('{"a": 1, "a": {"b": 1, "b": 2}}')
    assert [str(problem) for problem in refusal.value.problems] == [
        "<string>:1:10: error[json-duplicate-key]: key 'a' is here a second time (the first is on line 1)",
        "<string>:1:24: error[json-duplicate-key]: key 'b' is here a second time (the first is on line 1)"]


def test_the_depth_that_is_read() -> None:
    assert read_json("[" * MAX_DEPTH + "]" * MAX_DEPTH).value


@pytest.mark.parametrize("data", [b'\xef\xbb\xbf{"a": "\xc3\xa9"}', '{"a": "é"}'.encode("utf-16"), '{"a":\r\n"é"}'.encode()])
def test_bytes(data: bytes) -> None:
    assert read_json(data).value == {"a": "é"}


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(SpecError) as refusal:
        read_json(b'{"a": "\xff"}')
    assert refusal.value.problems[0].code == "json-encoding"


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(SpecError) as refusal:
        read_json(" " * (MAX_SIZE + 1))
    assert refusal.value.problems[0].code == "json-size"
