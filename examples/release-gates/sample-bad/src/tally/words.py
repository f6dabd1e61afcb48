# SPDX-License-Identifier: MIT
"""Counting words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def count(words: Iterable[str]) -> Counter[str]:
    """How often each word occurs, whatever its case."""
    return Counter(word.casefold() for word in words)


def top(words: Iterable[str], most: int = 10) -> list[str]:
    """The most frequent words."""
    return [word for word, _ in count(words).most_common(most)]
