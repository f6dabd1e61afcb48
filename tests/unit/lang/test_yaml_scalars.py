"""Plain scalars, quotes and blocks: what each is read as."""

from __future__ import annotations

import math

import pytest

from oe.errors import SpecError
from oe.lang.yaml import load_yaml, read_yaml


@pytest.mark.parametrize(("text", "value"), [
    ("null", None), ("Null", None), ("NULL", None), ("~", None), ("nULL", "nULL"),
    ("true", True), ("True", True), ("TRUE", True), ("false", False), ("FALSE", False), ("tRUE", "tRUE"),
    ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"), ("N", "N"),
    ("0", 0), ("12", 12), ("-12", -12), ("+12", 12), ("0o17", 15), ("0x1F", 31), ("0xfF", 255),
    ("-0o7", "-0o7"), ("0b1", "0b1"), ("1_000", "1_000"), ("0o8", "0o8"), ("0xg", "0xg"), ("1:30", "1:30"),
    ("1.5", 1.5), ("-.5", -0.5), ("1.", 1.0), ("1e3", 1000.0), ("1.5E-3", 0.0015), ("+1.0", 1.0),
    ("0.1.0", "0.1.0"), ("1.2.3", "1.2.3"), (".", "."), ("..", ".."), ("--", "--"), ("1e", "1e"), ("e3", "e3"),
    ("2020-01-02", "2020-01-02"), ("./a.py:run", "./a.py:run"), ("٣", "٣"), ("１２", "１２"), ("=", "="),
    ("a#b", "a#b"), ("a:b", "a:b"), ("a ,b", "a ,b"), ("http://x/y?z=1#f", "http://x/y?z=1#f"), ("-x", "-x"), ("?x", "?x"), (":x", ":x"),
    ("a\u00a0", "a\u00a0"), ("\u00a0a", "\u00a0a"), ("a\u2028b", "a\u2028b"), ("a\x85", "a\x85"), ("$.x[0]", "$.x[0]"),
])
@pytest.mark.parametrize("form", ["key: {}\n", "key:   {}  # note\n", "other: 1\nkey: {}", "key:\n  {}\n"])
def test_plain(text: str, value: object, form: str) -> None:
    document = load_yaml(form.format(text))
    assert isinstance(document, dict)
    assert document["key"] == value
    assert type(document["key"]) is type(value)


@pytest.mark.parametrize(("text", "value"), [("a", "a"), ("1", 1), ("0.5", 0.5), ("null", None), ("a b", "a b"), ("-1", -1),
                                             ("a:b", "a:b"), ("a#b", "a#b"), ("''", ""), ('"x"', "x"), ("", None)])
@pytest.mark.parametrize("form", ["key: {{k: {}}}\n", "key: {{ k: {} , l: 1 }}\n", "key: {{\n    k: {}\n  }}\n"])
def test_plain_in_a_flow_mapping(text: str, value: object, form: str) -> None:
    document = load_yaml(form.format(text))
    assert isinstance(document, dict)
    assert document["key"]["k"] == value
    assert type(document["key"]["k"]) is type(value)


def test_numbers_that_are_not_finite_are_read_as_yaml_says() -> None:
    values = load_yaml("[.inf, -.Inf, +.INF, .nan, 1e999]")
    assert isinstance(values, list)
    assert values[:3] == [math.inf, -math.inf, math.inf]
    assert math.isnan(float(str(values[3])))
    assert values[4] == math.inf


@pytest.mark.parametrize("digits", ["9" * 4300, "-" + "9" * 4300, "0x" + "f" * 3500])
def test_long_integers_are_read(digits: str) -> None:
    value = load_yaml(digits)
    assert isinstance(value, int)
    assert abs(value) > 10 ** 4000


@pytest.mark.parametrize("digits", ["9" * 4301, "-" + "9" * 100_000, "0x" + "f" * 3600, "0o" + "7" * 5000])
def test_longer_integers_are_refused(digits: str) -> None:
    with pytest.raises(SpecError) as refusal:
        load_yaml(f"a: 1\nb: {digits}\n")
    assert refusal.value.problems[0].code == "yaml-number-size"
    assert refusal.value.problems[0].span == ("<string>", 2, 4)


@pytest.mark.parametrize(("written", "number"), [("0755", 755), ("-0755", -755), ("08", 8), ("00", 0), ("+01", 1)])
def test_a_leading_zero_is_decimal_with_a_warning(written: str, number: int) -> None:
    document = read_yaml(f"mode: {written}\n", "spec")
    assert document.value == {"mode": number}
    assert [(warning.code, warning.severity, warning.span) for warning in document.warnings] == [
        ("yaml-leading-zero", "warning", ("spec", 1, 7))]


