"""Where the running Python's standard library is, and which grammar it is read with."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path


def folder() -> Path:
    """The folder of the modules that are written in Python."""
    return Path(sysconfig.get_path("stdlib"))


def python() -> str:
    """The version as far as it changes the grammar: 3.12."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"
