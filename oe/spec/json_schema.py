"""The JSON Schema of the whole format, made of the key tables: for editors, and for programs that write experiences.

It says what the tables say; whether the parts fit each other is for `oe validate`.
"""

from __future__ import annotations

from collections.abc import Iterable

from oe.lang.schema_keywords import SHAPES
from oe.spec.graph_levels import GRAPH_LEVELS, NODE
from oe.spec.keys import Key
from oe.spec.level import Level
from oe.spec.section import KeyTable
from oe.spec.sources import KindRules
from oe.spec.top_levels import ARGUMENT, EXPERIENCE, FIELD, TOP_LEVELS
from oe.values import Json, JsonObject

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def experience_schema(kinds: Iterable[KindRules]) -> dict[str, Json]:
    """The schema of an experience file whose nodes are of these kinds."""
    definitions: dict[str, Json] = {level.name: _level(level) for level in (*TOP_LEVELS, *GRAPH_LEVELS)
                                    if level not in (EXPERIENCE, NODE)}
    variants: list[Json] = []
    for kind in kinds:
        keys = tuple(KeyTable((*NODE.keys, *kind.keys)).keys.values())
        node = _mapping(keys, f"A node of kind {kind.name}.")
        node["properties"] = {**_properties(keys), "kind": {"const": kind.name}}
        definitions[f"node-{kind.name}"] = node
        variants.append({"$ref": f"#/$defs/node-{kind.name}"})
    definitions[NODE.name] = {"anyOf": variants, "description": NODE.doc}
    top = _mapping(EXPERIENCE.keys, "An experience of oe.")
    return {"$schema": DIALECT, "title": "experience", **top, "$defs": definitions}


def _level(level: Level) -> Json:
    schema = _mapping(level.keys, level.doc)
    if level in (ARGUMENT, FIELD):
        keywords: dict[str, Json] = {name: True for name in SHAPES}
        schema["properties"] = {**keywords, **_properties(level.keys)}
    return schema


def _mapping(keys: tuple[Key, ...], doc: str) -> dict[str, Json]:
    schema: dict[str, Json] = {"type": "object", "description": doc, "properties": _properties(keys),
                               "additionalProperties": False}
    required: list[Json] = [key.name for key in keys if key.required]
    if required:
        schema["required"] = required
    return schema


def _properties(keys: tuple[Key, ...]) -> dict[str, Json]:
    return {key.name: _property(key) for key in keys}


def _property(key: Key) -> JsonObject:
    schema: dict[str, Json] = dict(key.schema) if isinstance(key.schema, dict) else {}
    schema["description"] = key.doc
    if key.default is not None:
        schema["default"] = key.default
    if key.accepted is not None:
        schema["deprecated"] = True
    return schema