@pytest.mark.parametrize(("text", "value"), [
    ("!!str 12", "12"), ("!!str", ""), ("!!int '3'", 3), ("!!int 0x10", 16), ("!!float 1", 1.0), ("!!float .5", 0.5),
    ("!!bool 'true'", True), ("!!null ''", None), ("!!null", None), ("!!map {a: 1}", {"a": 1}), ("!!seq [1]", [1]),
    ("!<tag:yaml.org,2002:str> 1", "1"), ("! 12", "12"), ("!!str &a 1", "1"), ("&a !!str 1", "1"), ("!!str\n 1", "1"),
    ("!!seq\n- !!str 1", ["1"]), ("!!map\n!!str 1: !!str 2", {"1": "2"}), ("!!str |\n  1\n", "1\n"),
    ("[!!str 1, !!str , ! 2]", ["1", "", "2"]),
])
def test_core_tags(text: str, value: object) -> None:
    read = load_yaml(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(("text", "value"), [
    (r'"\0\a\b\t\n\v\f\r\e\ \"\/\\\N\_\L\P"', "\0\a\b\t\n\v\f\r\x1b \"/\\\x85\xa0\u2028\u2029"),
    (r'"\x41\u00e9\U0001F600"', "Aé😀"), (r'"\ud83d\ude00!"', "😀!"), ('"\\\t"', "\t"), ('"a \\\n   b"', "a b"),
    ('"a\\\n   b"', "ab"), ('"a\\\n   \\  b"', "a  b"), ('"a  \n  b"', "a b"), ('"a\n\n\n  b"', "a\n\nb"), ('" a \n b "', " a b "),
    ('"\n  a\n  "', " a "), ('"a\\\\\n  b"', "a\\ b"), ('"a\\ \n  b"', "a  b"), ("'a''b'", "a'b"), ("''''", "'"),
    ("'a\\n'", "a\\n"), ("'a\n\n  b\n  c'", "a\nb c"), ("''", ""), ('""', ""), ('"#:- [{"', "#:- [{"),
])
def test_quoted(text: str, value: str) -> None:
    assert load_yaml(text) == value
    assert load_yaml("key:\n  - " + text.replace("\n", "\n      ")) == {"key": [value]}
    assert load_yaml("{key: [" + text + "]}") == {"key": [value]}


@pytest.mark.parametrize(("text", "value"), [
    ("a\nb", "a b"), ("a\n\nb", "a\nb"), ("a\n\n\n  b\n c", "a\n\nb c"), ("a\n- b", "a - b"), ("a  \n\t b", "a b"),
    ("a # note", "a"), ("a\n\n\n", "a"), ("a\n[b", "a [b"), ("a\n'b'", "a 'b'"), ("a\n&b", "a &b"),
])
def test_plain_over_lines(text: str, value: str) -> None:
    assert load_yaml(text) == value
    indented = text.replace("\n", "\n    ")
    assert load_yaml(f"key: {indented}\nnext: 1\n") == {"key": value, "next": 1}
    assert load_yaml(f"- {indented}\n- 1\n") == [value, 1]
    assert load_yaml(f"- key: {indented}\n  next: 1\n") == [{"key": value, "next": 1}]
    assert load_yaml(f"key:\n  {indented}\nnext: 1\n") == {"key": value, "next": 1}


@pytest.mark.parametrize(("text", "value"), [
    ("|\n  a\n  b\n", "a\nb\n"), ("|-\n  a\n\n", "a"), ("|+\n  a\n\n", "a\n\n"), ("|\n  a\n    b\n", "a\n  b\n"), ("|2\n    a\n", "  a\n"),
    ("|2-\n    a\n", "  a"), ("|-2\n    a\n", "  a"), ("|\n\n  a\n", "\na\n"), ("|\n  a # b\n", "a # b\n"), ("|  # note\n  a\n", "a\n"),
    (">\n  a\n  b\n", "a b\n"), (">\n  a\n\n  b\n", "a\nb\n"), (">\n  a\n    b\n  c\n", "a\n  b\nc\n"), (">-\n  a\n  b\n", "a b"),
    (">+\n  a\n\n\n", "a\n\n\n"), (">\n\n  a\n", "\na\n"), ("|\n", ""), ("|+\n\n\n", "\n\n"), ("|\n  a\n ", "a\n"), ("|\n  ---\n", "---\n"),
    ("|\n  \ta\n", "\ta\n"), (">\n  a\n  \tb\n", "a\n\tb\n"), ("|\n  a", "a\n"), ("|+\n  a\n ", "a\n"), ("|\n  a\n # note\n", "a\n"),
])
def test_blocks(text: str, value: str) -> None:
    assert load_yaml("key: " + text) == {"key": value}
    assert load_yaml("- " + text) == [value]
    assert load_yaml("- key: " + text.replace("\n ", "\n   ")) == [{"key": value}]


def test_a_block_ends_where_its_lines_do() -> None:
    text = "run: |\n  one\n\n  two\n# note\nnext: >-\n  three\n  four\nlast: 1\n"
    assert load_yaml(text) == {"run": "one\n\ntwo\n", "next": "three four", "last": 1}
