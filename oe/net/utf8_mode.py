"""Starting over in UTF-8 mode. An interpreter that takes names and arguments for ASCII (LC_ALL=C with PYTHONUTF8=0)
gets no other letter as one, and can write none into a path."""

from __future__ import annotations

import os
import sys


def start_over_in_utf8_mode() -> None:
    """Takes this process over with the same command line; returns where that cannot help. It is to be the first thing
    that the process does."""
    if sys.executable and not sys.flags.utf8_mode:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
