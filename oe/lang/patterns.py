"""Regular expressions as users write them: ECMA-262, proved safe before use, matched against bounded texts.

A pattern that can take exponential time is refused. One whose time grows with the n-th power of the text's length is
taken with a shorter limit on the text: 1 MiB for n = 1, at most 10,000 characters for 2, 464 for 3, 100 for 4; more is
refused.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from oe.errors import OeError
from oe.lang.errors import LangError
from oe.lang.pattern_safety import Ambiguous, TooComplex, growth
from oe.lang.pattern_syntax import parse_pattern
from oe.lang.pattern_tree import python_source

LONGEST_TEXT = 1_048_576
_MOST_STEPS = 100_000_000
_HIGHEST_POWER = 4


class _Compiled(NamedTuple):
    """`longest`: characters of text that it may be searched in."""

    regex: re.Pattern[str]
    longest: int


def pattern_problem(pattern: str) -> tuple[str, str | None] | None:
    """What is wrong with a pattern, as message and hint; None for a good one."""
    try:
        _compiled(pattern)
    except LangError as error:
        return error.message, error.hint
    return None


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern as Python's `re` takes it. Raises LangError `invalid-pattern` or `unsafe-pattern`."""
    return _compiled(pattern).regex


def longest_text(pattern: str) -> int:
    """How many characters a text may have to be searched for the pattern. Raises LangError."""
    return _compiled(pattern).longest


def search(pattern: str, text: str) -> bool:
    """Whether the pattern is found anywhere in the text. Raises LangError, and OeError where the text is too long."""
    compiled = _compiled(pattern)
    if len(text) > compiled.longest:
        raise OeError(f"text of {len(text)} characters is too long for this pattern, which takes {compiled.longest}",
                      hint="anchor the pattern with ^, and let no two repeats match the same text",
                      code="text-too-long")
    return compiled.regex.search(text) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> _Compiled:
    tree = parse_pattern(pattern)
    try:
        power, doublings = growth(tree)
    except Ambiguous as error:
        raise _unsafe(f"pattern can take exponential time: {error}",
                      "let each part of the text be matched in one way only, as in ^[a-z]+(-[a-z]+)*$") from None
    except TooComplex:
        raise _unsafe("pattern is too complex to be proved safe", "split it, or make its repeats simpler") from None
    if power > _HIGHEST_POWER:
        raise _unsafe(f"pattern has {power} repeats in a row that match the same text",
                      "separate them by a character that none of them matches")
    try:
        regex = re.compile(python_source(tree), re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        why = str(error).split(" at position")[0]
        raise LangError(f"pattern is not available: {why}", code="invalid-pattern") from error
    return _Compiled(regex, min(LONGEST_TEXT, round((_MOST_STEPS >> doublings) ** (1 / power))))


def _unsafe(message: str, hint: str) -> LangError:
    return LangError(message, 0, hint, code="unsafe-pattern")
