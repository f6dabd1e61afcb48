"""Faults of schemas: each keyword outside the subset, ill-typed value and broken reference, with place and hint."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oe.lang.document import Path
from oe.lang.schema import SchemaProblem, schema_problems
from oe.lang.schema_keywords import REFUSED, SHAPES
from oe.values import Json
from tests.support.growth import growth

ANNOTATED: Json = {
    "$schema": "https://json-schema.org/draft/2020-12/schema", "$comment": "c", "title": "t", "description": "d", "default": 1,
    "examples": [1], "format": "date", "deprecated": True, "readOnly": False, "writeOnly": False, "type": "string"}


@pytest.mark.parametrize("schema", [True, False, {}, ANNOTATED, {"enum": []}, {"maxLength": 2.0}, {"type": ["null"]},
                                    {"properties": {"$ref": {"type": "string"}, "definitions": True}}, {"const": {"$id": "x"}}])
def test_what_is_a_schema(schema: Json) -> None:
    assert schema_problems(schema) == []


@pytest.mark.parametrize("keyword", REFUSED)
def test_keywords_outside_the_subset_are_refused_by_name(keyword: str) -> None:
    assert keyword not in SHAPES
    problems = schema_problems({"properties": {"a": {keyword: True}}})
    assert [(problem.path, problem.code, problem.hint) for problem in problems] == [
        (("properties", "a", keyword), "refused-keyword", REFUSED[keyword])]
    assert f"'{keyword}'" in problems[0].message


@pytest.mark.parametrize(("schema", "path", "code", "message", "hint"), [
    ("string", (), "not-a-schema", "expected a schema (an object, true or false), found string 'string'", "write {type: string}"),
    (None, (), "not-a-schema", "expected a schema (an object, true or false), found null", None),
    ({"requried": ["a"]}, ("requried",), "unknown-keyword", "unknown keyword 'requried'", "did you mean 'required'?"),
    ({"minlength": 1}, ("minlength",), "unknown-keyword", "unknown keyword 'minlength'", "did you mean 'minLength'?"),
    ({"type": "int"}, ("type",), "ill-typed-keyword", "'type': expected a type (string, integer, number, boolean, null, array, object), "
     "found string 'int'", "did you mean integer?"),
    ({"type": None}, ("type",), "ill-typed-keyword", "'type': expected a type (string, integer, number, boolean, null, array, object), "
     "found null", "did you mean 'null' in quotes?"),
    ({"type": ["null", "null"]}, ("type",), "ill-typed-keyword", "'type': expected every type once, found array", None),
    ({"enum": "a"}, ("enum",), "ill-typed-keyword", "'enum': expected a list, found string 'a'", None),
    ({"required": True}, ("required",), "ill-typed-keyword", "'required': expected a list of names, found boolean true",
     "an object names those that it needs: required: [name]"),
    ({"required": ["a", "a"]}, ("required",), "ill-typed-keyword", "'required': expected every name once, found array", None),
    ({"dependentRequired": {"a": "b"}}, ("dependentRequired",), "ill-typed-keyword",
     "'dependentRequired': expected a list of names, found object", None),
    ({"minItems": -1}, ("minItems",), "ill-typed-keyword", "'minItems': expected a whole number of at least 0, found integer -1", None),
    ({"minItems": True}, ("minItems",), "ill-typed-keyword", "'minItems': expected a whole number of at least 0, found boolean true", None),
    ({"maximum": float("nan")}, ("maximum",), "ill-typed-keyword", "'maximum': expected a number, found number nan", None),
    ({"multipleOf": 0}, ("multipleOf",), "ill-typed-keyword", "'multipleOf': expected a number above 0, found integer 0", None),
    ({"uniqueItems": "yes"}, ("uniqueItems",), "ill-typed-keyword", "'uniqueItems': expected true or false, found string 'yes'", None),
    ({"properties": ["a"]}, ("properties",), "ill-typed-keyword", "'properties': expected an object of schemas, found array", None),
    ({"properties": {"a": "string"}}, ("properties", "a"), "not-a-schema",
     "expected a schema (an object, true or false), found string 'string'", "write {type: string}"),
    ({"anyOf": []}, ("anyOf",), "ill-typed-keyword", "'anyOf': expected a list of schemas that is not empty, found array", None),
    ({"allOf": [1]}, ("allOf", 0), "not-a-schema", "expected a schema (an object, true or false), found integer 1", None),
    ({"items": [True]}, ("items",), "not-a-schema", "expected a schema (an object, true or false), found array", None),
    ({"$schema": "http://json-schema.org/draft-07/schema#"}, ("$schema",), "ill-typed-keyword",
     "'$schema': expected 'https://json-schema.org/draft/2020-12/schema', found string 'http://json-schema.org/draft-07/schema#'", None),
    ({"pattern": "["}, ("pattern",), "bad-pattern", "'[': '[' is not closed", "end it with ], or write \\[ for the character itself"),
    ({"patternProperties": {"(a+)+": True}}, ("patternProperties", "(a+)+"), "bad-pattern",
     "'(a+)+': pattern can take exponential time: a repeat inside a repeat, or two ways through one, that match the same text",
     "let each part of the text be matched in one way only, as in ^[a-z]+(-[a-z]+)*$"),
    ({"$ref": 5}, ("$ref",), "ill-typed-keyword", "'$ref': expected a text, found integer 5", None),
    ({"$ref": "#/$defs/nmae", "$defs": {"name": True}}, ("$ref",), "bad-reference", "'#/$defs/nmae' leads nowhere: there is no 'nmae'",
     "did you mean 'name'?"),
    ({"$ref": "#/prefixItems/1", "prefixItems": [True]}, ("$ref",), "bad-reference", "'#/prefixItems/1' leads nowhere: there is no '1'", None),
    ({"$ref": "#name"}, ("$ref",), "bad-reference", "anchor '#name' is not available", "refer to '#/$defs/name'"),
    ({"$ref": "https://example.org/s.json"}, ("$ref",), "bad-reference", "remote reference 'https://example.org/s.json' is not available",
     "copy the schema into a file and refer to './file.json'"),
    ({"$ref": "urn:x:y"}, ("$ref",), "bad-reference", "remote reference 'urn:x:y' is not available",
     "copy the schema into a file and refer to './file.json'"),
    ({"$ref": "//host/s.json"}, ("$ref",), "bad-reference", "remote reference '//host/s.json' is not available",
     "copy the schema into a file and refer to './file.json'"),
    ({"$ref": "/etc/passwd"}, ("$ref",), "bad-reference", "reference '/etc/passwd' is an absolute path", "write a path relative to this file"),
    ({"$ref": "./s.json"}, ("$ref",), "bad-reference", "file reference './s.json' is not available here",
     "put the schema under $defs and refer to '#/$defs/name'"),
    ({"$ref": "#/properties", "properties": {"type": True}}, ("$ref",), "ill-typed-keyword",
     "in '#/properties/type': 'type': expected a type (string, integer, number, boolean, null, array, object), found boolean true", None),
    ({"$ref": "#"}, (), "endless-reference", "schema refers to itself without end", "let it recur inside properties or items"),
    ({"anyOf": [True, {"$ref": "#/$defs/a"}], "$defs": {"a": {"not": {"$ref": "#"}}}}, (), "endless-reference",
     "schema refers to itself without end", "let it recur inside properties or items"),
])
def test_each_fault_has_a_place_a_message_and_a_hint(schema: Json, path: Path, code: str, message: str, hint: str | None) -> None:
    assert SchemaProblem(path, code, message, hint) in schema_problems(schema)


def test_every_fault_is_reported() -> None:
    problems = schema_problems({"typ": 1, "properties": {"a": {"minimum": "x"}, "b": {"$ref": "#/no"}}, "items": 5})
    assert sorted(problem.path for problem in problems) == [("items",), ("properties", "a", "minimum"), ("properties", "b", "$ref"), ("typ",)]


def test_a_fault_in_a_file_names_the_file_at_the_reference() -> None:
    problems = schema_problems({"items": {"$ref": "./x.json#/$defs/a"}}, load=lambda name: {"$defs": {"a": {"items": {"typ": 1}}}})
    assert problems == [SchemaProblem(("items", "$ref"), "unknown-keyword", "in './x.json#/$defs/a/items/typ': unknown keyword 'typ'",
                                      "did you mean 'type'?")]


def test_recursion_inside_the_value_is_no_fault() -> None:
    assert schema_problems({"properties": {"next": {"$ref": "#"}}, "items": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}) == []
    assert schema_problems({"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}], "$defs": {"a": True}}) == []


def test_thousands_of_faults_are_cut() -> None:
    assert len(schema_problems({"allOf": [{"typ": 1}] * 1 + [{f"k{index}": 1} for index in range(5_000)]})) <= 1_000


def test_a_long_chain_of_references_is_followed_in_time_in_proportion() -> None:
    def chain(size: int) -> Callable[[], object]:
        links: dict[str, Json] = {f"a{number}": {"$ref": f"#/$defs/a{number + 1}"} for number in range(size)}
        schema: Json = {"$ref": "#/$defs/a0", "$defs": {**links, f"a{size}": True}}
        return lambda: schema_problems(schema)
    assert growth(chain, 1_500, 15_000, most=2) <= 2
