"""Where things stand: keys, values, items, characters inside strings."""

from __future__ import annotations

import pytest

from oe.diagnostics import Span
from oe.lang.document import Path
from oe.lang.yaml import read_yaml

SPEC = """\
# an experience
name: demo
graph:
  nodes:
    - id: one
      needs: [zero, "two", {a: 1, "b": [x]}]
      when:   "$.a > 1"   # why
    -   id: two
        prompt: |
          Hello {{ name }}
            and more
    - 'three'
    - &four
      id: four
    - !!str 5
empty:
base: &base {x: 1}
copy: *base
merged:
  <<: *base
  own: >-
    folded
    text
"""


@pytest.mark.parametrize(("path", "line", "column"), [
    ((), 2, 1), (("name",), 2, 7), (("graph", "nodes"), 5, 5), (("graph", "nodes", 0), 5, 7), (("graph", "nodes", 0, "id"), 5, 11),
    (("graph", "nodes", 0, "needs"), 6, 14), (("graph", "nodes", 0, "needs", 0), 6, 15), (("graph", "nodes", 0, "needs", 1), 6, 21),
    (("graph", "nodes", 0, "needs", 2), 6, 28), (("graph", "nodes", 0, "needs", 2, "a"), 6, 32), (("graph", "nodes", 0, "needs", 2, "b", 0), 6, 41),
    (("graph", "nodes", 0, "when"), 7, 15), (("graph", "nodes", 1, "id"), 8, 13), (("graph", "nodes", 1, "prompt"), 9, 17),
    (("graph", "nodes", 2), 12, 7), (("graph", "nodes", 3, "id"), 14, 11), (("graph", "nodes", 4), 15, 13), (("empty",), 16, 7),
    (("copy",), 18, 7), (("copy", "x"), 17, 17), (("merged", "x"), 17, 17), (("merged", "own"), 21, 8),
    (("graph", "missing", "x"), 4, 3), (("graph", "nodes", 9), 5, 5), (("name", "x"), 2, 7),
])
def test_values(path: Path, line: int, column: int) -> None:
    assert read_yaml(SPEC, "spec").span(path) == Span("spec", line, column)


@pytest.mark.parametrize(("path", "line", "column"), [
    (("name",), 2, 1), (("graph", "nodes", 0, "id"), 5, 7), (("graph", "nodes", 0, "needs", 2, "b"), 6, 35), (("merged", "own"), 21, 3),
    (("graph", "nodes", 3, "id"), 14, 7),
])
def test_keys(path: Path, line: int, column: int) -> None:
    assert read_yaml(SPEC, "spec").span(path, key=True) == Span("spec", line, column)


@pytest.mark.parametrize(("path", "index", "line", "column"), [
    (("name",), 0, 2, 7), (("name",), 3, 2, 10), (("name",), 99, 2, 11), (("graph", "nodes", 0, "when"), 4, 7, 20),
    (("graph", "nodes", 1, "prompt"), 6, 10, 17), (("graph", "nodes", 1, "prompt"), 19, 11, 13), (("graph", "nodes", 1, "prompt"), 17, 11, 11),
    (("graph", "nodes", 2), 2, 12, 10), (("merged", "own"), 0, 22, 5), (("merged", "own"), 8, 23, 6), (("graph",), 3, 4, 3),
])
def test_characters_inside_a_string(path: Path, index: int, line: int, column: int) -> None:
    assert read_yaml(SPEC, "spec").span_inside(path, index) == Span("spec", line, column)


@pytest.mark.parametrize("scalar", [
    "plain text here", "'it''s single text'", '"tab\\t and \\u00e9 and \\ud83d\\ude00 text"', "first\n    second text", "'first\n\n    second text'",
    '"first\n    second \\\n    third text"', "|\n    first\n      second\n\n    text", ">\n    first\n    second\n\n    text", "|2+\n      text\n",
    "first # note", "\n    on the next text", "&a anchored text", "!!str tagged text",
])
def test_every_word_is_found_where_it_is_written(scalar: str) -> None:
    text = f"before: 1\nkey: {scalar}\nafter: 1\n"
    document = read_yaml(text)
    value = document.value
    assert isinstance(value, dict)
    string = value["key"]
    for word in ("text", "first", "second", "third"):
        if word in string:
            span = document.span_inside(("key",), string.index(word))
            assert text.split("\n")[span.line - 1][span.column - 1:].startswith(word)


def test_the_position_of_an_alias_is_its_own() -> None:
    document = read_yaml("a: &a some text\nb: *a\n")
    assert document.span_inside(("b",), 5) == Span("<string>", 2, 4)
