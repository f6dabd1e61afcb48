"""Random schemas and values are judged as the package `jsonschema` judges them; hostile ones end in bounded time."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema
import pytest

from oe.errors import OeError, SpecError
from oe.lang.schema import check_schema, compile_schema, schema_problems
from oe.lang.schema_keywords import SHAPES
from oe.values import Json
from tests.support.growth import quickest

NAMES = ["a", "b", "ab", "x-1", ""]
PATTERNS = ["^a", "b$", "^[a-z]+$", "x-\\d", "."]


class Making:
    """Makes schemas of the subset and values that stand a fair chance of fitting."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def value(self, depth: int) -> Any:
        kind = self.random.randrange(8 if depth else 6)
        if kind == 0:
            return self.random.choice([None, True, False])
        if kind == 1:
            return self.random.choice([0, 1, 2, 3, -4, 10**20])
        if kind == 2:
            return self.random.choice([0.0, 1.0, 1.5, -2.5, 3.0])
        if kind <= 5:
            return self.random.choice([*NAMES, "héé", "🙂🙂", "aaa"])
        if kind == 6:
            return [self.value(depth - 1) for _ in range(self.random.randrange(4))]
        return {self.random.choice(NAMES): self.value(depth - 1) for _ in range(self.random.randrange(4))}

    def schema(self, depth: int) -> Any:
        if depth == 0 or self.random.random() < 0.1:
            return self.random.choice([True, False, {}, {"type": "integer"}, {"type": ["string", "null"]}, {"minLength": 1}])
        keywords = self.random.sample(MAKERS, self.random.randrange(1, 4))
        made: dict[str, Any] = {}
        for make in keywords:
            made |= make(self, depth - 1)
        return made

    def map(self, depth: int, names: list[str]) -> dict[str, Any]:
        return {name: self.schema(depth) for name in self.random.sample(names, self.random.randrange(1, 3))}

    def several(self, depth: int) -> list[Any]:
        return [self.schema(depth) for _ in range(self.random.randrange(1, 4))]

    def small(self) -> int:
        return self.random.randrange(4)


MAKERS: list[Any] = [
    lambda m, d: {"type": m.random.choice(["string", "integer", "number", "boolean", "null", "array", "object"])},
    lambda m, d: {"type": m.random.sample(["string", "integer", "number", "boolean", "null", "array", "object"], 2)},
    lambda m, d: {"enum": [m.value(2) for _ in range(3)]},
    lambda m, d: {"const": m.value(2)},
    lambda m, d: {"properties": m.map(d, NAMES), "additionalProperties": m.schema(d)},
    lambda m, d: {"properties": m.map(d, NAMES), "required": m.random.sample(NAMES, 2)},
    lambda m, d: {"patternProperties": m.map(d, PATTERNS), "additionalProperties": m.schema(d)},
    lambda m, d: {"propertyNames": m.schema(d)},
    lambda m, d: {"minProperties": m.small(), "maxProperties": m.small() + 1},
    lambda m, d: {"dependentRequired": {"a": ["b"], "": ["ab", "a"]}},
    lambda m, d: {"items": m.schema(d)},
    lambda m, d: {"prefixItems": m.several(d), "items": m.schema(d)},
    lambda m, d: {"contains": m.schema(d)},
    lambda m, d: {"minItems": m.small(), "maxItems": m.small() + 1.0},
    lambda m, d: {"uniqueItems": m.random.choice([True, False])},
    lambda m, d: {"minLength": m.small(), "maxLength": m.small() + 1},
    lambda m, d: {"pattern": m.random.choice(PATTERNS)},
    lambda m, d: {"minimum": m.small(), "exclusiveMaximum": 3.0},
    lambda m, d: {"exclusiveMinimum": -1, "maximum": m.small()},
    lambda m, d: {"multipleOf": m.random.choice([1, 2, 0.5])},
    lambda m, d: {"anyOf": m.several(d)},
    lambda m, d: {"oneOf": m.several(d)},
    lambda m, d: {"allOf": m.several(d)},
    lambda m, d: {"not": m.schema(d)},
    lambda m, d: {"if": m.schema(d), "then": m.schema(d), "else": m.schema(d)},
    lambda m, d: {"$ref": "#/$defs/one"},
    lambda m, d: {"$ref": "#/$defs/a~1b%25"},
]


@pytest.mark.parametrize("seed", range(6))
def test_random_schemas_agree_with_jsonschema(seed: int) -> None:
    making = Making(seed)
    fitting = failing = 0
    for _ in range(250):
        schema = making.schema(3)
        if isinstance(schema, dict):
            schema["$defs"] = {"one": {"type": ["integer", "array"], "minItems": 1}, "a/b%": {"items": {"type": "string"}}}
        ours = compile_schema(schema)
        theirs = jsonschema.Draft202012Validator(schema)
        for _ in range(12):
            value = making.value(3)
            expected = theirs.is_valid(value)
            assert ours.is_valid(value) == expected, (json.dumps(schema), value)
            assert (check_schema(value, schema) == []) == expected
            fitting, failing = fitting + expected, failing + (not expected)
    assert fitting > 500
    assert failing > 500


