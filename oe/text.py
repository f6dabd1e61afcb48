"""Words for people: nearest name, durations, sizes, clipped and neutralised text. Pure; prints nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_MOST_SHOWN = 12
_MOST_COMPARED = 500
"""Names that are compared with a word in full: a comparison takes ten microseconds."""

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that was probably meant, or None where nothing is near."""
    from difflib import get_close_matches  # only on the way to an error

    names = list(candidates)
    folded = {name.lower().replace("-", "_"): name for name in names}
    same = folded.get(word.lower().replace("-", "_"))
    if same is not None and same != word:
        return same
    if len(names) > _MOST_COMPARED:
        names = [name for name in names if abs(len(name) - len(word)) <= 2 and name[:1] == word[:1]][:_MOST_COMPARED]
    matches = get_close_matches(word[:80], names, n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """A hint that names the nearest candidate, or None."""
    found = nearest(word, candidates)
    return f"did you mean '{found}'?" if found else None


def add_to(key: str, names: Sequence[str], name: str) -> str:
    """A hint to add a name to the list under a key, which it shows unless it is a long one."""
    return f"add it to {key}" + (f": [{', '.join((*names, name))}]" if len(names) < _MOST_SHOWN else "")


def parse_duration(text: str) -> float | None:
    """Seconds of `500ms`, `3s`, `5m`, `2h`, `1d`; None for anything else."""
    match = _DURATION.fullmatch(text)
    return float(match[1]) * _SECONDS[match[2]] if match else None


def format_duration(seconds: float) -> str:
    """A duration as people write it: `243ms`, `12.4s`, `00:41` minutes and seconds from one minute on."""
    if seconds < 0.9995:  # what would be rounded to 1000ms or 60.0s is a second, a minute
        return f"{seconds * 1000:.0f}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(max(60, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def format_age(seconds: float) -> str:
    """An age as people say it: `41s`, `5m`, `3h`, `12d`."""
    for limit, unit, size in ((120, "s", 1), (7200, "m", 60), (172800, "h", 3600)):
        if seconds < limit:
            return f"{max(0, seconds) / size:.0f}{unit}"
    return f"{seconds / 86400:.0f}d"


def format_size(size_bytes: float) -> str:
    """A size in bytes with a binary unit: `512 B`, `1.5 KiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size_bytes < (1024 if unit == "B" else 1023.95):
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.1f} TiB"


def plural(count: int, noun: str) -> str:
    """`1 node`, `2 nodes`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def clip(text: str, length: int) -> str:
    """The text cut to `length` characters, with an ellipsis where something was cut."""
    return text if len(text) <= length else text[: max(0, length - 1)] + "…"


def width_of(text: str) -> int:
    """How many cells of a terminal the text takes: two for a character of an East Asian script or an emoji, none for a
    mark on another."""
    return len(text) if text.isascii() else sum(map(cells_of, text))


def clip_cells(text: str, width: int) -> str:
    """The text cut to `width` cells of a terminal, with an ellipsis where something was cut."""
    if width_of(text) <= width:
        return text
    room, end = width - 1, 0
    while end < len(text) and (room := room - cells_of(text[end])) >= 0:
        end += 1
    return text[:end] + "…" if width > 0 else ""


def end_cells(text: str, width: int, mark: str = "…") -> str:
    """The end of the text in at most `width` cells of a terminal, with a mark where something was cut before it."""
    if width_of(text) <= width:
        return text
    room, start = width - 1, len(text)
    while start and (room := room - cells_of(text[start - 1])) >= 0:
        start -= 1
    return mark + text[start:] if width > 0 else ""


@lru_cache(maxsize=4096)
def cells_of(character: str) -> int:
    """The cells of one character, as the C library's `wcwidth` counts them."""
    import unicodedata  # most texts are ASCII

    category = unicodedata.category(character)
    if category in ("Mn", "Me") or (category == "Cf" and character != "\xad") or "\u1160" <= character <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def neutralise(text: str) -> str:
    """The text without what could steer a terminal: control and direction characters become visible escapes."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
