"""docs/reference/schemas.md says which JSON Schema is read, and what it means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oe.app.experiences import schema_loader
from oe.errors import SpecError
from oe.lang import pattern_syntax, schema_checks
from oe.lang.errors import LangError
from oe.lang.patterns import compile_pattern, longest_text, pattern_problem
from oe.lang.schema import check_schema, compile_schema, schema_problems
from oe.lang.schema_formats import FORMATS
from oe.lang.schema_keywords import DEEPEST_SCHEMA, DIALECT, REFUSED, SHAPES, TYPES
from oe.store.local_files import LocalFiles
from oe.values import Json
from tests.support.pages import Page

PAGE = Page("schemas.md")


def test_the_keywords_are_those_of_the_table() -> None:
    rows = {keyword: takes for keyword, takes, _ in PAGE.rows("keyword", "takes", "asserts")}
    assert rows.pop("type").partition(": ")[2].split(", ") == list(TYPES)
    assert rows == {keyword: shape for keyword, shape in SHAPES.items() if keyword != "type"}
    assert DIALECT in PAGE.text


def test_keywords_that_assert_nothing_let_anything_pass() -> None:
    silent = [row[0] for row in PAGE.rows("keyword", "takes", "asserts") if row[2].startswith("nothing")]
    values: dict[str, Json] = {"text": "x", "flag": True, "list": ["x"], "anything": "x", "dialect": DIALECT, "schema map": {"x": False}}
    schema: dict[str, Json] = {keyword: values[SHAPES[keyword]] for keyword in silent}
    assert len(silent) == 11
    anything: list[Json] = [None, True, 1, "y", [], {}]
    assert [check_schema(value, schema) for value in anything] == [[]] * 6


def test_the_refused_keywords_are_those_of_the_table() -> None:
    assert dict(PAGE.rows("keyword", "instead")) == REFUSED
    for keyword in REFUSED:
        assert [fault.code for fault in schema_problems({keyword: True})] == ["refused-keyword"]


@pytest.mark.parametrize(("name", "good", "bad"), PAGE.rows("format", "a text such as", "but not"))
def test_a_format_is_judged_as_shown(name: str, good: str, bad: str) -> None:
    schema: Json = {"format": name}
    assert check_schema(bad, schema) == check_schema(good, schema, strict_formats=True) == []
    (problem,) = check_schema(bad, schema, strict_formats=True)
    assert problem.message == f"$: expected a text of format '{name}', found string '{bad}'"


def test_the_formats_are_those_of_the_table() -> None:
    assert [row[0] for row in PAGE.rows("format", "a text such as", "but not")] == list(FORMATS)


@pytest.mark.parametrize(("schema", "value", "problem"), PAGE.rows("schema", "value", "problem"))
def test_an_example_is_judged_as_shown(schema: str, value: str, problem: str) -> None:
    found = [each.message for each in check_schema(json.loads(value), json.loads(schema))]
    assert found == ([] if problem == "none" else [problem])


@pytest.mark.parametrize(("code", "schema", "message"), PAGE.rows("code", "such as", "message"))
def test_a_faulty_schema_is_refused_as_shown(code: str, schema: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        check_schema(None, json.loads(schema))
    assert [(each.code, each.message) for each in caught.value.problems] == [(code, message)]


@pytest.mark.parametrize(("pattern", "why"), PAGE.rows("pattern", "refused because"))
def test_a_pattern_is_refused_as_shown(pattern: str, why: str) -> None:
    problem = pattern_problem(pattern)
    assert problem is not None and problem[0] == why


def test_what_patterns_may_hold_is_taken() -> None:
    compile_pattern(r"^(?:a|b)(?<name>[c-e])??\d\D\w\W\s\S\b\B\u0041\u{1F600}(?=x)(?!y)(?<=z)(?<!w)f{2,3}?$")
    assert compile_pattern(r"\d").search("٣") is None and compile_pattern(r"\w").search("é") is None
    assert compile_pattern("a$").search("a\n") is None
    with pytest.raises(LangError):
        compile_pattern("(")


def test_texts_are_bounded_as_the_table_says() -> None:
    rows = PAGE.rows("repeats in a row that can match the same text", "longest text", "such as")
    assert [int(row[0]) for row in rows] == [1, 2, 3, 4]
    assert [int(row[1]) for row in rows] == [longest_text(row[2]) for row in rows]


def test_references_lead_to_files_and_nowhere_else(tmp_path: Path) -> None:
    files = LocalFiles(str(tmp_path))
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/a.json").write_text('{"$ref": "b.yaml#/$defs/name"}')
    (tmp_path / "schemas/b.yaml").write_text("$defs: {name: {type: string}}")
    load = schema_loader(files)
    assert compile_schema({"$ref": "./schemas/a.json", "minLength": 2}, load=load).is_valid("ab")
    assert not compile_schema({"$ref": "./schemas/a.json", "minLength": 2}, load=load).is_valid("a")
    assert not compile_schema({"$ref": "./schemas/a.json"}, load=load).is_valid(1)
    for reference in ("https://example.org/x.json", "/etc/x.json", "../x.json", "./schemas/none.json"):
        assert [fault.code for fault in schema_problems({"$ref": reference}, load=load)] == ["bad-reference"]


def test_the_limits_are_those_of_the_table() -> None:
    assert [int(row[1]) for row in PAGE.rows("limit", "most")] == [
        DEEPEST_SCHEMA, schema_checks.ENOUGH, schema_checks.DEEPEST_VALUE, pattern_syntax.LONGEST_PATTERN,
        pattern_syntax.DEEPEST_PATTERN, pattern_syntax.MOST_REPEATS]
    schema: Json = True
    for _ in range(DEEPEST_SCHEMA + 1):
        schema = {"not": schema}
    assert [fault.code for fault in schema_problems(schema)] == ["too-deep"]
