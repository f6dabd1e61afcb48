"""HTML and SVG as values: text becomes markup here and nowhere else, so no value can be taken for it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from oe.text import neutralise

_NO_XML = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")
"""Characters that XML has no place for, or that are reserved; `neutralise` has dealt with the others."""

_VOID = frozenset({"meta", "col"})


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def escaped(text: str) -> Markup:
    """The text as markup that shows it. Characters that steer or cannot be shown become visible escapes."""
    harmless = neutralise(text) if text.isprintable() else _NO_XML.sub(_visible, neutralise(text))
    return Markup(escape(harmless))


def element(name: str, /, *children: str, **attributes: str | float | None) -> Markup:
    """`<name attributes>children</name>`. Children and attributes are escaped unless they are markup; an attribute that
    is None is left out, `_` in its name stands for `-`, and one at its end for nothing (`class_`)."""
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
                    for key, value in attributes.items() if value is not None)
    if name in _VOID:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{joined(children)}</{name}>")


def joined(children: Iterable[str]) -> Markup:
    """Markup and texts one after the other."""
    return Markup("".join(child if isinstance(child, Markup) else escaped(child) for child in children))


def lines_of(children: Iterable[str]) -> Markup:
    """The same, each on a line of its own where it is not text."""
    return Markup("\n".join(child if isinstance(child, Markup) else escaped(child) for child in children))


def number(value: float) -> str:
    """A coordinate: at most one decimal, none where it would be zero."""
    return f"{value:.1f}".removesuffix(".0")


def _attribute(value: str | float) -> str:
    if isinstance(value, str):
        return escaped(value).replace("\n", "&#10;")
    return number(value)


def _visible(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
