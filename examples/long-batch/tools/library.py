"""Where the running Python's standard library is, and how its files are read."""

from __future__ import annotations

import sysconfig
from hashlib import sha256
from pathlib import Path
from typing import Any


class ChangedError(Exception):
    """What is there is not what was listed."""


def folder() -> Path:
    """The folder of the modules that are written in Python."""
    return Path(sysconfig.get_path("stdlib"))


def read(entry: dict[str, Any]) -> bytes:
    """The bytes that were listed: a result is kept under their digest, so it must be theirs."""
    data = (folder() / entry["file"]).read_bytes()
    if sha256(data).hexdigest() != entry["sha256"]:
        raise ChangedError(f"'{entry['file']}' has changed since it was listed")
    return data
