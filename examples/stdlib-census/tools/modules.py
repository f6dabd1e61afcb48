"""Lists the modules of the running Python's standard library, each with a digest of what is in its file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from library import folder, python

_LEFT_OUT = frozenset({"test", "tests", "idlelib"})


class NoLibraryError(Exception):
    """There are no modules where the standard library should be."""


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `python` and `modules`, sorted by file."""
    files = sorted(find_files(folder()))
    if not files:
        raise NoLibraryError(f"there is no Python file in '{folder()}'")
    return {"python": python(), "modules": [describe(folder(), file) for file in files[:inputs["limit"]]]}


def find_files(root: Path) -> Iterator[str]:
    """Relative paths of the library's files. Its tests are left out, and so is what is no package: names such as
    site-packages cannot be imported."""
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name.isidentifier() and name not in _LEFT_OUT]
        folders[:] = [name for name in folders if name != "__pycache__"]
        relative = Path(place).relative_to(root)
        yield from (str(relative / name) for name in names if name.endswith(".py"))


def describe(root: Path, file: str) -> dict[str, Any]:
    """One item: what tells this file from any other that was ever there."""
    data = (root / file).read_bytes()
    return {"module": module_name(file), "file": file, "size_bytes": len(data), "sha256": sha256(data).hexdigest()}


def module_name(file: str) -> str:
    """`json.decoder` for json/decoder.py, `json` for json/__init__.py."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
