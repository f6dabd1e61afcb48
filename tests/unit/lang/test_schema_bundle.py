"""Schemas whose files are brought in: references of every sort lead to the same place, and values are judged alike."""

from __future__ import annotations

import pytest

from oe.errors import NotFoundError, SpecError
from oe.lang.schema import compile_schema
from oe.lang.schema_bundle import bundle
from oe.values import Json

FILES: dict[str, Json] = {
    "./schemas/finding.json": {
        "type": "object", "required": ["file"], "properties": {
            "file": {"type": "string"}, "level": {"$ref": "levels.json#/$defs/level"},
            "children": {"type": "array", "items": {"$ref": "#"}}}},
    "./schemas/levels.json": {"$defs": {"level": {"$ref": "#/$defs/words"}, "words": {"enum": ["low", "high"]}}},
}


def load(path: str) -> Json:
    if path not in FILES:
        raise NotFoundError(f"there is no file '{path}'")
    return FILES[path]


def test_a_bundle_judges_as_the_files_do() -> None:
    schema: Json = {"type": "object", "properties": {"found": {"type": "array", "items": {"$ref": "./schemas/finding.json"}}}}
    whole = compile_schema(bundle(schema, load))
    apart = compile_schema(schema, load=load)
    for value in ({"found": [{"file": "a", "level": "low", "children": [{"file": "b"}]}]},
                  {"found": [{"file": "a", "level": "odd"}]}, {"found": [{"file": "a", "children": [{}]}]}, {"found": 1}):
        assert whole.violations(value) == apart.violations(value)


def test_the_references_of_a_schema_file_start_from_that_file() -> None:
    whole = bundle(FILES["./schemas/finding.json"], load, "schemas/finding.json")
    assert isinstance(whole, dict)
    assert whole["properties"] == {"file": {"type": "string"}, "level": {"$ref": "#/$defs/file-1/$defs/level"},
                                   "children": {"type": "array", "items": {"$ref": "#"}}}
    assert compile_schema(whole).is_valid({"file": "a", "level": "high"})


def test_a_schema_without_files_stays_as_it_is() -> None:
    schema: Json = {"$defs": {"a": {"type": "string"}}, "properties": {"x": {"$ref": "#/$defs/a"}},
                    "enum": [{"$ref": "./no.json"}], "default": {"$ref": "./no.json"}}
    assert bundle(schema, load) == schema


def test_what_cannot_be_brought_in_is_refused() -> None:
    with pytest.raises(SpecError, match=r"cannot read '\./no\.json': there is no file"):
        bundle({"$ref": "./no.json"}, load)
    with pytest.raises(SpecError, match="remote reference"):
        bundle({"items": {"$ref": "https://example.org/x.json"}}, load)
    deep: Json = {}
    for _ in range(200):
        deep = {"items": deep}
    with pytest.raises(SpecError, match="nested deeper"):
        bundle(deep, load)
