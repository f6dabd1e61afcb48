"""Writes the archive: fixed times, order and modes; bytecode stored, since it is compressed inside, the rest deflated.

Run as `pack.py TREE BLOCKS OUTPUT`. All source is one file, which compresses better than a file each and spares Python
the reading of a long directory at every start: `unzip -p oe.pyz source.tar.bz2 | tar xj` unpacks it.
"""

from __future__ import annotations

import bz2
import io
import marshal
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from archiver.columns import sort_versions


def pack(tree: Path, blocks: Path, output: Path) -> None:
    """The archive of a staged tree and a folder of blocks."""
    files = {path.relative_to(tree).as_posix(): path.read_bytes() for path in sorted(tree.rglob("*")) if path.is_file()}
    source = {name: content for name, content in files.items() if name.endswith(".py")}
    content = {"__main__.py": Path(__file__).with_name("start.py").read_bytes(),
               "oe.py": Path(__file__).with_name("on_path.py").read_bytes()}
    content |= compress({path.name: path.read_bytes() for path in sorted(blocks.iterdir())})
    content |= {name: file for name, file in files.items() if name not in source}
    content["source.tar.bz2"] = bz2.compress(_tar(source), 9)
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
    """What `compile_modules.py` wrote for each version of Python, as files of the archive, and what all of them share:
    one compressed table a group."""
    read = {name: marshal.loads(block) for name, block in blocks.items()}
    groups = [sort_versions(versions) for versions in zip(*(block[-1] for block in read.values()), strict=True)]
    files = {"bytecode/shared": marshal.dumps(tuple(_deflated(tuple(shared)) for shared, _ in groups), 2)}
    for number, (name, (magic, importer, modules, _)) in enumerate(read.items()):
        parts = tuple(_deflated(tuple(versions[number])) for _, versions in groups)
        files[f"bytecode/{name}"] = magic + marshal.dumps((importer, modules, parts), 2)
    return files


def _deflated(value: tuple[Any, ...]) -> bytes:
    compressor = zlib.compressobj(9, memLevel=9)
    return compressor.compress(marshal.dumps(value, 2)) + compressor.flush()


def _method(name: str) -> int:
    is_compressed = name.startswith("bytecode/") or name.endswith(".bz2")
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
