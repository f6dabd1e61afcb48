"""Reads arguments and state fields: each is a JSON Schema with a few keys of the format beside its keywords."""

from __future__ import annotations

from typing import NamedTuple, cast

from oe.lang.document import Path
from oe.lang.schema import compile_schema, schema_problems
from oe.lang.schema_keywords import REFUSED, SHAPES
from oe.lang.scope import MISSING, Missing
from oe.spec.level import NAME, Level
from oe.spec.model import Argument, Field, Merge
from oe.spec.reading import Reading
from oe.spec.section import KeyTable, Section, missing_colon, read_keys, read_section
from oe.spec.shape import expected_text, find_misfits, found_text
from oe.spec.top_levels import ARGUMENT, FIELD, STATE
from oe.text import clip, nearest
from oe.values import Json, JsonObject


class _Definition(NamedTuple):
    """One definition taken apart. `is_sound` False: its schema has problems, so nothing is checked against it, and the
    schema that others see is open."""

    keys: Section
    schema: JsonObject
    is_sound: bool


_TABLES = {level.name: KeyTable(level.keys) for level in (ARGUMENT, FIELD)}


def read_arguments(reading: Reading, top: Section) -> dict[str, Argument] | None:
    """The declared arguments; None where the section is missing."""
    if "args" not in top:
        reading.gaps.arguments |= "args" in top.broken
        return None
    arguments: dict[str, Argument] = {}
    for name, value in top.mapping("args").items():
        path: Path = ("args", name)
        definition = _read_definition(reading, ARGUMENT, f"argument '{name}'", value, path)
        if definition is None:
            reading.gaps.arguments = True
            continue
        keys = definition.keys
        default = _read_default(reading, definition, f"argument '{name}'")
        required = keys.get("required")
        secret = keys.flag("secret")
        if secret and default is not MISSING:
            reading.report.warning("secret-default", f"the default of secret argument '{name}' is readable in this "
                                   "file", (*path, "default"), f"leave it out and run with --arg {name}=env:NAME",
                                   key=True)
        arguments[name] = Argument(name, definition.schema, required is True, default, secret, path)
    return arguments


def read_fields(reading: Reading, top: Section) -> dict[str, Field]:
    """The declared state fields."""
    fields: dict[str, Field] = {}
    section = read_section(reading.report, STATE, top.get("state"), ("state",)) if "state" in top else None
    if section is None or "schema" not in section:
        reading.gaps.fields |= "state" in top.broken or section is not None
        return fields
    for name, value in section.mapping("schema").items():
        path: Path = ("state", "schema", name)
        definition = _read_definition(reading, FIELD, f"state field '{name}'", value, path)
        if definition is None or not definition.is_sound:
            reading.gaps.bad_fields.add(name)
        if definition is None:
            fields[name] = Field(name, True, "last_wins", False, MISSING, path)
            continue
        keys = definition.keys
        merge = cast("Merge", keys.text("merge"))
        if merge == "array_append" and definition.is_sound:
            _check_appendable(reading, name, definition.schema, path)
        default = _read_default(reading, definition, f"state field '{name}'")
        persist = keys.flag("persist") if "persist" in keys else section.flag("persist")
        fields[name] = Field(name, definition.schema, merge, persist, default, path)
    return fields


def _read_definition(reading: Reading, level: Level, noun: str, value: Json, path: Path) -> _Definition | None:
    report = reading.report
    if find_misfits(path[-1], NAME):
        report.error("bad-name", f"'{clip(str(path[-1]), 40)}' must be {expected_text(NAME)}", path, key=True)
    if not isinstance(value, dict):
        hint = f"write {{type: {value}}}" if isinstance(value, str) and value else "such as {type: string}"
        report.error("wrong-type", f"{noun} must be a mapping, found {found_text(value)}", path, hint)
        return None
    table = _TABLES[level.name]
    extras = {name: part for name, part in value.items() if name in table.keys and not _is_keyword(name, part)}
    schema = {name: part for name, part in value.items() if name not in extras}
    is_sound = _drop_unknown(reading, noun, schema, table, path)
    keys = read_keys(report, table, extras, path, noun)
    problems = schema_problems(schema, load=reading.schemas.load, strict_formats=reading.strict_formats)
    for problem in problems:
        report.error(problem.code, f"{noun}: {problem.message}", (*path, *problem.path), problem.hint)
    is_sound = is_sound and not problems
    return _Definition(keys, schema if is_sound else {}, is_sound)


def _is_keyword(name: str, value: Json) -> bool:
    """`required` with a list is the JSON Schema keyword; with true or false it is the format's."""
    return name == "required" and isinstance(value, list)


def _drop_unknown(reading: Reading, noun: str, schema: dict[str, Json], table: KeyTable, path: Path) -> bool:
    """Refuses what is neither a keyword nor a key of the format; whether there was nothing of the kind."""
    unknown = [name for name in schema if name not in SHAPES and name not in REFUSED]
    for name in unknown:
        written = schema.pop(name)
        if name == "secret":
            reading.report.error("secret-field", f"{noun} cannot be secret: state is stored as it is", (*path, name),
                                 "declare it under args with secret: true", key=True)
            continue
        known = [*table.keys, *SHAPES]
        near = nearest(name, known)
        hint = f"did you mean '{near}'?" if near else "it is no keyword of JSON Schema that oe knows"
        reading.report.error("unknown-key", f"{noun} has no key '{clip(name, 60)}'", (*path, name),
                             missing_colon(name, written, known) or hint, key=True)
    return not unknown


def _check_appendable(reading: Reading, name: str, schema: JsonObject, path: Path) -> None:
    types = schema.get("type")
    if types == "array" or "$ref" in schema or "allOf" in schema:
        return
    found = f"found type {found_text(types)}" if types is not None else "it has no type"
    reading.report.error("append-needs-array", f"merge 'array_append' is for arrays, but state field '{name}' is none: "
                         f"{found}", (*path, "merge"), "write type: array, with items: for its elements")


def _read_default(reading: Reading, definition: _Definition, noun: str) -> Json | Missing:
    """The default, checked against the schema."""
    values = definition.keys.values
    if "default" not in values:
        return MISSING
    default = values["default"]
    path = (*definition.keys.path, "default")
    if definition.is_sound:
        schema = compile_schema(definition.schema, load=reading.schemas.load, strict_formats=reading.strict_formats)
        for violation in schema.violations(default):
            reading.report.error("invalid-default", f"the default of {noun} does not fit its schema: "
                                 f"{violation.message}", (*path, *violation.path), violation.hint)
    return default
