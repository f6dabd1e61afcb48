"""Writes the archive: fixed times, order and modes; bytecode stored, since it is compressed inside, the rest deflated.

Run as `pack.py TREE BLOCKS OUTPUT`. All source is one file, which compresses better than a file each and spares Python
the reading of a long directory at every start: `unzip -p oe.pyz source.tar.xz | tar xJ` unpacks it.
"""

from __future__ import annotations

import io
import lzma
import marshal
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from archiver.columns import Texts, sort_by_kind


def pack(tree: Path, blocks: Path, output: Path) -> None:
    """The archive of a staged tree and a folder of blocks."""
    files = {path.relative_to(tree).as_posix(): path.read_bytes() for path in sorted(tree.rglob("*")) if path.is_file()}
    source = {name: content for name, content in files.items() if name.endswith(".py")}
    content = {"__main__.py": Path(__file__).with_name("start.py").read_bytes()}
    content |= compress({path.name: path.read_bytes() for path in sorted(blocks.iterdir())})
    content |= {name: file for name, file in files.items() if name not in source}
    content["source.tar.xz"] = lzma.compress(_tar(source), preset=9 | lzma.PRESET_EXTREME)
    with output.open("wb") as file:
        file.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(file, "w") as archive:
            for name, data in content.items():
                entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                entry.create_system = 3
                entry.external_attr = 0o100644 << 16
                entry.compress_type = _method(name)
                archive.writestr(entry, data, compresslevel=9)


def compress(blocks: dict[str, bytes]) -> dict[str, bytes]:
    """What `compile_modules.py` wrote for each version of Python, as files of the archive, and the texts that all of
    them share: one compressed table a group."""
    read = {name: marshal.loads(block) for name, block in blocks.items()}
    tables: list[Texts] = []
    files: dict[str, bytes] = {}
    for name, (magic, importer, modules, groups) in read.items():
        tables += [Texts() for _ in groups[len(tables):]]
        parts = [_deflated(tuple(sort_by_kind(group, texts))) for group, texts in zip(groups, tables, strict=True)]
        files[f"bytecode/{name}"] = magic + marshal.dumps((importer, modules, tuple(parts)), 2)
    files["bytecode/texts"] = marshal.dumps(tuple(_deflated(texts.table()) for texts in tables), 2)
    return files


def _deflated(value: tuple[Any, ...]) -> bytes:
    compressor = zlib.compressobj(9, memLevel=9)
    return compressor.compress(marshal.dumps(value, 2)) + compressor.flush()


def _method(name: str) -> int:
    is_compressed = name.startswith("bytecode/") or name.endswith(".xz")
    return zipfile.ZIP_STORED if is_compressed else zipfile.ZIP_DEFLATED


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


if __name__ == "__main__":
    pack(*map(Path, sys.argv[1:]))
