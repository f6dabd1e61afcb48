# SPDX-License-Identifier: MIT
"""A table of words."""

from __future__ import annotations

from collections.abc import Iterable

from tally.words import count


def report(words: Iterable[str]) -> str:
    """One line a word, the most frequent first."""
    counted = count(words)
    width = max((len(word) for word in counted), default=0)
    lines = []
    for word, times in counted.most_common():
        lines.append(f"{word:<{width}} {times}")
    return "\n".join(lines)
