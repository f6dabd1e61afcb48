"""From a schema that is known to be sound to one function of a value, made of closures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from oe.lang import schema_applicators as apply
from oe.lang.schema_assertions import GENERIC, KEYED, LISTED, NUMERIC, TEXTUAL, Maker, format_check, type_check
from oe.lang.schema_checks import Check, Exhausted, Found, Run, accept, one, reject
from oe.lang.schema_refs import References
from oe.text import clip
from oe.values import Json, JsonObject

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int,), "boolean": (bool,), "null": (type(None),),
    "array": (list,), "object": (dict,)}
"""Python types that have a JSON type whatever their value; floats need a look."""

_ALL_TYPES: tuple[type, ...] = (str, int, float, bool, type(None), list, dict)
_FRAMES_PER_LEVEL = 2
_PLAIN_REFERENCE = frozenset({"$ref", "$defs", "$comment", "$schema", "title", "description"})
_STEPS_PER_VIOLATION = 20


class _Link:
    """The target of references: its check comes late, because it may refer to itself."""

    __slots__ = ("check", "frames")

    def __init__(self) -> None:
        self.check: Check = accept
        self.frames = 0


class Compiler:
    """Compiles the schemas of one root; every target of a reference is compiled once."""

    def __init__(self, references: References, *, strict_formats: bool = False) -> None:
        self._references = references
        self._strict_formats = strict_formats
        self._links: dict[tuple[int, str], _Link] = {}
        self._pending: list[tuple[_Link, Json, str]] = []

    def root(self, schema: Json) -> tuple[Check, bool]:
        """The check of a root schema, and whether it follows references."""
        check = self._schema(schema, "")
        while self._pending:
            link, target, file = self._pending.pop()
            link.check = self._schema(target, file)
        return check, bool(self._links)

    def _schema(self, schema: Json, file: str) -> Check:
        if not isinstance(schema, dict):
            return reject if schema is False else accept
        everywhere = [*_made(GENERIC, schema), *self._in_place(schema, file)]
        table: dict[type, tuple[Check, ...]] = dict.fromkeys(_ALL_TYPES, tuple(everywhere))
        numeric = tuple(_made(NUMERIC, schema))
        table[int] += numeric
        table[float] += numeric
        table[str] += tuple(_made(TEXTUAL, schema))
        if self._strict_formats and "format" in schema:
            table[str] += (format_check(str(schema["format"])),)
        table[list] += (*_made(LISTED, schema), *self._item_checks(schema, file))
        table[dict] += (*_made(KEYED, schema), *self._key_checks(schema, file))
        return _dispatch(_with_type(table, schema["type"]) if "type" in schema else table)

    def _in_place(self, schema: JsonObject, file: str) -> Iterable[Check]:
        if "$ref" in schema:
            yield self._reference(str(schema["$ref"]), file)
        for keyword, make in (("allOf", apply.all_of), ("anyOf", apply.any_of), ("oneOf", apply.one_of)):
            inner = schema.get(keyword)
            if isinstance(inner, list):
                yield make([self._schema(each, file) for each in inner])
        if "not" in schema:
            yield apply.negated(self._schema(schema["not"], file))
        if "if" in schema and ("then" in schema or "else" in schema):
            yield apply.conditional(self._schema(schema["if"], file), self._schema(schema.get("then", True), file),
                                    self._schema(schema.get("else", True), file))

    def _item_checks(self, schema: JsonObject, file: str) -> Iterable[Check]:
        prefix = schema.get("prefixItems", [])
        if "items" in schema or prefix:
            rest = self._schema(schema["items"], file) if "items" in schema else None
            first = [self._schema(each, file) for each in prefix] if isinstance(prefix, list) else []
            yield apply.items(first, None if rest is accept else rest)
        if "contains" in schema:
            yield apply.contains(self._schema(schema["contains"], file))

    def _key_checks(self, schema: JsonObject, file: str) -> Iterable[Check]:
        known = self._map(schema, "properties", file)
        if known:
            yield apply.properties({name: check for name, check in known.items() if check is not accept})
        patterned = self._map(schema, "patternProperties", file)
        patterns = [(_matcher(pattern), check) for pattern, check in patterned.items()]
        if patterns:
            yield apply.pattern_properties(patterns)
        if schema.get("additionalProperties", True) is not True:
            inner = self._schema(schema["additionalProperties"], file)
            yield apply.additional_properties(frozenset(known), [matches for matches, _ in patterns], inner)
        if "propertyNames" in schema:
            yield apply.property_names(self._schema(schema["propertyNames"], file))

    def _map(self, schema: JsonObject, keyword: str, file: str) -> dict[str, Check]:
        inner = schema.get(keyword)
        return {name: self._schema(each, file) for name, each in inner.items()} if isinstance(inner, Mapping) else {}

    def _reference(self, reference: str, file: str) -> Check:
        target = self._references.resolve(reference, file)
        key = (id(target.schema), target.file)
        link = self._links.get(key)
        if link is None:
            link = self._links[key] = _Link()
            link.frames = 1 + _frames(target.schema)
            self._pending.append((link, target.schema, target.file))
        return _follow(link)


def _follow(link: _Link) -> Check:
    frames = link.frames

    def check(value: Json, run: Run) -> Found:
        run.frames -= frames
        run.steps -= 1
        if run.frames < 0 or run.steps < 0:
            run.stop_or_go_on()
        found = link.check(value, run)
        run.frames += frames
        if found is not None:
            run.steps -= _STEPS_PER_VIOLATION * len(found)
        return found
    return check


def _frames(schema: Json) -> int:
    """How many calls the check of a schema nests, up to the next references."""
    if not isinstance(schema, dict) or ("$ref" in schema and schema.keys() <= _PLAIN_REFERENCE):
        return 0
    return _FRAMES_PER_LEVEL + max((_frames(inner) for inner in _inner(schema)), default=0)


def _inner(schema: JsonObject) -> Iterable[Json]:
    """The schemas directly inside a schema, those under $defs left out."""
    from oe.lang.schema_keywords import SHAPES

    for keyword, value in schema.items():
        shape = SHAPES[keyword]
        if shape == "schema":
            yield value
        elif shape == "schemas" and isinstance(value, list):
            yield from value
        elif shape in ("schema map", "pattern map") and keyword != "$defs" and isinstance(value, dict):
            yield from value.values()


def _made(makers: Mapping[str, Maker], schema: JsonObject) -> Iterable[Check]:
    return [make(schema[keyword]) for keyword, make in makers.items() if keyword in schema]


def _with_type(table: dict[type, tuple[Check, ...]], wanted: Json) -> dict[type, tuple[Check, ...]]:
    names = [str(name) for name in wanted] if isinstance(wanted, list) else [str(wanted)]
    allowed = {python for name in names for python in _PYTHON_TYPES[name]}
    check = type_check(names)
    return {python: checks if python in allowed else (check, *checks) for python, checks in table.items()}


def _matcher(pattern: str) -> apply.Matcher:
    from oe.lang.patterns import compile_pattern, longest_text  # only where there is a pattern

    find = compile_pattern(pattern).search
    longest = longest_text(pattern)

    def matches(name: str) -> bool:
        if len(name) > longest:
            raise Exhausted(f"key of {len(name)} characters is too long for the pattern '{clip(pattern, 60)}'")
        return find(name) is not None
    return matches


def _dispatch(table: dict[type, tuple[Check, ...]]) -> Check:
    """One check that picks those for the value's type."""
    different = set(table.values())
    if len(different) == 1:
        common = different.pop()
        if len(common) < 2:
            return common[0] if common else accept
    checks_for = table.get

    def check(value: Json, run: Run) -> Found:
        checks = checks_for(type(value))
        if checks is None:
            checks = table.get(_plain_type(value), _NOT_JSON)
        found: Found = None
        for inner in checks:
            part = inner(value, run)
            if part is not None:
                found = part if found is None else found + part
        return found
    return check


def _plain_type(value: Json) -> type:
    """The table's type for a subclass or a read-only view of it, `object` for what is no JSON value."""
    for python in (str, int, float, list):
        if isinstance(value, python):
            return python
    return dict if isinstance(value, Mapping) else object


def _not_json(value: Json, run: Run) -> Found:
    return one("type", f"expected a JSON value, found a Python {type(value).__name__}")


_NOT_JSON: tuple[Check, ...] = (_not_json,)
