"""Digests of values, texts and files, with enough of the text to show a person what changed."""

from __future__ import annotations

from hashlib import sha256
from typing import IO, NamedTuple

from oe.values import Json, canonical

LONGEST_TEXT = 4096
"""Characters of a part's text that are kept."""

_PIECE_BYTES = 1 << 20


class Part(NamedTuple):
    """One thing that the output depends on. `size` is in characters of the text or bytes of the file; `text` is the
    canonical text, cut to 4,096 characters, or None for what is no text."""

    digest: str
    size: int
    text: str | None


def part_of(value: Json) -> Part:
    """The part that a JSON value is. Raises ValueError for a value that JSON cannot hold."""
    return part_of_text(canonical(value))


def part_of_text(text: str) -> Part:
    """The part that a text is."""
    return Part(sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), len(text), text[:LONGEST_TEXT])


def part_of_bytes(data: bytes) -> Part:
    """The part that a file's contents are; the text is kept where they are UTF-8."""
    return Part(sha256(data).hexdigest(), len(data), _first_text(data[:LONGEST_TEXT]))


def part_of_stream(stream: IO[bytes]) -> Part:
    """The same, read in pieces. Raises OSError."""
    digest, size, first = sha256(), 0, b""
    while piece := stream.read(_PIECE_BYTES):
        first = first or piece[:LONGEST_TEXT]
        digest.update(piece)
        size += len(piece)
    return Part(digest.hexdigest(), size, _first_text(first))


def _first_text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError as error:  # a character that the cut went through is no sign of binary data
        return data[: error.start].decode() if error.start >= LONGEST_TEXT - 4 else None
