"""Texts made to hurt: each is refused with its position, or read, in a time that its length bounds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from oe.errors import SpecError
from oe.lang.source import MAX_DEPTH, MAX_SIZE
from oe.lang.yaml import load_yaml, read_yaml
from tests.support.growth import growth


def code(text: str | bytes) -> str:
    with pytest.raises(SpecError) as refusal:
        load_yaml(text)
    assert all(problem.span for problem in refusal.value.problems)
    return refusal.value.problems[-1].code


DEEP = 100_000


@pytest.mark.parametrize("text", [
    "[" * DEEP, "{a: " * DEEP, "[{a: " * DEEP, "- " * DEEP, "[" * DEEP + "]" * DEEP,
    "".join(" " * level + "a:\n" for level in range(2000)), "".join(" " * level + "-\n" for level in range(2000)),
    "".join(" " * level + "- a:\n" for level in range(0, 2000, 2)), "a: " + "[[{b: " * DEEP, "- " * 100 + "[" * DEEP, "[&a " * DEEP,
])
def test_deep_nesting_is_refused(text: str) -> None:
    assert code(text) == "yaml-depth"


def test_the_depth_that_is_read() -> None:
    flow = load_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    block = load_yaml("".join(" " * level + "a:\n" for level in range(MAX_DEPTH)))
    for outermost in (flow, block):
        value, depth = outermost, 0
        while isinstance(value, (dict, list)):
            depth += 1
            value = next(iter(value.values() if isinstance(value, dict) else value), None)
        assert depth == MAX_DEPTH


@pytest.mark.parametrize("text", [
    "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefghi", "bcdefghij", strict=True)),
    "- &a " + "x" * 1_000_000 + "\n" + "- *a\n" * 1000,
    "b: &b {" + ", ".join(f"k{number}: 1" for number in range(1000)) + "}\nc: {<<: [" + "*b, " * 1000 + "]}\n",
])
def test_alias_bombs_are_refused(text: str) -> None:
    assert code(text) == "yaml-alias-expansion"


def test_aliases_cannot_nest_deeper_than_text_can() -> None:
    assert code("- &a0 [x]\n" + "".join(f"- &a{level} [*a{level - 1}]\n" for level in range(1, 10_000))) == "yaml-depth"


def test_an_alias_inside_its_own_value_is_refused() -> None:
    assert code("a: &a [*a]") == "yaml-alias-cycle"
    assert code("a: &a {b: {c: *a}}") == "yaml-alias-cycle"
    assert code("&a\n- b\n- *a") == "yaml-alias-cycle"


def test_ordinary_use_of_aliases_is_far_from_the_bound() -> None:
    text = "base: &base {retries: 3, timeout: 10s}\nnodes:\n" + "".join(f"- {{id: n{n}, <<: *base}}\n" for n in range(5000))
    value = load_yaml(text)
    assert isinstance(value, dict)
    assert value["nodes"][4999] == {"id": "n4999", "retries": 3, "timeout": "10s"}


@pytest.mark.parametrize(("text", "expected"), [
    ("a: \0", "yaml-control-character"), ("a: \x1b[31m", "yaml-control-character"), ("a: \x7f", "yaml-control-character"),
    ("a: b\x0bc", "yaml-control-character"), ("a: \x80", "yaml-control-character"), ("a: \ud800", "yaml-control-character"),
    ("a: \ufffe", "yaml-control-character"), ("a: b\ufeff", "yaml-control-character"), ("# \x01", "yaml-control-character"),
    ('a: "\\ud800"', "yaml-escape"), ('a: "\\udc00\\ud800"', "yaml-escape"), ('a: "\\U00110000"', "yaml-escape"), ('"\\x4"', "yaml-escape"),
    (b"a: \xff", "yaml-encoding"), (b"a: \xc3", "yaml-encoding"), ("a: 1".encode("utf-16")[:-1], "yaml-encoding"),
    (b"\x00a", "yaml-control-character"),
])
def test_characters_that_are_refused(text: str | bytes, expected: str) -> None:
    assert code(text) == expected


@pytest.mark.parametrize("text", ["a: ä\r\nb: |\r\n  x\r\n  y\r\n", "\ufeffa: ä\nb: |\n  x\n  y\n", "a: ä\rb: |\r  x\r  y"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", None])
def test_encodings_and_line_ends(text: str, encoding: str | None) -> None:
    data = text if encoding is None else text.removeprefix("\ufeff" if encoding != "utf-8" else "").encode(encoding)
    assert load_yaml(data) == {"a": "ä", "b": "x\ny\n"}


def test_positions_do_not_count_what_line_ends_and_marks_add() -> None:
    for text in ("\ufeffa: 1\r\nb: @\r\n", "a: 1\rb: @", "a: 1\nb: @"):
        with pytest.raises(SpecError) as refusal:
            load_yaml(text, "spec")
        assert refusal.value.problems[0].span == ("spec", 2, 4)


def test_a_fault_of_encoding_has_its_place() -> None:
    with pytest.raises(SpecError) as refusal:
        load_yaml("a: ä\nb: é".encode() + b"\xff", "spec")
    assert refusal.value.problems[0].span == ("spec", 2, 5)


def test_a_text_that_is_too_long_is_refused_unread() -> None:
    assert code(" " * (MAX_SIZE + 1)) == "yaml-size"
    assert code(b" " * (MAX_SIZE + 1)) == "yaml-size"


def test_problems_and_warnings_are_bounded() -> None:
    with pytest.raises(SpecError) as refusal:
        load_yaml("a: 1\n" * 10_000)
    assert len(refusal.value.problems) == 100
    assert len(read_yaml("- 01\n" * 10_000).warnings) == 100


GROWING = {
    "plain over lines": lambda n: "a: b\n" + "  c d\n" * n,
    "quoted over lines": lambda n: 'a: "b\n' + "  c\\n d\n" * n + '  "\n',
    "single-quoted over lines": lambda n: "a: 'b\n" + "  c '' d\n" * n + "  '\n",
    "escaped breaks": lambda n: 'a: "' + "\\\n  " * n + '"\n',
    "backslashes": lambda n: 'a: "' + "\\\\" * n + "\n  " + '"\n',
    "literal": lambda n: "a: |\n" + "  c d\n\n" * n,
    "folded": lambda n: "a: >\n" + "  c d\n\n   e\n" * n,
    "comments": lambda n: "".join(" " * level + "a:\n" for level in range(100)) + "# c\n" * n + "b: 1\n",
    "anchors": lambda n: "".join(f"- &a{number} x\n- *a{number}\n" for number in range(n)),
    "long line": lambda n: "a: " + "x" * n + " z" * n + "\n",
    "flow on one line": lambda n: "a: [" + "1, {b: c}, 'd', " * n + "]\n",
    "flow over lines": lambda n: "a: [\n" + "  b\n  c,\n" * n + "]\n",
    "continued values": lambda n: "".join(f"a{number}: x\n  y\n" for number in range(n)),
    "colons": lambda n: "a: " + "b:" * n + "\n",
    "spaces": lambda n: "a: b" + " " * n + "c\n" + " " * n + "d\n",
    "unclosed quotes": lambda n: "a: [" + "'b', \"" * n,
    "braces": lambda n: "a: {b" + "{}" * n,
    "stars": lambda n: "".join(f"- &{'a' * 50}{number} x\n" for number in range(n)) + "- *b\n",
}


@pytest.mark.parametrize("shape", GROWING)
def test_time_grows_with_the_length(shape: str) -> None:
    """Eight times the length may take twice eight times as long: a quadratic reader would take sixty-four times."""
    def reading(count: int) -> Callable[[], None]:
        text = GROWING[shape](count)

        def read() -> None:
            with suppress(SpecError):
                load_yaml(text)
        return read

    assert growth(reading, 1000, 8000, most=2) <= 2
