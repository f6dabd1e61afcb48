"""Random patterns: what is accepted agrees with Python's `re` and ends in time; what is refused was ambiguous indeed."""

from __future__ import annotations

import random
import re
import time

import pytest

from oe.lang.errors import LangError
from oe.lang.patterns import compile_pattern, longest_text, pattern_problem, search


def random_pattern(chooser: random.Random, depth: int) -> str:
    kind = chooser.randrange(9 if depth else 3)
    if kind <= 2:
        return chooser.choice(["a", "b", "[ab]", "[^a]", ".", "c", r"\w"])
    inner = random_pattern(chooser, depth - 1)
    if kind <= 4:
        return inner + random_pattern(chooser, depth - 1)
    if kind == 5:
        return f"(?:{inner}|{random_pattern(chooser, depth - 1)})"
    return f"(?:{inner}){chooser.choice(['*', '+', '?', '{2}', '{1,3}', '{0,20}'])}"


@pytest.mark.parametrize("seed", range(4))
def test_accepted_patterns_match_as_python_does_and_end_in_time(seed: int) -> None:
    chooser = random.Random(seed)
    accepted = 0
    for _ in range(150):
        pattern = random_pattern(chooser, 4)
        if chooser.random() < 0.5:
            pattern = f"^{pattern}$"
        if pattern_problem(pattern) is not None:
            continue
        accepted += 1
        for text in ("".join(chooser.choices("abc", k=chooser.randrange(8))) for _ in range(8)):
            assert search(pattern, text) == bool(re.search(pattern.replace("$", r"\Z"), text)), (pattern, text)
        longest = min(longest_text(pattern), 3_000)
        texts = [(unit * longest)[:longest - 1] + "!" for unit in ("a", "ab", "b")]
        began = time.thread_time()
        for text in texts:
            search(pattern, text)
        assert time.thread_time() - began < 30, pattern
    assert accepted > 50


def paths(regex: str, text: str) -> int:
    """How many ways there are to match the whole text, counted by taking the pattern apart; tiny patterns only."""
    return _ways(regex, text)


def _ways(regex: str, text: str) -> int:
    body, sign = regex[1:-2], regex[-1]
    single = {part: text == part for part in body.split("|")}
    if not text:
        return int(sign == "*")
    total = sum(single.values())
    for cut in range(1, len(text)):
        total += sum(text[:cut] == part for part in body.split("|")) * _ways(regex[:-1] + "+", text[cut:])
    return total


@pytest.mark.parametrize("seed", range(3))
def test_a_repeated_choice_is_refused_exactly_where_a_text_has_two_ways_through(seed: int) -> None:
    chooser = random.Random(seed)
    texts = ["".join(chooser.choices("ab", k=length)) for length in range(1, 9) for _ in range(60)]
    texts += ["a" * length for length in range(1, 9)] + ["ab" * length for length in range(1, 5)]
    refused = accepted = 0
    for _ in range(60):
        words = ["".join(chooser.choices("ab", k=chooser.randrange(1, 3))) for _ in range(chooser.randrange(1, 4))]
        pattern = f"({'|'.join(words)})+"
        is_ambiguous = any(paths(pattern, text) > 1 for text in texts)
        is_refused = pattern_problem(pattern) is not None
        assert is_refused == is_ambiguous, pattern
        refused, accepted = refused + is_refused, accepted + (not is_refused)
    assert refused > 10
    assert accepted > 10


@pytest.mark.parametrize("seed", range(4))
def test_random_characters_are_a_pattern_or_a_fault_of_the_user(seed: int) -> None:
    chooser = random.Random(seed)
    parts = [*"ab()[]{}|*+?^$.\\-,:=!<>0123", "(?:", "(?=", "(?<!", "{2,3}", "\\d", "\\b", "\\u0061", "\\x", "[^", "é", "\ud800", "🙂"]
    began = time.thread_time()
    good = 0
    for _ in range(2000):
        pattern = "".join(chooser.choices(parts, k=chooser.randrange(1, 14)))
        try:
            compile_pattern(pattern).search("ab01")
            good += 1
        except LangError as error:
            assert 0 <= error.offset <= len(pattern)
            assert error.message
    assert good > 100
    assert time.thread_time() - began < 100
