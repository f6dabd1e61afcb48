"""What can be seen of a reference without running: whether its root exists there, and whether the schemas allow its
path. Follows a schema as far as it is closed; where it is open, it says nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from oe.errors import OeError
from oe.lang.reference import Reference, Segment
from oe.lang.schema_refs import RefProblem, split_reference
from oe.text import clip, did_you_mean
from oe.values import Json, JsonObject

_OPEN = frozenset({"anyOf", "oneOf", "allOf", "not", "if", "then", "else"})
_BESIDE_REFERENCE = frozenset({"$ref", "$defs", "$comment", "$schema", "title", "description", "default", "examples",
                               "format", "deprecated", "readOnly", "writeOnly"})
"""What says nothing of a value's parts. With more beside it a `$ref` is taken as open: both would have to be read."""

_LONGEST_CHAIN = 32
_NOUNS = {"array": "a list", "string": "a text", "integer": "a number", "number": "a number",
          "boolean": "true or false", "null": "null", "object": "a mapping"}

Loader = Callable[[str], Json]
Near = Callable[[str, Collection[str]], "str | None"]
"""A hint that names, of a collection, what was probably meant by a word."""


class _At(NamedTuple):
    """A place in a schema: what its own references start from is the document `root`, which the file `file` holds."""

    schema: Json
    root: Json
    file: str


class Flaw(NamedTuple):
    """What is wrong with a reference, `offset` code points from its start."""

    code: str
    message: str
    hint: str | None
    offset: int


def find_path_flaw(reference: Reference, skip: int, schema: Json, load: Loader,
                   near: Near = did_you_mean) -> Flaw | None:
    """The first segment from number `skip` on that the schema has no place for."""
    at = _At(schema, schema, "")
    for number in range(skip, len(reference.segments)):
        at = _dereference(at, load)
        if not isinstance(at.schema, Mapping) or _OPEN.intersection(at.schema):
            return None
        segment = reference.segments[number]
        problem = _misfit(reference, number, at.schema, near)
        if problem is not None:
            message, hint = problem
            offset = segment_offset(reference, number)
            return Flaw("unknown-path", f"'{clip(reference.text, 60)}': {message}", hint, offset)
        at = at._replace(schema=_step(at.schema, segment))
    return None


def types_at(reference: Reference, skip: int, schema: Json, load: Loader) -> tuple[str, ...]:
    """The types that the schema allows where the reference leads; none where it is open."""
    at = _At(schema, schema, "")
    for segment in reference.segments[skip:]:
        at = _dereference(at, load)
        if not isinstance(at.schema, Mapping) or _OPEN.intersection(at.schema):
            return ()
        at = at._replace(schema=_step(at.schema, segment))
    schema = _dereference(at, load).schema
    declared = schema.get("type") if isinstance(schema, Mapping) and not _OPEN.intersection(schema) else None
    return (declared,) if isinstance(declared, str) else tuple(map(str, declared)) if isinstance(declared, list) else ()


def segment_offset(reference: Reference, number: int) -> int:
    """Where a segment stands, from the start of the reference."""
    position = {"bare": 0, "state": 1}.get(reference.root, 1 + len(reference.root))
    for segment in reference.segments[:number]:
        found = reference.text.find(str(segment), position)
        position = found + len(str(segment)) if found >= 0 else position
    found = reference.text.find(str(reference.segments[number]), position)
    return max(found, 0)


def _dereference(at: _At, load: Loader) -> _At:
    """Where a chain of `$ref` ends; an open schema where it cannot be followed, which is reported elsewhere."""
    schema, root, file = at
    for _ in range(_LONGEST_CHAIN):
        if not isinstance(schema, Mapping) or "$ref" not in schema:
            return _At(schema, root, file)
        if not _BESIDE_REFERENCE.issuperset(schema):
            break
        try:
            target, pointer = split_reference(str(schema["$ref"]), file)
            if target != file:
                root, file = load(target), target
        except (OeError, RefProblem):
            break
        schema = root
        for step in pointer.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            schema = schema.get(name, True) if isinstance(schema, Mapping) else True
    return _At(True, root, file)


def _misfit(reference: Reference, number: int, schema: JsonObject, near: Near) -> tuple[str, str | None] | None:
    segment = reference.segments[number]
    wanted = "array" if isinstance(segment, int) else "object"
    declared = schema.get("type")
    types = [declared] if isinstance(declared, str) else declared if isinstance(declared, list) else None
    if types is not None and wanted not in types:
        return _wrong_type(reference, number, str(types[0]) if types else "")
    if isinstance(segment, int):
        return _past_the_end(segment, schema)
    return _unknown_property(segment, schema, near)


def _wrong_type(reference: Reference, number: int, declared: str) -> tuple[str, str | None]:
    segment = reference.segments[number]
    before = reference.text[:segment_offset(reference, number)].rstrip(".[ \"'")
    noun = _NOUNS.get(declared, declared)
    if declared != "array":
        return f"'{clip(before, 40)}' is {noun} and has no {'items' if isinstance(segment, int) else 'keys'}", None
    hint = f"write length({before})" if segment in ("length", "size", "count") else f"write {before}[0].{segment}"
    return f"'{clip(before, 40)}' is a list and has no key '{clip(str(segment), 40)}'", hint


def _past_the_end(segment: int, schema: JsonObject) -> tuple[str, str | None] | None:
    most = schema.get("maxItems")
    if isinstance(most, int) and segment >= most:
        return f"the list has at most {most} items, and they count from 0", None
    return None


def _unknown_property(segment: str, schema: JsonObject, near: Near) -> tuple[str, str | None] | None:
    properties = schema.get("properties")
    known = properties if isinstance(properties, Mapping) else {}
    others = schema.get("additionalProperties")
    if segment in known or "patternProperties" in schema or others is True or isinstance(others, Mapping):
        return None
    if not known and others is None:
        return None
    hint = near(segment, known)
    if hint is None:
        hint = (f"it has {', '.join(repr(name) for name in list(known)[:8])}" if others is False
                else f"declare '{clip(segment, 40)}' under properties, or say additionalProperties: true")
    return f"its schema has no property '{clip(segment, 40)}'", hint


def _step(schema: JsonObject, segment: Segment) -> Json:
    if isinstance(segment, int):
        first = schema.get("prefixItems")
        if isinstance(first, list) and segment < len(first):
            item: Json = first[segment]
            return item
        return schema.get("items", True)
    properties = schema.get("properties")
    if isinstance(properties, dict) and segment in properties:
        part: Json = properties[segment]
        return part
    others = schema.get("additionalProperties")
    return others if isinstance(others, Mapping) and "patternProperties" not in schema else True
