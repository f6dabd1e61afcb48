"""What programs print, on its way: whole lines to the node log, the result kept within a bound, the last words kept."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Callable

from oe.errors import NodeError
from oe.text import format_size

_LONGEST_PART = 64 * 1024
_TAIL_BYTES = 4096
_TAIL_LINES = 10
_TAIL_CHARACTERS = 600

_new_decoder = getincrementaldecoder("utf-8")


class LogLines:
    """Bytes of a stream, written to a log by whole lines; what is no UTF-8 is shown with replacement characters."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._decoder = _new_decoder("replace")
        self._rest = ""

    def __call__(self, chunk: bytes) -> None:
        text = self._rest + self._decoder.decode(chunk)
        whole, end, self._rest = text.rpartition("\n")
        if end:
            self._log(whole + end)
        if len(self._rest) > _LONGEST_PART:
            self._log(self._rest)
            self._rest = ""

    def finish(self) -> None:
        """Writes the last line, which has no end."""
        rest = self._rest + self._decoder.decode(b"", final=True)
        self._rest = ""
        if rest:
            self._log(rest)


class Tail:
    """The last words of a stream, for the sentence of an error."""

    def __init__(self, sink: Callable[[bytes], None]) -> None:
        self._sink = sink
        self._last = b""

    def __call__(self, chunk: bytes) -> None:
        self._last = (self._last + chunk)[-_TAIL_BYTES:]
        self._sink(chunk)

    def text(self) -> str:
        """The last lines that are not empty."""
        lines = [line.rstrip() for line in self._last.decode("utf-8", "replace").splitlines() if line.strip()]
        text = "\n".join(lines[-_TAIL_LINES:])
        return text if len(text) <= _TAIL_CHARACTERS else "…" + text[1 - _TAIL_CHARACTERS:]


class Kept:
    """A stream kept whole, up to a bound."""

    def __init__(self, what: str, most_bytes: int) -> None:
        self._what = what
        self._most = most_bytes
        self._chunks: list[bytes] = []
        self._size = 0

    def __call__(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._most:
            raise NodeError(f"{self._what} is longer than {format_size(self._most)}", name="OutputTooLongError",
                            retryable=False, code="output-too-long", hint="write it to a file and hand over its path")
        self._chunks.append(chunk)

    def data(self) -> bytes:
        """All of it."""
        return b"".join(self._chunks)


def ending(what: str, code: int, last_words: str) -> NodeError | None:
    """The failure that a program's exit code stands for: None for 0, minus a signal's number for a signal."""
    if code == 0:
        return None
    if code < 0:
        sentence, name = f"{what} was killed by {_signal_name(-code)}", "KilledBySignal"
    else:
        sentence, name = f"{what} ended with exit code {code}", "ExitCode"
    return NodeError(f"{sentence}: {last_words}" if last_words else sentence, name=name, code="program-failed")


def _signal_name(number: int) -> str:
    from signal import Signals

    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"
