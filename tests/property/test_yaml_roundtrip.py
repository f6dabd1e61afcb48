"""Random values, written by other libraries in many styles, are read back as they were."""

from __future__ import annotations

import io
import json
import math
import random

import pytest
import yaml
from ruamel.yaml import YAML

from oe.lang.json_reader import read_json
from oe.lang.yaml import load_yaml, read_yaml

WORDS = ["", " ", "a", "null", "~", "true", "Yes", "no", "on", "1", "0755", "0x1f", "-1", "1.5", ".inf", "2020-01-01", "a: b",
         "a #b", "#a", "- a", "?a", "[a", "{a", "}", ",", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a", "'", '"', "\\", "a'b", 'a"b', "{{ x }}",
         "a\nb", "a\n", "\n", "\na", " a", "a ", "a\n\nb\n", "  a\n b", "\t", "a\tb", "é", "日本", "😀", "\xa0", "---", "...", "--- a",
         "<<", "=", "a:b", ":", "a:", "http://a/b#c", "\x07", "\x7f", "\ufeff", "x" * 100, "word " * 40, "$.a[0]", "a\r\nb"]


KEYS = [word for word in WORDS if 0 < len(word) < 40 and "\n" not in word]
"""Other keys are written as complex ones."""

SINCE_1_2 = ["0o7", "1e3", "\u2028", "a\x85b"]
"""Strings to a writer of YAML 1.1, which leaves them bare, but numbers or no line ends since 1.2."""


def random_value(rng: random.Random, depth: int) -> object:
    """A tree of what JSON can say; strings from what YAML could mistake for something else."""
    roll = rng.random()
    if depth and roll < 0.3:
        return [random_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    if depth and roll < 0.65:
        return {rng.choice(KEYS): random_value(rng, depth - 1) for _ in range(rng.randrange(5))}
    scalars = [None, True, False, rng.randrange(-9, 9), rng.randrange(10 ** 30), rng.uniform(-10, 10), rng.uniform(0, 1) * 10.0 ** rng.randrange(-30, 30)]
    return rng.choice([*scalars, *(rng.choice(WORDS) + rng.choice(["", "", rng.choice(WORDS)]) for _ in range(9))])


def same(left: object, right: object) -> bool:
    """Equal with equal types all the way down; the order of keys is the writer's."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


@pytest.mark.parametrize("seed", range(60))
def test_what_pyyaml_writes(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(5):
        value = random_value(rng, 5)
        for style in (None, '"', "'", "|", ">"):
            text = yaml.safe_dump(value, default_style=style, default_flow_style=rng.choice([True, False, None]), width=rng.choice([20, 80, 1000]),
                                  indent=rng.choice([2, 4, 7]), allow_unicode=rng.random() < 0.5, explicit_start=rng.random() < 0.3, sort_keys=False)
            if yaml.safe_load(text) != value:
                continue  # a fault of the writer: wrong indentation indicators with wide indents
            assert same(load_yaml(text), value), text


@pytest.mark.parametrize("seed", range(40))
def test_what_ruamel_writes(seed: int) -> None:
    rng = random.Random(1000 + seed)
    for _ in range(3):
        value = random_value(rng, 4)
        writer = YAML(typ="safe", pure=True)
        writer.default_flow_style = rng.choice([True, False, None])
        writer.width = rng.choice([20, 80, 1000])
        writer.allow_unicode = rng.random() < 0.5
        stream = io.StringIO()
        writer.dump(value, stream)
        if "? " in stream.getvalue():
            continue  # complex keys, also where there is no reason for one
        assert same(load_yaml(stream.getvalue()), value), stream.getvalue()


@pytest.mark.parametrize("seed", range(60))
def test_json_is_yaml(seed: int) -> None:
    rng = random.Random(2000 + seed)
    value = [random_value(rng, 6), {"": SINCE_1_2}]
    for indent in (None, 1, 4):
        for ascii_only in (True, False):
            text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).replace("\x7f", "\\u007f").replace("\ufeff", "\\ufeff")
            assert same(read_json(text).value, value), text
            assert same(load_yaml(text), value), text


@pytest.mark.parametrize("seed", range(30))
def test_both_readers_give_the_same_places(seed: int) -> None:
    rng = random.Random(3000 + seed)
    value = random_value(rng, 6)
    text = json.dumps(value, indent=2)
    ours, theirs = read_yaml(text), read_json(text)
    paths: list[tuple[str | int, ...]] = [()]
    for path in paths:
        part: object = value
        for step in path:
            part = part[step]  # type: ignore[index]
        assert ours.span(path) == theirs.span(path)
        assert ours.span(path, key=True) == theirs.span(path, key=True)
        if isinstance(part, (dict, list)):
            paths.extend((*path, step) for step in (part if isinstance(part, dict) else range(len(part))))


@pytest.mark.parametrize("seed", range(20))
def test_floats_come_back_exactly(seed: int) -> None:
    rng = random.Random(4000 + seed)
    numbers = [rng.uniform(-1, 1) * 10.0 ** rng.randrange(-300, 300) for _ in range(50)]
    assert load_yaml("\n".join(f"- {number!r}" for number in numbers)) == numbers
    assert all(math.isfinite(number) for number in numbers)
