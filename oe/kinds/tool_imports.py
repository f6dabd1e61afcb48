"""Which files a Python tool is made of: its static import closure inside the experience, read and never executed."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import suppress

from oe.errors import OeError
from oe.ports.files import Files


def import_closure(path: str, files: Files) -> dict[str, bytes]:
    """The tool's file and every file of the experience that it imports, directly or not, by path. A name that the
    standard library has means the standard library's; one that is only known at run time is not seen. Raises OeError
    where the tool's own file is not there."""
    folder = path.rpartition("/")[0]
    found = {path: files.read_bytes(path)}
    waiting = [path]
    while waiting:
        current = waiting.pop()
        for candidate in _imported(found[current], current.rpartition("/")[0], folder):
            if candidate not in found:
                with suppress(OeError):  # no such file, or one outside: not this tool's
                    if files.is_file(candidate):
                        found[candidate] = files.read_bytes(candidate)
                        waiting.append(candidate)
    return found


def _imported(data: bytes, place: str, folder: str) -> Iterator[str]:
    """Paths that the imports of a file in `place` may mean; `folder` is the tool's, where absolute names start."""
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] not in sys.stdlib_module_names:
                    yield from _paths(folder, alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            names = (node.module or "").split(".") if node.module else []
            if node.level == 0 and names and names[0] in sys.stdlib_module_names:
                continue
            base = folder if node.level == 0 else _up(place, node.level - 1)
            yield from _paths(base, names)
            for alias in node.names:
                yield from _paths(base, [*names, alias.name])


def _paths(base: str, names: list[str]) -> Iterator[str]:
    """A module file, or each package on the way to it."""
    for depth in range(1, len(names) + 1):
        stem = "/".join((base, *names[:depth])) if base else "/".join(names[:depth])
        yield f"{stem}/__init__.py"
        if depth == len(names):
            yield f"{stem}.py"


def _up(place: str, levels: int) -> str:
    for _ in range(levels):
        place = place.rpartition("/")[0]
    return place
