"""Takes the code of several versions of Python apart, so that what they share is there once and the rest compresses.

Of a code object, only instructions, line table, exceptions, stack size and flags depend on the version. What lies
between (constants, names, where it stands) becomes *pieces* of a table that all versions share, in the order of their
use, so that a version needs little more than "the next one" of them. Names and constants that occur more often stand in
front of the code, alike for all versions, and are pointed to. Instructions and line tables are columns of their own:
deflate finds less where they alternate. `oe.archive.load_group` puts all of it together again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, product, zip_longest
from operator import itemgetter
from typing import NamedTuple

from archiver.marshal_tree import CODE, EXCEPTIONS, HEADER, INSTRUCTIONS, LINES, NAMES, Node, ascii_text, parse
from oe.archive import weave, with_pieces

Front = Mapping[Node, int]
"""What occurs more often -> its place among what others may point to."""
Token = tuple[str, bytes]
"""Bytes of marshalled code, and where they belong."""
TABLE, CODE_COLUMN, LINE_COLUMN, FRAME = "table", "instructions", "line tables", "frame"
_OWN_NUMBERS = 2 * 4
"""Bytes of stack size and flags, which end the header."""
_TAIL = [(TABLE, b"0")]
_POINTED_TO = 0x80
_LEAST_WORTH = 6
"""Bytes; to point at something shorter takes as much as itself."""


class Shared(NamedTuple):
    """The table, each piece with the mark behind it."""

    mark: bytes
    pieces: bytes


class Sorted(NamedTuple):
    """The code of one version. `frame` has a mark where a piece goes; `steps` are the differences between the places of
    its pieces in the table; `columns` are mark and column in turns, for `weave`."""

    frame: bytes
    mark: bytes
    steps: tuple[int, ...]
    columns: tuple[bytes, ...]


def sort_versions(versions: Sequence[Mapping[str, bytes]]) -> tuple[Shared, list[Sorted]]:
    """The table, and what each version has besides. Given is the marshalled code of the same modules for each."""
    trees = [{name: parse(data) for name, data in version.items()} for version in versions]
    front = _occurring_more_often(trees)
    head = _head(front)
    streams = [[head, *(_module(name, code, front) for name, code in tree.items()), _TAIL] for tree in trees]
    places: dict[bytes, int] = {}
    for turn in zip_longest(*streams, fillvalue=()):  # by module, so that what is alike is near
        for place, data in (token for tokens in turn for token in tokens):
            if place == TABLE:
                places.setdefault(data, len(places))
    shared = _table(places)
    return shared, [_sorted([token for tokens in stream for token in tokens], places, shared) for stream in streams]


def restored(parts: Sorted, shared: Shared) -> bytes:
    """The marshalled code of one version: what stands in front, and the code by name."""
    return weave(with_pieces(parts.frame, parts.mark, parts.steps, shared.pieces.split(shared.mark)), *parts.columns)


def _occurring_more_often(trees: Iterable[Mapping[str, Node]]) -> Front:
    """What is worth pointing to in some version; parts come before what holds them, then the most frequent first."""
    most: Counter[Node] = Counter()
    for tree in trees:
        counts: Counter[Node] = Counter()
        for code in tree.values():
            _count(code, counts)
        most |= counts
    chosen = [node for node, count in most.items() if count > 1 and len(node.written()) >= _LEAST_WORTH]
    chosen.sort(key=lambda node: (node.depth(), -most[node]))
    return {node: place for place, node in enumerate(chosen)}


def _count(node: Node, counts: Counter[Node]) -> None:
    if node.kind == CODE:
        for part in node.parts[NAMES]:
            _count(part, counts)
        return
    if not any(part.kind == CODE for part in node.parts):
        counts[node] += 1
    if counts[node] <= 1:  # what stands in a part that occurs again is written once
        for part in node.parts:
            _count(part, counts)


def _head(front: Front) -> list[Token]:
    """The beginning: of a pair the first, all that others point to, and of the second, a mapping, the opening."""
    marked = (_written(node, front, _POINTED_TO) for node in front)
    return [(TABLE, b"".join([b")\x02(", len(front).to_bytes(4, "little"), *marked, b"{"]))]


def _module(name: str, code: Node, front: Front) -> list[Token]:
    """A module's name and its code, cut where it goes to different places."""
    tokens = [(TABLE, ascii_text(name.encode("ascii")).written()), *_tokens(code, front)]
    return [(place, b"".join(data for _, data in run)) for place, run in groupby(tokens, key=itemgetter(0))]


def _tokens(node: Node, front: Front) -> Iterator[Token]:
    if node.kind != CODE and not any(part.kind == CODE for part in node.parts):
        yield TABLE, _written(node, front)
        return
    if node.kind != CODE:
        yield TABLE, node.kind + node.data
        for part in node.parts:
            yield from _tokens(part, front)
        return
    own = HEADER - _OWN_NUMBERS
    yield TABLE, CODE + node.data[:own]
    yield FRAME, node.data[own:HEADER]
    yield CODE_COLUMN, node.parts[INSTRUCTIONS].written()
    for part in node.parts[NAMES]:
        yield from _tokens(part, front)
    yield TABLE, node.data[HEADER:]
    yield LINE_COLUMN, node.parts[LINES].written()
    yield FRAME, node.parts[EXCEPTIONS].written()


def _written(node: Node, front: Front, flag: int = 0) -> bytes:
    """As marshal writes it; what stands in front is pointed to, unless a flag says that others may point here."""
    if not flag and node in front:
        return b"r" + front[node].to_bytes(4, "little")
    return b"".join([bytes([node.kind[0] | flag]), node.data, *(_written(part, front) for part in node.parts)])


def _table(places: Iterable[bytes]) -> Shared:
    pieces = list(places)
    for mark in _unused_pairs(b"".join(pieces)):
        table = b"".join(piece + mark for piece in pieces)
        if table.split(mark)[:-1] == pieces:  # else a mark arose where a piece met its own
            return Shared(mark, table)
    raise ValueError("no two bytes are free to mark pieces with")


def _sorted(tokens: list[Token], places: Mapping[bytes, int], shared: Shared) -> Sorted:
    data = b"".join(data for _, data in tokens)
    used = [places[data] for place, data in tokens if place == TABLE]
    steps = tuple(place - before for before, place in zip([0, *used], used, strict=False))
    marks = _unused_pairs(data)
    for piece, code, lines in zip(marks, marks, marks, strict=False):
        mark_of = {TABLE: piece, CODE_COLUMN: code, LINE_COLUMN: lines}
        frame = b"".join(mark_of.get(place, data) for place, data in tokens)
        parts = Sorted(frame, piece, steps, (lines, _column(tokens, LINE_COLUMN, lines),
                                             code, _column(tokens, CODE_COLUMN, code)))
        if restored(parts, shared) == data:  # else a mark arose where two pieces met
            return parts
    raise ValueError("no two bytes are free to mark the columns with")


def _column(tokens: Iterable[Token], column: str, mark: bytes) -> bytes:
    return b"".join(data + mark for place, data in tokens if place == column)


def _unused_pairs(data: bytes) -> Iterator[bytes]:
    return (pair for pair in map(bytes, product(range(255, -1, -1), repeat=2)) if pair not in data)
