"""Copies what belongs into the archive: the package's source, and its data files as pyproject.toml lists them.

Run as `stage.py CHECKOUT TREE`.
"""

from __future__ import annotations

import fnmatch
import shutil
import sys
import tomllib
from pathlib import Path


def stage(checkout: Path, tree: Path) -> None:
    """Copies into the empty folder `tree`."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = ["*.py", *project["tool"]["setuptools"]["package-data"]["*"]]
    for path in sorted((checkout / "oe").rglob("*")):
        if path.is_file() and any(fnmatch.fnmatchcase(path.name, pattern) for pattern in patterns):
            copy = tree / path.relative_to(checkout)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


if __name__ == "__main__":
    stage(Path(sys.argv[1]), Path(sys.argv[2]))
