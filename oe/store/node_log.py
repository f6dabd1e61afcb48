"""Node logs as files: made by the first write, bounded, redacted, safe from threads. They never fail a node."""

from __future__ import annotations

import os
import threading
from codecs import getincrementaldecoder
from collections.abc import Callable

from oe.errors import StoreError
from oe.redact import Redactor
from oe.store.private_files import make_folder, open_private

LIMIT_BYTES = 10 * 1024 * 1024
_TAIL_BYTES = 64 * 1024
_new_decoder = getincrementaldecoder("utf-8")


class NodeLogFiles:
    """Implements NodeLogs. `path_of` gives the file of a slot."""

    def __init__(self, path_of: Callable[[str], str], redactor: Redactor, limit_bytes: int = LIMIT_BYTES) -> None:
        self._path_of = path_of
        self._redactor = redactor
        self._limit = limit_bytes

    def open(self, slot: str) -> NodeLogFile:
        """The slot's log, to be appended to."""
        return NodeLogFile(self._path_of(slot), self._redactor, self._limit)


class NodeLogFile:
    """Implements NodeLog. The file keeps the beginning of what was written; the end comes with `close`, after a line
    that says how many bytes between the two were left out."""

    def __init__(self, path: str, redactor: Redactor, limit_bytes: int = LIMIT_BYTES) -> None:
        self._path = path
        self._redactor = redactor
        self._limit = limit_bytes
        self._longest_tail = min(_TAIL_BYTES, limit_bytes // 4)
        self._lock = threading.Lock()
        self._decoder = _new_decoder("replace")
        self._descriptor = -1
        self._room = 0
        self._held = ""
        self._tail = b""
        self._left_out = 0
        self._is_closed = False

    def write(self, text: str | bytes) -> None:
        """Appends; what may be the beginning of a secret is held back until more comes."""
        with self._lock:
            if not self._is_closed:
                self._put(self._release(self._decoder.decode(text) if isinstance(text, bytes) else text))

    def close(self) -> None:
        """Writes what was held back, and the end of a log that was too long."""
        with self._lock:
            if self._is_closed and self._descriptor < 0:
                return
            self._is_closed = True
            held, self._held = self._held + self._decoder.decode(b"", final=True), ""
            self._put(self._redactor.text(held))
            if self._descriptor >= 0:
                if self._tail:
                    gap = f"\n[... {self._left_out} bytes left out ...]\n".encode() if self._left_out else b""
                    self._append(gap + self._tail)
                os.close(self._descriptor)
                self._descriptor = -1

    def _release(self, text: str) -> str:
        """What can be shown of the text and what was held before it, redacted. The rest may be the beginning of a
        secret: no more than the longest is long, unless secrets stand so close that no place between two is found."""
        longest = self._redactor.longest
        if longest == 0:
            return text
        text = self._held + text
        most = len(text) - longest + 1
        for cut in range(most, max(0, most - 4 * longest), -max(1, longest // 8)):
            if not self._splits_secret(text, cut, longest):
                self._held = text[cut:]
                return self._redactor.text(text[:cut])
        if most > 0:
            text = self._redactor.text(text)  # what is blanked already may be cut anywhere
        cut = max(0, len(text) - longest + 1)
        self._held = text[cut:]
        return text[:cut]

    def _splits_secret(self, text: str, cut: int, longest: int) -> bool:
        """Whether a secret stands on both sides of the place."""
        before, after = text[max(0, cut - longest + 1): cut], text[cut: cut + longest - 1]
        blank = self._redactor.text
        return self._redactor.finds(before + after) and blank(before + after) != blank(before) + blank(after)

    def _put(self, text: str) -> None:
        if not text:
            return
        data = text.encode("utf-8", "backslashreplace")
        if self._descriptor < 0 and not self._open():
            return
        if self._room > 0:
            head, data = data[: self._room], data[self._room:]
            self._room -= len(head)
            self._append(head)
        if data:
            self._tail += data
            surplus = len(self._tail) - self._longest_tail
            if surplus > self._longest_tail:  # not at every line: each time costs a copy
                self._left_out += surplus
                self._tail = self._tail[surplus:]

    def _open(self) -> bool:
        try:
            make_folder(os.path.dirname(self._path))
            self._descriptor = open_private(self._path, os.O_WRONLY | os.O_APPEND)
            size = os.fstat(self._descriptor).st_size
            self._room = max(0, self._limit - 2 * self._longest_tail - size)
            self._is_closed = size > 2 * self._limit  # the ends of very many attempts
        except (OSError, StoreError):
            self._is_closed = True  # a log that cannot be written is no reason for a node to fail
        return not self._is_closed

    def _append(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._descriptor, data):]
        except OSError:  # a full disk: the rest is lost, the run is not
            self._room = 0
