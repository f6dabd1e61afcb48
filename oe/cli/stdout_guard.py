"""Keeps standard output for results: whatever a tool or its children write to descriptor 1 goes to stderr."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from oe.cli.console import Console


@contextmanager
def guarded_stdout(console: Console) -> Iterator[None]:
    """While it lasts, `console.stdout` writes to a private copy of standard output, and descriptor 1 is stderr.

    Streams that are not the process's own (a library's caller, a test) are left alone.
    """
    if not _is_descriptor(console.stdout, 1) or not _is_descriptor(console.stderr, 2):
        yield
        return
    original = console.stdout
    original.flush()
    private = os.dup(1)
    console.stdout = os.fdopen(private, "w", encoding="utf-8", errors="backslashreplace")
    os.dup2(2, 1)
    try:
        yield
    finally:
        original.flush()
        os.dup2(private, 1)
        guarded, console.stdout = console.stdout, original
        with suppress(OSError):  # what could not be written has been told: everything was flushed before
            guarded.close()


def _is_descriptor(stream: TextIO, number: int) -> bool:
    try:
        return stream.fileno() == number
    except (OSError, ValueError, io.UnsupportedOperation):
        return False
