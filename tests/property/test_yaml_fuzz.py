"""Broken texts: nothing but a refusal with a position comes out, and both ways of reading break alike."""

from __future__ import annotations

import json
import random
import re
import time
from pathlib import Path

import pytest

from oe.errors import SpecError
from oe.lang.json_reader import read_json
from oe.lang.yaml import blocks, flow, quoted, read_yaml

GOLDEN = Path(__file__).parents[1] / "golden" / "yaml"
SEEDS = [json.loads(line)["yaml"] for line in (GOLDEN / "suite.jsonl").read_text(encoding="utf-8").splitlines()]
SEEDS += [path.read_text(encoding="utf-8") for path in sorted((GOLDEN / "files").glob("*.y*ml"))]
PIECES = [" ", "  ", "\n", "\t", "- ", ": ", ":", "#", " #", "[", "]", "{", "}", ",", '"', "'", "|", ">", "&a ", "*a", "!!str ", "!", "? ", "a", "b: ",
          "---\n", "...\n", "\\", "1", "<<: *a", "\n ", "\n  ", "\n\n", "~", "%", "@", "0o7", "null", "{{ x }}", "\r", "\0", "\ufeff", "\ud800", "\x85",
          "\u2028", "😀", "\\u", "\\x", '"\\ud800"', "|9", ">-+", "-\t", "'''"]
SLOWEST_SECONDS = 20.0
"""Of processor time; most take a millisecond."""


def broken(rng: random.Random) -> str:
    """A text with a few pieces inserted, taken out, doubled, or brought in from another text."""
    text = rng.choice(SEEDS)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text) + 1)
        way = rng.random()
        if way < 0.45:
            text = text[:at] + rng.choice(PIECES) * rng.choice([1, 1, 1, 2, 200]) + text[at:]
        elif way < 0.75:
            text = text[:at] + text[at + rng.randint(1, 5):]
        else:
            other = rng.choice(SEEDS)
            start = rng.randrange(len(other) + 1)
            text = text[:at] + other[start: start + rng.randint(1, 20)] + text[at:]
    return text


def outcome(text: str) -> object:
    """The value, or the problems, each of which has a place inside the text."""
    lines = re.split("\r\n|\r|\n", text)
    try:
        return repr(read_yaml(text).value)
    except SpecError as error:
        for problem in error.problems:
            assert problem.span is not None
            assert 1 <= problem.span.line <= len(lines)
            assert 1 <= problem.span.column <= len(lines[problem.span.line - 1]) + 2
        return error.problems


@pytest.mark.parametrize("seed", range(40))
def test_only_refusals_come_out(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(50):
        text = broken(rng)
        began = time.thread_time()
        outcome(text)
        assert time.thread_time() - began < SLOWEST_SECONDS, text


@pytest.mark.parametrize("seed", range(20))
def test_both_ways_break_alike(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(1000 + seed)
    texts = [broken(rng) for _ in range(50)]
    quick = [outcome(text) for text in texts]
    nothing = re.compile(r"(?!)")
    for module, pattern in ((blocks, "_ENTRY"), (blocks, "_ITEM"), (flow, "_ITEM"), (flow, "_PAIR"), (quoted, "_SIMPLE")):
        monkeypatch.setattr(module, pattern, nothing)
    for text, expected in zip(texts, quick, strict=True):
        assert outcome(text) == expected, text


@pytest.mark.parametrize("seed", range(20))
def test_bytes_of_any_kind(seed: int) -> None:
    rng = random.Random(2000 + seed)
    for _ in range(50):
        data = bytearray(rng.choice(SEEDS).encode("utf-8", "replace"))
        for _ in range(rng.randint(1, 5)):
            if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
        for read in (read_yaml, read_json):
            try:
                read(bytes(data))
            except SpecError as error:
                assert error.problems[0].span


@pytest.mark.parametrize("seed", range(20))
def test_broken_json(seed: int) -> None:
    rng = random.Random(3000 + seed)
    for _ in range(50):
        text = json.dumps({"a": [1, "x\u00e9\ud83d", {"b": None}], "c": {"d": 1.5, "a": True}})
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(text))
            text = text[:at] + rng.choice(["", ",", "{", "}", "[", "]", '"', "\\", ":", "NaN", "1e999", "9" * 5000, " ", "\n", '"a":1,', "\x01"]) + text[at + rng.randrange(2):]
        try:
            read_json(text).span(("a", 0))
        except SpecError as error:
            assert error.problems
            assert all(problem.span for problem in error.problems)
