"""The quick test of a value's shape passes nothing that the check itself refuses, and nearly all that is usual."""

from __future__ import annotations

import pytest

from oe.kinds import KINDS
from oe.spec.graph_levels import EDGE, FOR_EACH, GRAPH, LOOP, NODE, ON_ERROR, OUTPUT, PIPELINE
from oe.spec.shape import find_misfits, is_plain, quick_test
from oe.spec.top_levels import EXPERIENCE
from oe.values import Json

LEVELS = (EXPERIENCE, GRAPH, NODE, EDGE, FOR_EACH, ON_ERROR, OUTPUT, PIPELINE, LOOP)
KEYS = [(f"{name}.{key.name}", key.schema) for name, keys in (
    *((level.name, level.keys) for level in LEVELS), *((kind.name, kind.keys) for kind in KINDS.values()))
    for key in keys]
VALUES: tuple[Json, ...] = (
    None, True, False, 0, 1, -1, 1.5, 10**30, "", " ", "a", "a b", "tool", "all", "5s", "$.x", "-", "ä\n", "a\n", [], [""], ["a"],
    ["a", "a b"], ["a", 1], [["a"]], [{}], [None], {}, {"a": 1}, {"a": None}, {"a": ["b"]}, {"": {}}, {"a": {"b": "c"}})


@pytest.mark.parametrize(("name", "schema"), KEYS, ids=[name for name, _ in KEYS])
def test_what_passes_quickly_fits(name: str, schema: Json) -> None:
    fits = quick_test(schema)
    passed = [value for value in VALUES if fits(value)]
    assert [value for value in passed if find_misfits(value, schema, is_plain=is_plain(schema))] == []


@pytest.mark.parametrize(("schema", "value"), [
    ({"type": "string"}, ""), ({"type": "string", "minLength": 1}, "a"), ({"type": "string", "pattern": "^a$"}, "a"),
    ({"type": "boolean"}, False), ({"enum": ["a", "b"]}, "b"), ({"type": "object"}, {"a": 1}),
    ({"type": "array", "items": {"type": "string"}}, ["a"]), ({"type": "array", "minItems": 1}, [1]),
    ({"anyOf": [{"type": "boolean"}, {"type": "array", "items": {"enum": ["a"]}}]}, ["a", "a"]),
])
def test_what_is_usual_passes_quickly(schema: Json, value: Json) -> None:
    assert quick_test(schema)(value)
