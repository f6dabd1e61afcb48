"""The descriptors of this process, to see what a test leaves open."""

from __future__ import annotations

import os
from contextlib import suppress


def open_descriptors() -> set[str]:
    """Each with what it is: a number alone may have been given back by one test and taken by the next. What was left to
    the garbage collector before may go at any time, so more of them is a leak, and fewer is none."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the one that listed them, or another thread's
            found.add(f"{name} {os.readlink(f'/proc/self/fd/{name}')}")
    return found
