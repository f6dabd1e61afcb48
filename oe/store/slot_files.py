"""Slot paths as file names: safe, bounded, and readable backwards."""

from __future__ import annotations

import re

_LONGEST = 160
_KEPT = 120
_CUT = "~"

_UNSAFE = re.compile(r"[^A-Za-z0-9_\[\]/-]")
_ESCAPE = re.compile(r"%([0-9a-f]+);")


def file_name(slot: str) -> str:
    """`loop[2]/body` as `loop[2].body`; a long one is cut and ends in `~` and a digest of the whole."""
    name = _UNSAFE.sub(lambda match: f"%{ord(match[0]):x};", slot).replace("/", ".")
    if len(name) <= _LONGEST:
        return name
    from hashlib import sha256  # only for long names

    return f"{name[:_KEPT]}{_CUT}{sha256(slot.encode('utf-8', 'backslashreplace')).hexdigest()[:24]}"


def slot_of(name: str) -> str:
    """The slot of a file name, or its beginning and `…` where the name was cut."""
    start, cut, _ = name.partition(_CUT)
    slot = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), start.replace(".", "/"))
    return slot + "…" if cut else slot
