"""The frame of every page: one file that loads nothing, runs nothing and leads nowhere. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

from oe.render.markup import Markup, element, joined, lines_of


def page(title: str, style: str, body: Iterable[str]) -> str:
    """A whole HTML document. The policy allows its one style sheet, by digest, and nothing else: no script, no style of
    an element's own, no image, font, frame, form or request."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = lines_of([
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        Markup(f"<style>{style}</style>"),
    ])
    document = element("html", Markup("\n"), element("head", Markup("\n"), head, Markup("\n")), Markup("\n"),
                       element("body", Markup("\n"), lines_of(body), Markup("\n")), Markup("\n"), lang="en")
    return joined([Markup("<!doctype html>\n"), document, Markup("\n")])


def section(title: str, anchor: str, *children: str) -> Markup:
    """A part of a page under its heading."""
    return element("section", element("h2", title), *_spaced(children), id=anchor)


def note(text: str) -> Markup:
    """A remark: what is left out, what a word means."""
    return element("p", text, class_="note")


def folded(title: str, *children: str, is_open: bool = False) -> Markup:
    """A part that opens when its title is chosen. Printed, it is open."""
    return element("details", element("summary", title), *_spaced(children), open="open" if is_open else None)


def figure(drawing: Markup, label: str) -> Markup:
    """A drawing that scrolls where it is wider than the page."""
    return element("div", drawing, class_="scroll", tabindex="0", role="region", aria_label=label)


def pill(status: str) -> Markup:
    """A status word in its colour."""
    return element("span", status, class_=f"pill {status}")


def name_of(text: str) -> Markup:
    """A name or value of the user: kept apart from its surroundings, whatever its direction."""
    return element("bdi", text, class_="name")


def _spaced(children: Iterable[str]) -> list[Markup]:
    return [joined([Markup("\n"), child]) for child in children]
