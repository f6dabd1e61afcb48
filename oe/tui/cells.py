"""Text in the cells of a terminal: how wide it is, cut and padded to a width, without what could steer the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, TypeAlias

from oe.text import cells_of, end_cells, neutralise, width_of

Style: TypeAlias = Literal["plain", "dim", "bold", "good", "bad", "warn", "busy", "bar", "chosen", "found"]


class Span(NamedTuple):
    """Text of one style."""

    text: str
    style: Style = "plain"


Line: TypeAlias = tuple[Span, ...]
_MOST_PIECES = 8


class Charset(NamedTuple):
    """The characters that a terminal can show. `glyphs` stand for a scope's status, the same number of cells each."""

    glyphs: dict[str, str]
    full: str
    rest: str
    rule: str
    between: str
    cut: str
    open: str
    folded: str
    dash: str
    is_ascii: bool


_STATUSES = ("ok", "cached", "failed", "skipped", "cancelled", "interrupted", "running", "retrying", "cancelling",
             "pending", "parked", "partial")


def _glyphs(characters: str) -> dict[str, str]:
    return dict(zip(_STATUSES, characters, strict=True))


UNICODE = Charset(_glyphs("✓≡✗-⊘!●↻◌·‖◐"), "█", "░", "─", " · ", "…", "▾", "▸", "—", is_ascii=False)
ASCII = Charset(_glyphs("+=x-/!>~%.:?"), "#", ".", "-", " * ", "~", "v", ">", "--", is_ascii=True)


def shown(text: str, charset: Charset) -> str:
    """One line that the terminal can show and that cannot steer it."""
    if text.isascii() and text.isprintable():
        return text
    text = neutralise(text).replace("\n", " ").replace("\t", " ")
    return text.encode("ascii", "replace").decode() if charset.is_ascii else text


def fit(text: str, width: int, charset: Charset) -> str:
    """The text in exactly `width` cells: padded, or cut with a mark."""
    taken = width_of(text)
    if taken <= width:
        return text + " " * (width - taken)
    if width <= 0:
        return ""
    room = width - 1
    if text.isascii():
        return text[:room] + charset.cut
    kept = ""
    for character in text:
        room -= cells_of(character)
        if room < 0:
            break
        kept += character
    return kept + charset.cut + " " * (width - 1 - width_of(kept))


def end_of(text: str, width: int, charset: Charset) -> str:
    """The end of the text in at most `width` cells, with a mark where something was cut before it."""
    return end_cells(text, width, charset.cut)


def fit_line(spans: Iterable[Span], width: int, charset: Charset) -> Line:
    """The line in exactly `width` cells."""
    found: list[Span] = []
    for text, style in spans:
        taken = width_of(text)
        if taken > width:
            return (*found, Span(fit(text, width, charset), style))
        if text:
            found.append(Span(text, style))
        width -= taken
    return (*found, Span(" " * width)) if width else tuple(found)


def wrapped(text: str, width: int) -> Iterator[str]:
    """The text in pieces of at most `width` cells, between words where one ends in the second half of a piece; the
    first pieces of very many."""
    start, width = 0, max(2, width)
    for _ in range(_MOST_PIECES):
        end, room = start, width
        while end < len(text) and (room := room - cells_of(text[end])) >= 0:
            end += 1
        if end < len(text) and text[end] != " ":
            blank = text.rfind(" ", start, end)
            end = blank if blank - start > (end - start) // 2 else end
        yield text[start:end]
        start = end + (text[end:end + 1] == " ")
        if start >= len(text):
            return


def bar(share: float, width: int, charset: Charset) -> str:
    """`[####....]` of `width` cells between the brackets."""
    full = max(0, min(width, int(share * width)))
    return f"[{charset.full * full}{charset.rest * (width - full)}]"