@pytest.mark.parametrize("seed", range(4))
def test_violations_lead_to_parts_that_exist(seed: int) -> None:
    making = Making(1000 + seed)
    followed = 0
    for _ in range(1500):
        schema = making.schema(3)
        if isinstance(schema, dict):
            schema["$defs"] = {"one": {"items": {"type": "null"}}, "a/b%": True}
        value = making.value(4)
        for violation in compile_schema(schema).violations(value):
            part = value
            for step in violation.path:
                part = part[step]
            assert violation.keyword in SHAPES or violation.keyword == "false"
            assert violation.message
            followed += len(violation.path)
    assert followed > 50


@pytest.mark.parametrize("seed", range(4))
def test_broken_schemas_are_refused_with_positions_and_never_crash(seed: int) -> None:
    making = Making(seed)
    chooser = making.random
    refused = 0
    for _ in range(400):
        schema: Any = making.schema(3)
        for _ in range(chooser.randrange(3)):
            schema = damaged(schema, chooser)
        problems = schema_problems(schema)
        for problem in problems:
            assert problem.code and problem.message
            assert leads_somewhere(schema, problem.path), (schema, problem)
        try:
            compile_schema(schema).violations(making.value(3))
            assert not problems
        except SpecError as error:
            assert error.problems
            refused += 1
    assert refused > 50


def damaged(schema: Any, chooser: random.Random) -> Any:
    """The schema with one keyword renamed, retyped or redirected, at some depth."""
    if not isinstance(schema, dict) or not schema:
        return chooser.choice([5, "string", None, [], {"type": "int"}, {"$ref": "#/nowhere"}])
    copy = dict(schema)
    key = chooser.choice(list(copy))
    kind = chooser.randrange(4)
    if kind == 0:
        copy[key + chooser.choice(["s", "X", ""])] = copy.pop(key)
    elif kind == 1:
        copy[key] = chooser.choice([None, -1, "x", [], {}, [1], {"a": 1}, True, float("nan")])
    elif kind == 2:
        copy["$ref"] = chooser.choice(["#", "#/", "#/$defs", "#/properties/a", "x.json", "http://x", "#a", "", 5])
    elif isinstance(copy[key], dict):
        copy[key] = damaged(copy[key], chooser)
    return copy


def leads_somewhere(value: Any, path: tuple[str | int, ...]) -> bool:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def nested(depth: int, wrap: Any) -> Json:
    value: Json = None
    for _ in range(depth):
        value = wrap(value)
    return value


DOUBLING = {f"a{level}": {"allOf": [{"$ref": f"#/$defs/a{level + 1}"}] * 2} for level in range(60)}
HOSTILE: dict[str, tuple[Any, Any]] = {
    "deep-object": ({"properties": {"next": {"$ref": "#"}}}, nested(50_000, lambda inner: {"next": inner})),
    "deep-list": ({"anyOf": [{"type": "null"}, {"items": {"$ref": "#"}}]}, nested(50_000, lambda inner: [inner])),
    "deep-item": ({"uniqueItems": True}, [nested(50_000, lambda inner: [inner])]),
    "deep-constant": ({"const": 5}, nested(50_000, lambda inner: [inner])),
    "doubling": ({"$ref": "#/$defs/a0", "$defs": {**DOUBLING, "a60": {"type": "integer"}}}, 5),
    "branching": ({"anyOf": [{"properties": {"next": {"$ref": "#"}}, "required": ["q"]}] * 2},
                  nested(60, lambda inner: {"next": inner})),
    "long-text": ({"pattern": "^(a|b)*c*c*d"}, "ab" * 600_000),
    "tiny-step": ({"multipleOf": 1e-300}, 1e300),
    "huge-number": ({"multipleOf": 0.123456789}, 1e308),
    "many-digits": ({"maximum": 1e308, "multipleOf": 0.7}, 10**5000),
    "many-digits-listed": ({"enum": [10**5000]}, 10**5000 - 1),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values_end_in_bounded_time(name: str) -> None:
    schema, value = HOSTILE[name]
    assert quickest(lambda: compile_schema(schema).violations(value), most=50) <= 50
    violations = compile_schema(schema).violations(value)
    assert violations or name == "tiny-step"
    assert all(len(violation.message) < 1000 for violation in violations)


def test_a_deep_schema_is_refused() -> None:
    with pytest.raises(OeError, match="nested deeper"):
        compile_schema(nested(20_000, lambda inner: {"not": inner or True}))
