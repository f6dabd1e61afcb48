"""The table of mounted file systems: /proc/self/mounts, or what `mount` prints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from probe import ask

_MOUNTS = "/proc/self/mounts"
_PRINTED = re.compile(r"^(?P<device>.*?) on (?P<mount>/.*?)(?: type (?P<type>\S+))? \((?P<options>[^()]*)\)$")


class Mount(NamedTuple):
    """One line of the table. `path` is what the system is asked with: a name need not be valid text."""

    device: str
    path: bytes
    type: str
    options: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The mount point as text."""
        return _text(self.path)


def list_mounts() -> tuple[str, list[Mount]]:
    """The source (or 'not available: ...') and every mount, in order."""
    try:
        return _MOUNTS, parse_mounts(Path(_MOUNTS).read_bytes())
    except OSError:
        printed = ask(["mount"])
    if printed.problem:
        return f"not available: there is no {_MOUNTS}, and {printed.problem}", []
    return "mount", parse_printed(printed.text)


def parse_mounts(table: bytes) -> list[Mount]:
    """The mounts of a /proc/self/mounts, where a space in a name is written \\040 (fstab(5))."""
    mounts = []
    for line in table.split(b"\n"):
        fields = line.split(b" ")
        if len(fields) >= 4:
            device, path, kind, options = fields[:4]
            mounts.append(Mount(_text(unescape(device)), unescape(path), _text(unescape(kind)),
                                tuple(_text(options).split(","))))
    return mounts


def parse_printed(text: str) -> list[Mount]:
    """The mounts of what `mount` prints, on Linux `a on /b type c (d)` and on macOS `a on /b (c, d)`."""
    mounts = []
    for found in map(_PRINTED.match, text.splitlines()):
        if found:
            options = [option.strip() for option in found["options"].split(",")]
            kind = found["type"] or options.pop(0)
            mounts.append(Mount(found["device"], found["mount"].encode(), kind, tuple(options)))
    return mounts


def unescape(name: bytes) -> bytes:
    """The name that was written with octal escapes."""
    return re.sub(rb"\\([0-3][0-7]{2})", lambda found: bytes([int(found[1], 8)]), name)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")
