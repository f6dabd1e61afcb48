"""Finds every fault of a schema before it is used: keywords outside the subset, ill-typed values, broken references."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from oe.lang.document import Path
from oe.lang.schema_checks import DEEPEST_VALUE, Exhausted, described, key_of
from oe.lang.schema_keywords import DEEPEST_SCHEMA, DIALECT, REFUSED, SHAPES, TYPES, Shape
from oe.lang.schema_refs import References, RefProblem
from oe.text import clip, did_you_mean, nearest
from oe.values import Json, is_number

_IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "$ref")
_SYNONYMS = {"int": "integer", "float": "number", "double": "number", "str": "string", "text": "string",
             "bool": "boolean", "list": "array", "dict": "object", "map": "object", "none": "null", "nil": "null"}
_MOST_PROBLEMS = 1_000


class SchemaProblem(NamedTuple):
    """One fault; `path` leads into the schema, to the keyword or value at fault."""

    path: Path
    code: str
    message: str
    hint: str | None


class _Place(NamedTuple):
    """A schema that waits to be looked at. `via` is the reference that led into another file, or ''."""

    schema: Json
    path: Path
    file: str
    via: str
    depth: int


def find_faults(root: Json, references: References, *, strict_formats: bool = False) -> list[SchemaProblem]:
    """Every fault of the schema and of what it refers to."""
    finder = _Finder(root, references, strict_formats=strict_formats)
    finder.search()
    return finder.problems[:_MOST_PROBLEMS]


class _Finder:
    """Walks a schema and the targets of its references, each once."""

    def __init__(self, root: Json, references: References, *, strict_formats: bool) -> None:
        self.problems: list[SchemaProblem] = []
        self._references = references
        self._strict_formats = strict_formats
        self._seen: set[int] = set()
        self._leads_to: dict[int, list[int]] = {}
        self._path_of: dict[int, Path] = {}
        self._waiting = [_Place(root, (), "", "", 1)]
        self._targets: list[_Place] = []

    def search(self) -> None:
        """Fills `problems`."""
        while self._waiting or self._targets:
            place = self._waiting.pop() if self._waiting else self._targets.pop(0)
            if id(place.schema) not in self._seen and len(self.problems) < _MOST_PROBLEMS:
                self._look_at(place)
        if not self.problems:
            self._find_circles()

    def _add(self, place: _Place, keys: Path, code: str, message: str, hint: str | None = None) -> None:
        if place.via:
            inside = "".join(f"/{key}" for key in keys)
            self.problems.append(SchemaProblem(place.path, code, f"in '{place.via}{inside}': {message}", hint))
        else:
            self.problems.append(SchemaProblem((*place.path, *keys), code, message, hint))

    def _look_at(self, place: _Place) -> None:
        schema = place.schema
        if isinstance(schema, bool):
            return
        if not isinstance(schema, dict):
            hint = f"write {{type: {schema}}}" if schema in TYPES else None
            self._add(place, (), "not-a-schema",
                      f"expected a schema (an object, true or false), found {described(schema)}", hint)
            return
        if place.depth > DEEPEST_SCHEMA:
            self._add(place, (), "too-deep", f"schema is nested deeper than {DEEPEST_SCHEMA} levels")
            return
        self._seen.add(id(schema))
        self._path_of[id(schema)] = place.path
        inner: list[_Place] = []
        for keyword, value in schema.items():
            inner += self._keyword(place, keyword, value)
        self._leads_to[id(schema)] = list(self._in_place(schema, place))
        self._waiting += reversed(inner)

    def _keyword(self, place: _Place, keyword: str, value: Json) -> Iterator[_Place]:
        shape = SHAPES.get(keyword)
        if shape is None:
            self._add(place, (keyword,), *_unknown(keyword))
            return
        if shape == "schema":
            yield self._inner(place, value, keyword)
        elif shape == "schemas":
            yield from self._schemas(place, keyword, value)
        elif shape in ("schema map", "pattern map"):
            yield from self._schema_map(place, keyword, value, has_patterns=shape == "pattern map")
        elif shape == "reference":
            self._reference(place, value)
        else:
            fault = _value_fault(keyword, shape, value)
            if fault is None and keyword == "format" and self._strict_formats:
                fault = _format_fault(str(value))
            if fault is not None:
                self._add(place, (keyword,), *fault)

    def _inner(self, place: _Place, schema: Json, *keys: str | int) -> _Place:
        if place.via:
            via = place.via + "".join(f"/{key}" for key in keys)
            return place._replace(schema=schema, via=via, depth=place.depth + 1)
        return place._replace(schema=schema, path=(*place.path, *keys), depth=place.depth + 1)

    def _schemas(self, place: _Place, keyword: str, value: Json) -> Iterator[_Place]:
        if not isinstance(value, list) or not value:
            self._add(place, (keyword,), "ill-typed-keyword",
                      f"'{keyword}': expected a list of schemas that is not empty, found {described(value)}")
            return
        for index, schema in enumerate(value):
            yield self._inner(place, schema, keyword, index)

    def _schema_map(self, place: _Place, keyword: str, value: Json, *, has_patterns: bool) -> Iterator[_Place]:
        if not isinstance(value, dict):
            self._add(place, (keyword,), "ill-typed-keyword",
                      f"'{keyword}': expected an object of schemas, found {described(value)}")
            return
        for name, schema in value.items():
            fault = _pattern_fault(name) if has_patterns else None
            if fault is not None:
                self._add(place, (keyword, name), *fault)
            yield self._inner(place, schema, keyword, name)

    def _reference(self, place: _Place, value: Json) -> None:
        if not isinstance(value, str):
            self._add(place, ("$ref",), "ill-typed-keyword", f"'$ref': expected a text, found {described(value)}")
            return
        try:
            target = self._references.resolve(value, place.file)
        except RefProblem as problem:
            self._add(place, ("$ref",), "bad-reference", problem.message, problem.hint)
            return
        self._targets.append(_Place(target.schema, (*place.path, "$ref") if not place.via else place.path, target.file,
                                    clip(value, 80), 1))

    def _in_place(self, schema: dict[str, Json], place: _Place) -> Iterator[int]:
        """The schemas that are applied to the same value as this one."""
        for keyword in _IN_PLACE:
            value = schema.get(keyword)
            if keyword == "$ref" and isinstance(value, str):
                try:
                    yield id(self._references.resolve(value, place.file).schema)
                except RefProblem:
                    continue
            elif isinstance(value, list):
                yield from map(id, value)
            elif isinstance(value, dict):
                yield id(value)

    def _find_circles(self) -> None:
        """Reports schemas that refer to themselves without going into the value: they would never end."""
        settled: set[int] = set()
        for start in self._leads_to:
            work = [(start, iter(self._leads_to[start]))] if start not in settled else []
            way = {start}
            while work:
                target = next(work[-1][1], None)
                if target is None:
                    ended = work.pop()[0]
                    settled.add(ended)
                    way.discard(ended)
                elif target in way:
                    self.problems.append(SchemaProblem(self._path_of[target], "endless-reference",
                                                       "schema refers to itself without end",
                                                       "let it recur inside properties or items"))
                    return
                elif target not in settled and target in self._leads_to:
                    work.append((target, iter(self._leads_to[target])))
                    way.add(target)


def _unknown(keyword: str) -> tuple[str, str, str | None]:
    if keyword in REFUSED:
        return "refused-keyword", f"keyword '{keyword}' is outside the subset of JSON Schema", REFUSED[keyword]
    return "unknown-keyword", f"unknown keyword '{clip(keyword, 40)}'", did_you_mean(keyword, SHAPES)


def _format_fault(name: str) -> tuple[str, str, str | None] | None:
    from oe.lang.schema_formats import FORMATS  # only where formats are strict

    if name in FORMATS:
        return None
    near = nearest(name, FORMATS)
    hint = f"did you mean '{near}'?" if near else f"those that can be judged: {', '.join(FORMATS)}"
    return "unknown-format", f"'format': '{clip(name, 60)}' cannot be judged, and formats are strict", hint


def _value_fault(keyword: str, shape: Shape, value: Json) -> tuple[str, str, str | None] | None:
    """What is wrong with a keyword's value, as code, message and hint."""
    message: str | None = None
    hint: str | None = None
    match shape:
        case "type":
            message, hint = _type_fault(value)
        case "pattern":
            if isinstance(value, str):
                return _pattern_fault(value)
            message = "expected a pattern"
        case "list" | "anything":
            message = _value_list_fault(shape, value)
        case "names":
            message = _names_fault(value)
            hint = "an object names those that it needs: required: [name]" if isinstance(value, bool) else None
        case "names map":
            message = "expected an object of lists of names" if not isinstance(value, dict) \
                else next((fault for names in value.values() if (fault := _names_fault(names))), None)
        case "flag":
            message = None if isinstance(value, bool) else "expected true or false"
        case "text":
            message = None if isinstance(value, str) else "expected a text"
        case "dialect":
            is_known = isinstance(value, str) and value.rstrip("#") == DIALECT
            message, hint = (None, None) if is_known else (f"expected '{DIALECT}'", None)
        case "count" | "number" | "positive number":
            message = _number_fault(shape, value)
    if message is None:
        return None
    return "ill-typed-keyword", f"'{keyword}': {message}, found {described(value)}", hint


