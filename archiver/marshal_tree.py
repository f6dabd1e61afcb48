"""What `marshal.dumps` wrote, as a tree that is the same for the same value, whichever Python wrote it.

marshal points back to what it has written; a tree has the thing itself there, so that equal parts are equal bytes.
"""

from __future__ import annotations

from typing import NamedTuple

CODE = b"c"
HEADER = 5 * 4
"""Bytes of the numbers that a code object begins with: three counts of parameters, size of the stack, flags. The number
of its first line, which marshal writes behind NAMES, follows them in a node's data."""
_FIRST_LINE = 4
_NOTHING_FOLLOWS = b"NFTS."
_FIXED_SIZES = {b"i": 4, b"g": 8, b"y": 16}
_ASCII = b"aAzZ"
INSTRUCTIONS, NAMES, LINES, EXCEPTIONS = 0, slice(1, 8), 8, 9
"""The parts of a code object; NAMES are constants, names of all sorts, and where it stands."""
_LONGEST_SHORT = 255


class Node(NamedTuple):
    """One object: marshal's letter for its kind, the bytes that follow at once, and the objects after these."""

    kind: bytes
    data: bytes = b""
    parts: tuple[Node, ...] = ()

    def written(self) -> bytes:
        """As marshal writes it, pointing nowhere."""
        return b"".join([self.kind, self.data, *(part.written() for part in self.parts)])

    def depth(self) -> int:
        """How deep its parts lie, 0 without parts."""
        return max((1 + part.depth() for part in self.parts), default=0)


def parse(data: bytes) -> Node:
    """The tree of what `marshal.dumps` wrote in CPython 3.11 to 3.13: of code, or of anything that can be a constant in
    it. Raises ValueError."""
    reader = _Reader(data)
    node = reader.read()
    if reader.at != len(data):
        raise ValueError(f"marshalled data ends at {reader.at}, not at {len(data)}")
    return node


class _Reader:
    """Reads nodes one behind the other."""

    def __init__(self, data: bytes) -> None:
        self.at = 0
        self._data = data
        self._seen: list[Node] = []

    def read(self) -> Node:
        """The node that begins here."""
        byte = self._take(1)[0]
        kind = bytes([byte & 0x7F])
        if kind == b"r":
            return self._seen[self._number(4)]
        place = len(self._seen)
        if byte & 0x80:  # others point back to it
            self._seen.append(Node(b"?"))
        node = self._node(kind)
        if byte & 0x80:
            self._seen[place] = node
        return node

    def _node(self, kind: bytes) -> Node:
        if kind in _NOTHING_FOLLOWS:
            return Node(kind)
        if kind in _FIXED_SIZES:
            return Node(kind, self._take(_FIXED_SIZES[kind]))
        if kind == b"l":
            start = self.at
            self._take(2 * abs(self._number(4)))
            return Node(kind, self._data[start:self.at])
        if kind in _ASCII:
            return ascii_text(self._take(self._number(1 if kind in b"zZ" else 4)))
        if kind in b"stu":
            size = self._number(4)
            return Node(kind.replace(b"t", b"u"), size.to_bytes(4, "little") + self._take(size))
        if kind in b"()>":
            return _container(kind, self._read(self._number(1 if kind == b")" else 4)))
        if kind == CODE:
            return self._code()
        raise ValueError(f"marshal wrote the kind {kind!r}, which code cannot hold")

    def _code(self) -> Node:
        header = self._take(HEADER)
        names = self._read(NAMES.stop)
        line = self._take(_FIRST_LINE)
        return Node(CODE, header + line, names + self._read(2))

    def _read(self, count: int) -> tuple[Node, ...]:
        return tuple(self.read() for _ in range(count))

    def _take(self, size: int) -> bytes:
        self.at += size
        return self._data[self.at - size:self.at]

    def _number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "little", signed=size == 4)


def ascii_text(text: bytes) -> Node:
    """A text; whether its characters are ASCII is for the caller to know."""
    # Whether a text is to be interned is not kept: Python interns the names of a code object, and constants like them.
    if len(text) <= _LONGEST_SHORT:
        return Node(b"z", bytes([len(text)]) + text)
    return Node(b"a", len(text).to_bytes(4, "little") + text)


def _container(kind: bytes, parts: tuple[Node, ...]) -> Node:
    if kind in b"()" and len(parts) <= _LONGEST_SHORT:
        return Node(b")", bytes([len(parts)]), parts)
    return Node(kind.replace(b")", b"("), len(parts).to_bytes(4, "little"), parts)
