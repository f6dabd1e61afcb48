"""Builds the archive of a release. The same files give the same bytes, so that anyone can check it."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

_WITH_SOURCES = ("pyproject.toml", "LICENSE", "CHANGELOG.md")


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes dist/NAME-VERSION.tar.gz and `release`."""
    package = inputs["_state"]["package"]
    folder = Path(ctx.folder, inputs["package"])
    title = f"{package['name']}-{package['version']}"
    names = sorted([*package["sources"], *(name for name in _WITH_SOURCES if (folder / name).is_file())])
    archive = pack(folder, names, title)
    target = Path(ctx.folder, "dist", f"{title}.tar.gz")
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(archive)
    return {"release": {"file": f"dist/{target.name}", "sha256": hashlib.sha256(archive).hexdigest(),
                        "files": len(names)}}


def pack(folder: Path, names: list[str], title: str) -> bytes:
    """The files below a folder `title`, without times and owners."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in names:
            content = (folder / name).read_bytes()
            member = tarfile.TarInfo(f"{title}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(tar.getvalue(), mtime=0)
