"""The result cache as callers of the library make one: a folder of their choice, faults on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from oe.errors import OeError
from oe.store.cache_files import CacheFiles


class CacheStore(CacheFiles):
    """Keeps results as files in `dir`, which is made with the first: `run_experience(…, cache=CacheStore(dir=…))`.

    What cannot be read or written never fails a run: it is told once, to `on_trouble` or else on stderr.
    """

    def __init__(self, dir: str | os.PathLike[str], *, on_trouble: Callable[[OeError], None] | None = None) -> None:
        super().__init__(os.path.abspath(dir), on_trouble or _tell_on_stderr)


def _tell_on_stderr(error: OeError) -> None:
    sys.stderr.write(f"oe: warning: {error.message}\n")
