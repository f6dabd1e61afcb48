"""Pipes between the loop and a program: one that is read as it fills, one that is filled as it is read."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

_CHUNK_BYTES = 64 * 1024
_DRAIN_BYTES = 1024 * 1024
"""The most that a pipe can hold; what comes beyond it after the program's end is written by one that it left behind."""


class Stream:
    """A pipe whose read end feeds a sink. `fail` is told what the sink raises."""

    __slots__ = ("_fail", "_listens", "_loop", "_read_fd", "_sink", "write_fd")

    def __init__(self, loop: asyncio.AbstractEventLoop, sink: Callable[[bytes], None],
                 fail: Callable[[BaseException], None]) -> None:
        self._loop = loop
        self._sink: Callable[[bytes], None] | None = sink
        self._fail = fail
        self._listens = False
        self._read_fd, self.write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)

    def listen(self) -> None:
        """Reads from now on whenever there is something."""
        self._listens = True
        self._loop.add_reader(self._read_fd, self._read)

    def _read(self) -> int:
        """Hands on one chunk; its length, 0 where there is none now."""
        try:
            chunk = os.read(self._read_fd, _CHUNK_BYTES)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            chunk = b""
        if not chunk:
            self.close()
        elif self._sink is not None:
            try:
                self._sink(chunk)
            except Exception as error:
                self._fail(error)
        return len(chunk)

    def drain(self) -> None:
        """Hands on what the pipe holds now, without waiting for more."""
        rest = _DRAIN_BYTES
        while rest > 0 and self._read_fd >= 0 and (count := self._read()):
            rest -= count

    def discard(self) -> None:
        """From now on what comes is read and forgotten."""
        self._sink = None

    def close_write_end(self) -> None:
        """To be called once the program has it: its end is the pipe's end."""
        if self.write_fd >= 0:
            os.close(self.write_fd)
            self.write_fd = -1

    def close(self) -> None:
        """Stops reading."""
        self.close_write_end()
        if self._read_fd >= 0:
            if self._listens:
                self._loop.remove_reader(self._read_fd)
            os.close(self._read_fd)
            self._read_fd = -1


class Feed:
    """A pipe that is filled with bytes and then closed. A reader that does not want them is no error."""

    __slots__ = ("_listens", "_loop", "_rest", "_write_fd", "read_fd")

    def __init__(self, loop: asyncio.AbstractEventLoop, data: bytes) -> None:
        self._loop = loop
        self._rest = memoryview(data)
        self._listens = False
        self.read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._write_fd, False)
        self._write()  # mostly the whole: a pipe holds 64 KiB, and so the loop need not be asked

    def _write(self) -> None:
        try:
            self._rest = self._rest[os.write(self._write_fd, self._rest):]
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._rest = self._rest[:0]
        if not self._rest:
            self._close_write_end()

    def go_on(self) -> None:
        """Writes the rest whenever there is room."""
        if self._write_fd >= 0:
            self._listens = True
            self._loop.add_writer(self._write_fd, self._write)

    def close_read_end(self) -> None:
        """To be called once the program has it."""
        if self.read_fd >= 0:
            os.close(self.read_fd)
            self.read_fd = -1

    def _close_write_end(self) -> None:
        if self._write_fd >= 0:
            if self._listens:
                self._loop.remove_writer(self._write_fd)
            os.close(self._write_fd)
            self._write_fd = -1

    def close(self) -> None:
        """Stops writing."""
        self.close_read_end()
        self._close_write_end()
