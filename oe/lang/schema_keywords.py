"""The JSON Schema subset (2020-12) as tables: which keywords there are, what each takes, and which are refused."""

from __future__ import annotations

from typing import Literal

Shape = Literal["schema", "schemas", "schema map", "pattern map", "type", "list", "anything", "names", "names map",
                "count", "number", "positive number", "flag", "text", "pattern", "reference", "dialect"]

SHAPES: dict[str, Shape] = {
    "type": "type", "enum": "list", "const": "anything",
    "properties": "schema map", "required": "names", "additionalProperties": "schema",
    "patternProperties": "pattern map", "propertyNames": "schema", "minProperties": "count", "maxProperties": "count",
    "dependentRequired": "names map",
    "items": "schema", "prefixItems": "schemas", "contains": "schema", "minItems": "count", "maxItems": "count",
    "uniqueItems": "flag",
    "minLength": "count", "maxLength": "count", "pattern": "pattern",
    "minimum": "number", "maximum": "number", "exclusiveMinimum": "number", "exclusiveMaximum": "number",
    "multipleOf": "positive number",
    "anyOf": "schemas", "oneOf": "schemas", "allOf": "schemas", "not": "schema",
    "if": "schema", "then": "schema", "else": "schema",
    "$ref": "reference", "$defs": "schema map",
    "$schema": "dialect", "$comment": "text", "title": "text", "description": "text", "default": "anything",
    "examples": "list", "format": "text", "deprecated": "flag", "readOnly": "flag", "writeOnly": "flag",
}
"""Every keyword of the subset with what its value must be."""

REFUSED: dict[str, str] = {
    "$id": "leave it out: references are '#/$defs/name' or './file.json'",
    "id": "leave it out: references are '#/$defs/name' or './file.json'",
    "$anchor": "refer to '#/$defs/name'",
    "$dynamicAnchor": "refer to '#/$defs/name'",
    "$dynamicRef": "write $ref",
    "$recursiveAnchor": "refer to '#/$defs/name'",
    "$recursiveRef": "write $ref",
    "$vocabulary": "leave it out",
    "unevaluatedProperties": "write additionalProperties",
    "unevaluatedItems": "write items beside prefixItems",
    "dependentSchemas": "write if and then",
    "dependencies": "write dependentRequired, or if and then",
    "minContains": "write contains",
    "maxContains": "write contains",
    "definitions": "write $defs",
    "additionalItems": "write items beside prefixItems",
    "contentEncoding": "leave it out: it asserts nothing",
    "contentMediaType": "leave it out: it asserts nothing",
    "contentSchema": "leave it out: it asserts nothing",
    "nullable": "write type: [string, 'null']",
}
"""Keywords of JSON Schema and its neighbours that are outside the subset, with what to write instead."""

TYPES = ("string", "integer", "number", "boolean", "null", "array", "object")
DIALECT = "https://json-schema.org/draft/2020-12/schema"
DEEPEST_SCHEMA = 64
"""Levels of schemas within schemas, in one text."""
