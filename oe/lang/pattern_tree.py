"""The parts of a regular expression, and sets of characters as ranges of code points."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

Ranges: TypeAlias = "tuple[tuple[int, int], ...]"
"""Code points from first to last inclusive, ascending, without overlap."""

HIGHEST = 0x10FFFF


class Chars(NamedTuple):
    """One character out of a set; `python` is how Python's `re` writes it."""

    ranges: Ranges
    python: str


class Assertion(NamedTuple):
    """What consumes nothing: `^`, `$`, a word boundary (no body), or a look around (its body)."""

    python: str
    body: Regex | None


class Sequence(NamedTuple):
    """Parts one after the other; without parts it matches the empty text."""

    parts: tuple[Regex, ...]


class Choice(NamedTuple):
    """One of several alternatives."""

    alternatives: tuple[Regex, ...]


class Repeat(NamedTuple):
    """A part `least` to `most` times; None: without end."""

    body: Regex
    least: int
    most: int | None
    lazy: bool


Regex: TypeAlias = "Chars | Assertion | Sequence | Choice | Repeat"


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The ranges sorted and merged."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """Every code point that is not in the ranges."""
    gaps = []
    start = 0
    for first, last in ranges:
        if first > start:
            gaps.append((start, first - 1))
        start = last + 1
    if start <= HIGHEST:
        gaps.append((start, HIGHEST))
    return tuple(gaps)


def python_class(ranges: Ranges, *, negated: bool = False) -> str:
    """The set as Python's `re` writes it: `[0-9A-F]`."""
    if not ranges:
        return "[^\\x00-\\U0010ffff]" if not negated else "[\\x00-\\U0010ffff]"
    inside = "".join(python_char(first) if first == last else f"{python_char(first)}-{python_char(last)}"
                     for first, last in ranges)
    return f"[{'^' if negated else ''}{inside}]"


def python_char(code: int) -> str:
    """A code point as it may stand inside and outside of a class."""
    char = chr(code)
    if char.isascii() and char.isalnum():
        return char
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"


def python_source(node: Regex) -> str:
    """The text that Python's `re` compiles to the same language; every group is one that does not capture."""
    match node:
        case Chars():
            return node.python
        case Assertion():
            return node.python if node.body is None else f"({node.python}{python_source(node.body)})"
        case Sequence():
            return "".join(map(python_source, node.parts))
        case Choice():
            return f"(?:{'|'.join(map(python_source, node.alternatives))})"
        case Repeat():
            body = python_source(node.body)
            atom = body if isinstance(node.body, Chars) else f"(?:{body})"
            most = "" if node.most is None else node.most
            return f"{atom}{{{node.least},{most}}}{'?' if node.lazy else ''}"
