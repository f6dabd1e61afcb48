"""docs/reference/yaml.md says what the readers of YAML and JSON take and refuse."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable

import pytest

from oe.errors import SpecError
from oe.lang.document import Document
from oe.lang.json_reader import read_json
from oe.lang.source import MAX_DEPTH, MAX_SIZE
from oe.lang.yaml import load_yaml, read_yaml
from oe.lang.yaml.anchors import MAX_EXPANSION
from oe.lang.yaml.entries import MAX_KEY
from oe.lang.yaml.reading import MAX_PROBLEMS
from oe.lang.yaml.scalars import TAGS
from tests.support.codes import codes_of
from tests.support.pages import Page, literal

PAGE = Page("yaml.md")
REFUSED = PAGE.rows("code", "what", "such as")


@pytest.mark.parametrize(("text", "value"), PAGE.rows("text", "value"))
def test_a_text_is_read_as_shown(text: str, value: str) -> None:
    assert json.dumps(load_yaml(literal(text))) == json.dumps(json.loads(value))


@pytest.mark.parametrize(("code", "example"), [(row[0], row[2]) for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_text_is_refused_as_shown(code: str, example: str) -> None:
    read: Callable[[str | bytes], Document] = read_yaml if code.startswith("yaml-") else read_json
    with pytest.raises(SpecError) as caught:
        read(literal(example))
    assert {problem.code for problem in caught.value.problems} == {code}
    assert all(problem.span is not None for problem in caught.value.problems)


def test_the_tables_hold_every_code() -> None:
    known = {code for code in codes_of("oe/lang/yaml", "oe/lang/source.py", "oe/lang/json_reader.py")}
    assert {row[0] for row in REFUSED} == known - {"yaml-leading-zero"}


def test_a_leading_zero_is_a_warning() -> None:
    assert [warning.code for warning in read_yaml("a: 0755").warnings] == ["yaml-leading-zero"]


def test_floats_that_json_has_not_are_floats() -> None:
    assert load_yaml("[.inf, -.inf]") == [math.inf, -math.inf]
    nan = load_yaml(".nan")
    assert isinstance(nan, float) and math.isnan(nan)


def test_the_tags_are_those_of_the_page() -> None:
    assert set(re.findall(r"`!!(\w+)`", PAGE.section("Types"))) == set(TAGS.values())


def test_the_bounds_are_those_of_the_page() -> None:
    whats = {row[0]: row[1] for row in REFUSED}
    for code, bound in (("alias-expansion", MAX_EXPANSION), ("depth", MAX_DEPTH), ("key-form", MAX_KEY),
                        ("size", MAX_SIZE // 1024 // 1024)):
        assert str(bound) in whats[f"yaml-{code}"]
    assert f"at most {MAX_PROBLEMS}" in PAGE.text
    assert load_yaml("1" * 4300) == int("1" * 4300)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_are_those_of_the_page(encoding: str, end: str) -> None:
    assert load_yaml(f"a: é{end}b: 1{end}".encode(encoding)) == {"a": "é", "b": 1}
