"""Screens of the dashboard as text, without a terminal."""

from __future__ import annotations

from oe.app.watching import Picture
from oe.tui.cells import UNICODE, Charset, Line
from oe.tui.screen import Size, draw
from oe.tui.view import View


def text_of(lines: list[Line]) -> str:
    """What is seen, without colours."""
    return "".join("".join(span.text for span in line).rstrip() + "\n" for line in lines)


def screen(view: View, width: int = 80, height: int = 24, charset: Charset = UNICODE, after: float = 0.0) -> str:
    """The screen, `after` seconds from when the picture was taken."""
    now = view.picture.snapshot.taken_at if view.picture is not None else 0.0
    return text_of(draw(view, now + after, Size(width, height), charset))


def typed(view: View, *keys: str) -> View:
    """The view after these keys; a word of several characters is one key by name."""
    for key in keys:
        view.press(key)
    return view


def shown(picture: Picture) -> View:
    """A view of it."""
    view = View()
    view.take(picture)
    return view
