"""What inline tools print, sent to the log of the node that printed it.

While a run goes, `sys.stdout` and `sys.stderr` are stand-ins that look into the context of whoever writes: a context
variable, copied into tasks and threads, names the node's log. What is printed outside any node (a thread that a tool
started by itself has no context) goes to the original stderr, never to stdout, which belongs to results, and without
the run's secrets.
"""

from __future__ import annotations

import io
import sys
import threading
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable
from contextvars import ContextVar, Token
from typing import Any, TextIO, cast

from oe.redact import Redactor

_new_decoder = getincrementaldecoder("utf-8")
_OUT, _ERR = 0, 1
_LONGEST_PART = 64 * 1024
"""Characters of a line without end that are kept before it is written all the same."""


class Printed:
    """The receiver of one node's prints: hands whole lines to `write`. Safe from threads."""

    __slots__ = ("_decoders", "_has_taken", "_lock", "_parts", "_sizes", "_write")

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._has_taken = False
        self._lock = threading.RLock()
        self._parts: tuple[list[str], list[str]] = ([], [])
        self._sizes = [0, 0]
        self._decoders: list[Any] = [None, None]

    def take(self, text: str, stream: int = _OUT) -> None:
        """Takes a piece of what was printed on one of the two streams."""
        self._has_taken = True
        with self._lock:
            parts = self._parts[stream]
            whole, end, rest = text.rpartition("\n")
            if end:
                parts.append(whole + end)
                self._hand_over(stream)
            if rest:
                parts.append(rest)
                self._sizes[stream] += len(rest)
                if self._sizes[stream] > _LONGEST_PART:
                    self._hand_over(stream)

    def _hand_over(self, stream: int) -> None:
        text = "".join(self._parts[stream])
        self._parts[stream].clear()
        self._sizes[stream] = 0
        if text:
            self._write(text)

    def take_bytes(self, data: bytes, stream: int = _OUT) -> None:
        """As `take`, for what was written to the stream's buffer."""
        self._has_taken = True
        with self._lock:
            decoder = self._decoders[stream]
            if decoder is None:
                decoder = self._decoders[stream] = _new_decoder("replace")
            self.take(decoder.decode(data), stream)

    def finish(self) -> None:
        """Hands over lines that have no end yet."""
        if not self._has_taken:
            return  # as most nodes print nothing
        with self._lock:
            for stream in (_OUT, _ERR):
                if self._decoders[stream] is not None:
                    self.take(self._decoders[stream].decode(b"", final=True), stream)
                self._hand_over(stream)


_receiver: ContextVar[Printed | None] = ContextVar("oe_printed", default=None)


def send_prints_to(printed: Printed | None) -> Token[Printed | None]:
    """From now on, what this task and all that it starts prints goes there; until it is sent back by the token."""
    return _receiver.set(printed)


def send_prints_back(before: Token[Printed | None]) -> None:
    """Sends what this task prints where it went before."""
    _receiver.reset(before)


class OutputCapture:
    """Stands in for `sys.stdout` and `sys.stderr` while it is entered. Several may overlap, whatever their order."""

    def __init__(self, redactor: Redactor | None = None) -> None:
        self._redactor = redactor or Redactor()
        self._stand_ins: tuple[_StandIn, _StandIn] | None = None
        self._strays: _Strays | None = None

    def __enter__(self) -> OutputCapture:
        stray: object = sys.stderr
        while isinstance(stray, _StandIn):
            stray = stray.strays.target
        strays = self._strays = _Strays(cast(TextIO, stray), self._redactor)
        self._stand_ins = _StandIn(sys.stdout, strays, _OUT), _StandIn(sys.stderr, strays, _ERR)
        sys.stdout, sys.stderr = cast(tuple[TextIO, TextIO], self._stand_ins)
        return self

    def __exit__(self, *_: object) -> None:
        if self._stand_ins is None:
            return
        out, err = self._stand_ins
        out.ended = err.ended = True
        if self._strays is not None:
            self._strays.finish()
        sys.stdout = _without_ended(sys.stdout)
        sys.stderr = _without_ended(sys.stderr)


def _without_ended(stream: TextIO) -> TextIO:
    """The stream under stand-ins that have ended; one below a stand-in still in use is passed through instead."""
    found: object = stream
    while isinstance(found, _StandIn) and found.ended:
        found = found.original
    return cast(TextIO, found)


class _Strays:
    """Where prints outside any node go: the original stderr. With secrets to blank, by whole lines."""

    def __init__(self, target: TextIO | None, redactor: Redactor) -> None:
        self.target = target
        self._redactor = redactor
        self._lines = Printed(lambda text: self._show(redactor.text(text)))

    def write(self, text: str, stream: int) -> None:
        """Shows the text, at once or with the rest of its line."""
        if self._redactor:
            self._lines.take(text, stream)
        else:
            self._show(text)

    def finish(self) -> None:
        """Shows lines that have no end yet."""
        self._lines.finish()

    def _show(self, text: str) -> None:
        if self.target is not None:
            self.target.write(text)


class _StandIn(io.TextIOBase):
    """A text stream in the place of one of the two."""

    encoding = "utf-8"
    errors = "backslashreplace"
    newlines = None
    line_buffering = True
    mode = "w"

    def __init__(self, original: TextIO, strays: _Strays, stream: int) -> None:
        self.original = original
        self.strays = strays
        self.ended = False
        self._stream = stream
        self._buffer = _Buffer(self)

    @property
    def name(self) -> str:
        """As the interpreter names its own."""
        return "<stdout>" if self._stream == _OUT else "<stderr>"

    @property
    def buffer(self) -> Any:
        """For bytes."""
        return self._buffer

    def write(self, text: str) -> int:
        """Sends the text to the node that prints, or to the original stderr."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        receiver = _receiver.get()
        if receiver is not None:
            receiver.take(text, self._stream)
        elif not self.ended:
            self.strays.write(text, self._stream)
        else:
            target = self.outside()
            if target is not None:
                target.write(text)
        return len(text)

    def write_bytes(self, data: bytes) -> None:
        """As `write`, for bytes."""
        receiver = _receiver.get()
        if receiver is not None:
            receiver.take_bytes(data, self._stream)
        else:
            self.write(data.decode("utf-8", "replace"))

    def outside(self) -> TextIO | None:
        """Where prints outside any node go: once the capture has ended, where they would have gone without it."""
        return _without_ended(self.original) if self.ended else self.strays.target

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        """Writes each."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Node logs are written by whole lines; only the original stderr has something to flush."""
        target = self.outside()
        if target is not None and _receiver.get() is None:
            target.flush()

    def fileno(self) -> int:
        """The descriptor of the original stderr, so that a child which is given this stream cannot disturb results."""
        target = self.outside()
        if target is None:
            raise io.UnsupportedOperation("fileno")
        return target.fileno()

    def isatty(self) -> bool:
        """A log is no terminal."""
        return False

    def writable(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """A tool that closes the stream closes nothing: other nodes print too."""

    def reconfigure(self, **_: object) -> None:
        """Accepted; a log stays a log."""


class _Buffer(io.RawIOBase):
    """The bytes side of a stand-in."""

    def __init__(self, stand_in: _StandIn) -> None:
        self._stand_in = stand_in

    def write(self, data: Any) -> int:
        """Sends the bytes on their way."""
        raw = bytes(data)
        self._stand_in.write_bytes(raw)
        return len(raw)

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """As the stand-in's."""
        return self._stand_in.fileno()

    def close(self) -> None:
        """As the stand-in's."""
