"""Reads what a package says of itself: pyproject.toml, and which source files it has."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `package`."""
    return {"package": read_package(Path(ctx.folder, inputs["package"]))}


def read_package(folder: Path) -> dict[str, Any]:
    """Name, version, licence and source files. Raises where there is no pyproject.toml or it lacks one of them."""
    with (folder / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    sources = sorted(path.relative_to(folder).as_posix() for path in (folder / "src").rglob("*.py"))
    return {"name": project["name"], "version": project["version"], "licence": licence_of(project), "sources": sources}


def licence_of(project: dict[str, Any]) -> str:
    """The licence's SPDX name, written `license = "MIT"` or, before PEP 639, `license = {text = "MIT"}`."""
    licence = project["license"]
    return str(licence["text"] if isinstance(licence, dict) else licence)
