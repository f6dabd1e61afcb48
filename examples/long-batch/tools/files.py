"""Lists the biggest modules of the running Python's standard library, each with a digest of what is in its file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from library import folder

_LEFT_OUT = frozenset({"__pycache__", "test", "tests", "idlelib"})
_SAMPLE = 4


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `files`, biggest first, and `sample`, every so many of them."""
    sizes = sorted((-os.path.getsize(folder() / file), file) for file in find_files(folder()))
    files = [describe(folder(), file) for _, file in sizes[:inputs["count"]]]
    return {"files": files, "sample": files[::max(1, len(files) // _SAMPLE)][:_SAMPLE]}


def find_files(root: Path) -> Iterator[str]:
    """Relative paths of the library's modules. Names that cannot be imported, such as site-packages, are left out."""
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name.isidentifier() and name not in _LEFT_OUT]
        relative = Path(place).relative_to(root)
        yield from (str(relative / name) for name in names if name.endswith(".py"))


def describe(root: Path, file: str) -> dict[str, Any]:
    """One item: what tells this file from any other that was ever there."""
    data = (root / file).read_bytes()
    return {"file": file, "size_bytes": len(data), "sha256": sha256(data).hexdigest()}
