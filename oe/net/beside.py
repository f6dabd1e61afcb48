"""A process beside this one: a copy of it that does something else, such as showing what this one does."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NoReturn


def start_beside(work: Callable[[], NoReturn]) -> int:
    """Starts it in the same process group and gives its pid; `work` must end it. To be called while the process has no
    other thread and no event loop: the copy would have only what they left half done."""
    pid = os.fork()
    if pid == 0:
        work()
    return pid
