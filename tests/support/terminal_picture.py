"""A terminal's screen, as `tmux capture-pane -e` gives it, as an SVG drawing: cells in their colours, text that can be
selected, and nothing that is loaded from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from xml.sax.saxutils import escape

from oe.text import width_of

_CELL, _LINE, _SIZE, _EDGE = 8.4, 18, 14, 12
_GROUND, _TEXT = "#14181f", "#d7dce3"
_COLOURS = ("#5c6470", "#ff6b68", "#63c27a", "#e0b050", "#6ca8ff", "#c792ea", "#4fc1cf", "#d7dce3")
_DIM = "#8b94a1"
_STYLED = re.compile(r"\x1b\[([\d;]*)m|\x1b\[[\d;?]*[A-Za-z]|[\x0e\x0f]")


class _Look(NamedTuple):
    colour: str | None = None
    is_bold: bool = False
    is_dim: bool = False
    is_underlined: bool = False
    is_reversed: bool = False


def picture(screen: str, width: int) -> str:
    """The drawing of the lines of a screen, `width` cells wide."""
    lines = screen.splitlines()
    total_width, total_height = width * _CELL + 2 * _EDGE, len(lines) * _LINE + 2 * _EDGE
    shapes = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total_width:g} {total_height}" '
              f'width="{total_width:g}" height="{total_height}" role="img" font-size="{_SIZE}" '
              'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace">',
              f'<rect width="100%" height="100%" rx="8" fill="{_GROUND}"/>']
    look = _Look()
    for row, line in enumerate(lines):
        column = 0
        for piece in _pieces(line):
            if isinstance(piece, tuple):
                look = _styled(look, piece)
                continue
            cells = width_of(piece)
            shapes += _drawn(piece, look, _EDGE + column * _CELL, _EDGE + row * _LINE, cells)
            column += cells
    return "\n".join([*shapes, "</svg>", ""])


def _pieces(line: str) -> Iterator[str | tuple[int, ...]]:
    """Texts, and the numbers of the attributes set between them."""
    place = 0
    for found in _STYLED.finditer(line):
        if found.start() > place:
            yield line[place:found.start()]
        if found[1] is not None:
            yield tuple(int(number or 0) for number in found[1].split(";"))
        place = found.end()
    if place < len(line):
        yield line[place:]


_SET: dict[int, Callable[[_Look], _Look]] = {
    1: lambda look: look._replace(is_bold=True), 2: lambda look: look._replace(is_dim=True),
    4: lambda look: look._replace(is_underlined=True), 7: lambda look: look._replace(is_reversed=True),
    22: lambda look: look._replace(is_bold=False, is_dim=False), 24: lambda look: look._replace(is_underlined=False),
    27: lambda look: look._replace(is_reversed=False),
}
"""What the numbers of an escape sequence do to the look, but for colours."""


def _styled(look: _Look, numbers: tuple[int, ...]) -> _Look:
    for number in numbers:
        if number == 0:
            look = _Look()
        elif number in _SET:
            look = _SET[number](look)
        elif 30 <= number <= 37 or 90 <= number <= 97:
            look = look._replace(colour=_COLOURS[number % 10])
        elif number == 39:
            look = look._replace(colour=None)
    return look


def _drawn(text: str, look: _Look, x: float, y: float, cells: int) -> Iterator[str]:
    colour = look.colour or (_DIM if look.is_dim else _TEXT)
    length = cells * _CELL
    if look.is_reversed:
        yield f'<rect x="{x:g}" y="{y:g}" width="{length:g}" height="{_LINE}" fill="{colour}"/>'
        colour = _GROUND
    extra = ' font-weight="700"' * look.is_bold + ' text-decoration="underline"' * look.is_underlined
    for word in re.finditer(r"\S+(?: \S+)*", text):  # drawings do not keep several blanks
        left, wide = x + width_of(text[:word.start()]) * _CELL, width_of(word[0]) * _CELL
        yield (f'<text x="{left:g}" y="{y + 13:g}" fill="{colour}" textLength="{wide:g}" '
               f'lengthAdjust="spacingAndGlyphs"{extra}>{escape(word[0])}</text>')
