"""JSON values as lines for people, and what changed between two of them. Bounded in lines and width. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

from oe.text import clip
from oe.values import Json, compact

Sign: TypeAlias = Literal["+", "-", " ", "…"]
Redact: TypeAlias = Callable[[str], str]

_MOST_COMPARED = 2000
_LONGEST_INLINE = 72
_CONTEXT = 2


class ValueLine(NamedTuple):
    """One line: added, removed, unchanged, or a remark on what is left out."""

    sign: Sign
    text: str


class _Line(NamedTuple):
    """A line of a value. `comma` stands behind what is not the last of its list or object; it makes no difference."""

    text: str
    comma: str = ""

    def shown(self, sign: Sign) -> ValueLine:
        return ValueLine(sign, self.text + self.comma)


class Bounds(NamedTuple):
    """How much is shown at most."""

    lines: int = 40
    width: int = 300


def value_lines(value: Json, redact: Redact, bounds: Bounds) -> list[ValueLine]:
    """The value, cut with a remark where it is longer."""
    return _cut(" ", value, redact, bounds)


def added_lines(value: Json, redact: Redact, bounds: Bounds) -> list[ValueLine]:
    """Elements that were added to a list; a value that is none is one element."""
    found: list[ValueLine] = []
    for element in value if isinstance(value, list) else [value]:
        if len(found) >= bounds.lines:
            return [*found, ValueLine("…", "more is left out")]
        found += _cut("+", element, redact, bounds._replace(lines=bounds.lines - len(found)))
    return found


def changed_lines(before: Json, after: Json, redact: Redact, bounds: Bounds) -> list[ValueLine]:
    """The lines that went and those that came, with two unchanged ones around them."""
    is_open = _short(before, redact, bounds.width) is None or _short(after, redact, bounds.width) is None
    old = list(islice(_lines(before, redact, bounds.width, is_open=is_open), _MOST_COMPARED))
    new = list(islice(_lines(after, redact, bounds.width, is_open=is_open), _MOST_COMPARED))
    start = 0
    while start < min(len(old), len(new)) and old[start].text == new[start].text:
        start += 1
    end = 0
    if max(len(old), len(new)) < _MOST_COMPARED:
        while end < min(len(old), len(new)) - start and old[-1 - end].text == new[-1 - end].text:
            end += 1
    if start == len(old) == len(new):
        return [ValueLine(" ", "the same value")]
    found = [line.shown(" ") for line in new[max(0, start - _CONTEXT):start]]
    found += [line.shown("-") for line in old[start:len(old) - end]]
    gone = len(found)
    found += [line.shown("+") for line in new[start:len(new) - end]]
    found += [line.shown(" ") for line in new[len(new) - end:][:_CONTEXT]]
    if len(found) <= bounds.lines:
        return found
    half = bounds.lines // 2
    kept = found[:min(gone, half)]
    kept += [ValueLine("…", "more is left out")] if gone > half else []
    return [*kept, *found[gone:gone + half], ValueLine("…", "more is left out")]


def _cut(sign: Sign, value: Json, redact: Redact, bounds: Bounds) -> list[ValueLine]:
    found = [line.shown(sign) for line in islice(_lines(value, redact, bounds.width), bounds.lines + 1)]
    return [*found[:bounds.lines], ValueLine("…", "more is left out")] if len(found) > bounds.lines else found


def _lines(value: Json, redact: Redact, width: int, *, is_open: bool = False) -> Iterator[_Line]:
    """Indented JSON, lazily and without recursion; a text that is the whole value stands as it is, and a short list or
    object on one line unless it is the whole and `is_open`. Redacts a text before it is cut, so that no part of a
    secret stays."""
    if isinstance(value, str):
        yield from (_Line(clip(line, width)) for line in redact(value).split("\n"))
        return
    stack = [iter([("", value, "")])]
    closings = [("", "")]
    while stack:
        entry = next(stack[-1], None)
        indent = "  " * (min(len(stack), 40) - 1)
        if entry is None:
            stack.pop()
            closing, comma = closings.pop()
            if closing:
                yield _Line("  " * (min(len(stack), 40) - 1) + closing, comma)
            continue
        label, child, comma = entry
        is_whole = len(stack) == 1 and isinstance(child, Mapping | list | tuple) and len(child) > 0
        short = None if is_open and is_whole else _short(child, redact, width)
        if short is not None:
            yield _Line(clip(indent + label + short, width - len(comma)), comma)
        elif isinstance(child, Mapping):
            yield _Line(clip(f"{indent}{label}{{", width))
            stack.append(_parted((f"{_text(key, redact, width)}: ", each) for key, each in child.items()))
            closings.append(("}", comma))
        elif isinstance(child, list | tuple):
            yield _Line(clip(f"{indent}{label}[", width))
            stack.append(_parted(("", each) for each in child))
            closings.append(("]", comma))


def _parted(entries: Iterable[tuple[str, Json]]) -> Iterator[tuple[str, Json, str]]:
    """The entries, each with the comma that parts it from the next."""
    before: tuple[str, Json] | None = None
    for entry in entries:
        if before is not None:
            yield (*before, ",")
        before = entry
    if before is not None:
        yield (*before, "")


def _short(value: Json, redact: Redact, width: int) -> str | None:
    """A value that takes one line: a scalar, or a list or object of few scalars."""
    if isinstance(value, str):
        return _text(value, redact, width)
    if isinstance(value, Mapping):
        if len(value) > 8 or any(isinstance(each, Mapping | list | tuple) for each in value.values()):
            return None if value else "{}"
        parts = [f"{_text(key, redact, width)}: {_short(each, redact, width)}" for key, each in value.items()]
        text = f"{{{', '.join(parts)}}}"
    elif isinstance(value, list | tuple):
        if len(value) > 16 or any(isinstance(each, Mapping | list | tuple) for each in value):
            return None if value else "[]"
        text = f"[{', '.join(_short(each, redact, width) or '' for each in value)}]"
    else:
        return redact(compact(value))
    return text if len(text) <= _LONGEST_INLINE else None


def _text(value: str, redact: Redact, width: int) -> str:
    return compact(clip(redact(value), width))
