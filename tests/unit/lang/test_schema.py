"""Values against schemas: the message, path and hint of every keyword, and the speed that lets it run on every write."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import pytest

from oe.errors import OeError, SpecError
from oe.lang.document import Path
from oe.lang.schema import Schema, check_schema, compile_schema, path_text
from oe.values import Json
from tests.support.growth import growth, times_as_long


@pytest.mark.parametrize(("schema", "value", "path", "keyword", "message", "hint"), [
    ({"type": "integer"}, "x", (), "type", "expected integer, found string 'x'", None),
    ({"type": ["string", "null"]}, [1], (), "type", "expected string or null, found array", None),
    ({"type": "number"}, float("inf"), (), "type", "expected number, found a number that is not finite", None),
    ({"type": "number"}, True, (), "type", "expected number, found boolean true", None),
    ({"enum": ["red", "green"]}, "gren", (), "enum", "expected one of 'red', 'green', found string 'gren'", "did you mean 'green'?"),
    ({"const": {"a": 1}}, {"a": True}, (), "const", 'expected {"a":1}, found object', None),
    ({"properties": {"a": {"items": {"type": "null"}}}}, {"a": [None, 0]}, ("a", 1), "type", "expected null, found integer 0", None),
    ({"required": ["name"]}, {"nmae": 1}, (), "required", "missing key 'name'", "there is 'nmae'"),
    ({"properties": {"name": True}, "additionalProperties": False}, {"nmae": 1}, ("nmae",), "additionalProperties", "unknown key 'nmae'",
     "did you mean 'name'?"),
    ({"additionalProperties": {"type": "string"}}, {"a": 1}, ("a",), "type", "expected string, found integer 1", None),
    ({"patternProperties": {"^x-": {"type": "string"}}}, {"x-1": 1}, ("x-1",), "type", "expected string, found integer 1", None),
    ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, ("ab",), "propertyNames", "key 'ab': expected at most 1 character, found 2", None),
    ({"minProperties": 2}, {"a": 1}, (), "minProperties", "expected at least 2 keys, found 1", None),
    ({"maxProperties": 0}, {"a": 1}, (), "maxProperties", "expected at most 0 keys, found 1", None),
    ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, (), "dependentRequired", "key 'b' is required beside 'a'", None),
    ({"prefixItems": [{"type": "string"}]}, [1], (0,), "type", "expected string, found integer 1", None),
    ({"contains": {"type": "string"}}, [1], (), "contains", "none of 1 item fits 'contains'", None),
    ({"minItems": 1}, [], (), "minItems", "expected at least 1 item, found 0", None),
    ({"maxItems": 1}, [1, 2], (), "maxItems", "expected at most 1 item, found 2", None),
    ({"uniqueItems": True}, [1, True, {"a": [1]}, {"a": [1.0]}], (), "uniqueItems", "items [2] and [3] are equal", None),
    ({"uniqueItems": True}, [True, ["boolean", 1], ["boolean", 1]], (), "uniqueItems", "items [1] and [2] are equal", None),
    ({"enum": [["boolean", 1]]}, True, (), "enum", 'expected one of ["boolean",1], found boolean true', None),
    ({"minLength": 3}, "🙂🙂", (), "minLength", "expected at least 3 characters, found 2", None),
    ({"maxLength": 1}, "🙂🙂", (), "maxLength", "expected at most 1 character, found 2", None),
    ({"pattern": "^a"}, "ba", (), "pattern", "'ba' does not match the pattern '^a'", None),
    ({"minimum": 1.5}, 1, (), "minimum", "expected at least 1.5, found 1", None),
    ({"maximum": 1}, 2, (), "maximum", "expected at most 1, found 2", None),
    ({"exclusiveMinimum": 1}, 1, (), "exclusiveMinimum", "expected more than 1, found 1", None),
    ({"exclusiveMaximum": 1}, 1.0, (), "exclusiveMaximum", "expected less than 1, found 1.0", None),
    ({"multipleOf": 0.01}, 0.015, (), "multipleOf", "expected a multiple of 0.01, found 0.015", None),
    ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, 1.5, (), "anyOf", "expected string or integer, found number 1.5", None),
    ({"anyOf": [{"type": "null"}, {"required": ["a"]}]}, {}, (), "anyOf", "fits none of 2 alternatives", "the nearest says: missing key 'a'"),
    ({"oneOf": [{"properties": {"k": {"const": "a"}}}, {"properties": {"k": {"const": "b"}, "n": {"minimum": 1}}}]}, {"k": "b", "n": 0}, (),
     "oneOf", "fits none of 2 alternatives", "the nearest says: at .n: expected at least 1, found 0"),
    ({"oneOf": [{"type": "number"}, {"type": "integer"}]}, 1, (), "oneOf", "fits more than one alternative: [0] and [1]", "exactly one must fit"),
    ({"not": {"type": "null"}}, None, (), "not", "fits the schema under 'not'", None),
    ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"a": 1}, (), "required", "missing key 'b'", None),
    (False, 1, (), "false", "no value is allowed here", None),
])
def test_each_keyword_says_what_was_expected_and_found(schema: Json, value: Json, path: Path, keyword: str, message: str, hint: str | None) -> None:
    assert compile_schema(schema).violations(value) == [(path, keyword, message, hint)]
    assert not compile_schema(schema).is_valid(value)


def test_every_violation_is_reported_up_to_the_limit() -> None:
    schema = compile_schema({"items": {"type": "integer", "minimum": 0}, "maxItems": 1})
    found = schema.violations(["x", -1, 2, -3])
    assert [(each.path, each.keyword) for each in found] == [((), "maxItems"), ((0,), "type"), ((1,), "minimum"), ((3,), "minimum")]
    assert schema.violations(["x", -1], limit=1) == schema.violations(["x", -1])[:1]
    assert len(schema.violations(["x"] * 10_000)) == 100


@pytest.mark.parametrize(("step", "value", "fits"), [
    (0.01, 4.35, True), (0.01, 0.07, True), (0.0001, 0.0075, True), (0.0001, 0.00751, False), (0.1, 1e22, True), (1e-8, 12391239123, True),
    (0.123456789, 1e308, False), (3, 10**400, False), (3, 3 * 10**400, True), (0.5, 10**400, True), (1e300, 1e-300, False), (2.5, 0, True),
    (0.1, float("nan"), False)])
def test_multiples_are_exact(step: float, value: float, fits: bool) -> None:
    assert compile_schema({"multipleOf": step}).is_valid(value) is fits


def test_a_recursive_schema_judges_a_tree() -> None:
    schema = compile_schema({"$ref": "#/$defs/node", "$defs": {"node": {
        "type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "children": {"items": {"$ref": "#/$defs/node"}}}}}})
    assert schema.is_valid({"name": "a", "children": [{"name": "b", "children": []}]})
    assert [path_text(each.path) for each in schema.violations({"name": "a", "children": [{"name": "b", "children": [{"name": 1}, {}]}]})] == [
        "$.children[0].children[0].name", "$.children[0].children[1]"]


def test_references_lead_into_files_relative_to_where_they_stand() -> None:
    files: dict[str, Json] = {
        "./schemas/a.json": {"properties": {"b": {"$ref": "sub/b.json#/$defs/n"}, "up": {"$ref": "../top.json"}, "self": {"$ref": "#"}}},
        "./schemas/sub/b.json": {"$defs": {"n": {"$ref": "#/$defs/m~1n"}, "m/n": {"type": "integer"}}},
        "./top.json": {"type": "null"}}
    asked: list[str] = []

    def load(name: str) -> Json:
        asked.append(name)
        return files[name]

    schema = compile_schema({"$ref": "./schemas/a.json"}, load=load)
    assert sorted(asked) == sorted(files)
    assert schema.is_valid({"b": 1, "up": None, "self": {"b": 2}})
    assert [each.path for each in schema.violations({"b": "x", "up": 1, "self": {"b": "y"}})] == [("b",), ("up",), ("self", "b")]


def test_a_file_that_cannot_be_read_is_a_fault_of_the_schema() -> None:
    def load(name: str) -> Json:
        raise OeError(f"no file '{name}'", hint="did you mean './y.json'?")

    with pytest.raises(SpecError) as refusal:
        compile_schema({"properties": {"a": {"$ref": "./x.json"}}}, load=load)
    assert str(refusal.value) == ("error[bad-reference]: $.properties.a['$ref']: cannot read './x.json': no file './x.json' "
                                  "(did you mean './y.json'?)")


def test_what_is_no_json_does_not_fit() -> None:
    assert compile_schema({"type": "array"}).violations((1,)) == [
        ((), "type", "expected a JSON value, found a Python tuple", None)]
    view: Json = MappingProxyType({"a": 1})
    assert compile_schema({"type": "object", "required": ["a"]}).is_valid(view)


def test_check_schema_takes_plain_values_and_names_paths() -> None:
    schema: Json = {"properties": {"a": {"items": {"type": "integer"}}, "odd key": {"type": "null"}}}
    found = check_schema({"a": ["x"], "odd key": 1}, schema)
    assert [str(problem) for problem in found] == ["error[invalid-value]: $.a[0]: expected integer, found string 'x'",
                                                   "error[invalid-value]: $['odd key']: expected null, found integer 1"]
    assert all(problem.span is None for problem in found)
    assert check_schema({"a": [1.0]}, schema) == []


@pytest.mark.parametrize(("value", "message"), [
    ({"a": [float("nan")]}, "$.a[0]: expected a JSON value, found nan"), ({"a": {1: 2}}, "$.a: expected a JSON value, found the key 1"),
    ([{1, 2}], "$[0]: expected a JSON value, found a Python set"), (b"x", "$: expected a JSON value, found a Python bytes")])
def test_check_schema_refuses_what_is_no_json(value: Json, message: str) -> None:
    assert [problem.message for problem in check_schema(value, True)] == [message]


def test_check_schema_ends_on_a_value_that_holds_itself() -> None:
    endless: list[Json] = []
    endless.append(endless)
    assert "nested deeper than" in check_schema(endless, {})[0].message


def test_a_refused_schema_raises_with_every_problem() -> None:
    with pytest.raises(SpecError) as refusal:
        check_schema(1, {"typ": "string", "minimum": "1"})
    assert [problem.message for problem in refusal.value.problems] == [
        "$.typ: unknown keyword 'typ'", "$.minimum: 'minimum': expected a number, found string '1'"]


def checks(schema: Schema) -> Callable[[], None]:
    """A job: very many checks of a number."""
    def check() -> None:
        for _ in range(20_000):
            schema.is_valid(5)
    return check


def test_a_check_costs_little_more_than_a_call() -> None:
    nothing, integer = compile_schema(True), compile_schema({"type": "integer"})
    assert times_as_long(lambda: checks(integer), lambda: checks(nothing), most=8) <= 8


def test_unique_items_take_time_in_proportion() -> None:
    schema = compile_schema({"uniqueItems": True})
    values: dict[int, list[Json]] = {size: [{"n": number} for number in range(size)] for size in (2_000, 40_000)}
    assert schema.is_valid(values[40_000])
    assert growth(lambda size: lambda: schema.is_valid(values[size]), 2_000, 40_000, most=2) <= 2