def _value_list_fault(shape: Shape, value: Json) -> str | None:
    if shape == "list" and not isinstance(value, list):
        return "expected a list"
    try:
        key_of(value)
    except Exhausted:
        return f"expected at most {DEEPEST_VALUE} levels"
    return None


def _type_fault(value: Json) -> tuple[str | None, str | None]:
    names = value if isinstance(value, list) else [value]
    if not names:
        return "expected at least one type", None
    for name in names:
        if name not in TYPES or not isinstance(name, str):
            word = name if isinstance(name, str) else "null" if name is None else ""
            near = _SYNONYMS.get(word.lower()) or (word if word in TYPES else nearest(word, TYPES))
            quoted = "'null' in quotes" if near == "null" else near
            return f"expected a type ({', '.join(TYPES)})", f"did you mean {quoted}?" if near else None
    if len(set(map(str, names))) < len(names):
        return "expected every type once", None
    return None, None


def _names_fault(value: Json) -> str | None:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return "expected a list of names"
    return None if len(set(map(str, value))) == len(value) else "expected every name once"


def _number_fault(shape: Shape, value: Json) -> str | None:
    if shape == "count":
        is_count = is_number(value) and isinstance(value, int | float) and value >= 0 and value == int(value)
        return None if is_count else "expected a whole number of at least 0"
    if not is_number(value):
        return "expected a number"
    if shape == "positive number" and isinstance(value, int | float) and value <= 0:
        return "expected a number above 0"
    return None


def _pattern_fault(pattern: str) -> tuple[str, str, str | None] | None:
    from oe.lang.patterns import pattern_problem  # only where there is a pattern

    problem = pattern_problem(pattern)
    return None if problem is None else ("bad-pattern", f"'{clip(pattern, 60)}': {problem[0]}", problem[1])
