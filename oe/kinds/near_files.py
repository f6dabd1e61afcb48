"""Files of an experience that were probably meant."""

from __future__ import annotations

import posixpath

from oe.errors import OeError
from oe.ports.files import Files
from oe.text import did_you_mean, nearest


def nearest_file(path: str, files: Files) -> str | None:
    """A hint that names the nearest file beside a path that does not exist."""
    folder, _, name = posixpath.normpath(path).rpartition("/")
    try:
        names = files.names(folder or ".")
    except OeError:
        outer, _, last = folder.rpartition("/")
        try:
            return did_you_mean(f"{outer}/{last}".lstrip("/"), [f"{outer}/{each}".lstrip("/")
                                                              for each in files.names(outer or ".")])
        except OeError:
            return None
    found = nearest(name, names)
    return f"did you mean '{posixpath.join(folder, found)}'?" if found else None
