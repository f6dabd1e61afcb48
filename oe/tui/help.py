"""What the keys do and the glyphs mean, for a screen of any width. Pure."""

from __future__ import annotations

from itertools import zip_longest

from oe.text import width_of
from oe.tui.cells import Charset, Line, Span, fit, wrapped
from oe.tui.rows import style_of

HELP = (
    ("up down j k", "move"),
    ("page up, down", "a page"),
    ("home end g G", "first, last"),
    ("left right blank", "fold, unfold"),
    ("- +", "fold, unfold all"),
    ("F", "follow what goes on"),
    ("l", "log small, large, away"),
    ("c", "cancel the node"),
    ("d", "tree and diagnosis"),
    ("enter", "details of the node, and away"),
    ("tab", "scroll details or log instead"),
    ("/", "find (in the log: filter)"),
    ("n N", "next, previous that was found"),
    ("f", "filter by status"),
    ("s", "longest first, graph order"),
    ("esc", "close; forget what was typed"),
    ("C", "cancel the run"),
    ("q", "leave; the run goes on"),
)
_HINTS = ("↑↓", "enter details", "/ find", "f filter", "s sort", "c cancel", "d dump", "? help", "q quit")
_LEFT_OUT = ("s sort", "d dump", "f filter", "↑↓", "/ find", "c cancel", "enter details", "? help")
"""Hints in the order in which they give way where a screen is too narrow for all."""
_KEYS = 18
_MEANINGS = 24
_BESIDE = 7
_GLYPH = 18


def help_lines(width: int, charset: Charset) -> list[Line]:
    """The keys in two columns where they fit, else in one, and the glyphs in as many as fit."""
    entries = [f" {keys if place == 0 else '':<{_KEYS}}{piece}" for keys, meaning in HELP
               for place, piece in enumerate(wrapped(meaning, width - _KEYS - 1))]
    half = len(HELP) // 2
    beside = [f" {left[0]:<{_KEYS}}{left[1]:<{_MEANINGS}}{right[0]:<{_BESIDE}}{right[1]}"
              for left, right in zip(HELP[:half], HELP[half:], strict=True)]
    lines: list[Line] = [(Span(text),) for text in (beside if max(map(len, beside)) <= width else entries)]
    glyphs = [Span(fit(f"   {glyph} {word}", _GLYPH, charset), style_of(word))
              for word, glyph in charset.glyphs.items()]
    height = -(-len(glyphs) // max(1, width // _GLYPH))
    columns = [glyphs[start:start + height] for start in range(0, len(glyphs), height)]
    rows = zip_longest(*columns, fillvalue=Span(""))
    return [*lines, (), (Span(" Status glyphs"),), *(tuple(row) for row in rows)]


def key_hints(width: int, charset: Charset) -> str:
    """The keys that a person needs most, as many as fit; how to leave always."""
    hints = list(_HINTS)
    for hint in _LEFT_OUT:
        if 1 + width_of("  ".join(hints)) <= width:
            break
        hints.remove(hint)
    text = " " + "  ".join(hints)
    return text.replace("↑↓", "jk") if charset.is_ascii else text
