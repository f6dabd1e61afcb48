"""Second stage: packs a file into a scratch folder, reads it back, compares, and leaves nothing behind.

It is async, so that it can be ended at each of its pauses: a function in a thread could still be writing while the
folder is being removed.
"""

from __future__ import annotations

import asyncio
import shutil
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from library import read

_BLOCK_BYTES = 1 << 16
_PAUSES = 20


class UnlikeError(Exception):
    """What was read back is not what was written."""


async def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Adds a row to `packed`."""
    item = inputs["$item"]
    scratch = make_scratch(ctx)
    data = read(item)
    file = scratch / "packed.z"
    await write_packed(file, data, inputs["level"], ctx)
    for pause in range(_PAUSES):
        ctx.report(pause / _PAUSES, item["file"])
        await asyncio.sleep(inputs["pace"] / _PAUSES)
    packed = file.read_bytes()
    if zlib.decompress(packed) != data:
        raise UnlikeError(f"'{item['file']}' does not come back as it was")
    row = {"file": item["file"], "lines": inputs["lines"], "size_bytes": len(data), "packed_bytes": len(packed)}
    return {"packed": [row]}


def make_scratch(ctx: Any) -> Path:
    """A folder for this slot of this run, which is removed however the attempt ends. What a killed process has left
    there is removed first."""
    scratch = Path(ctx.folder) / "scratch" / ctx.run_id / ctx.slot.replace("/", "-")
    shutil.rmtree(scratch, ignore_errors=True)
    ctx.defer(lambda: remove(scratch))
    scratch.mkdir(parents=True)
    return scratch


def remove(scratch: Path) -> None:
    """Removes the folder, and those around it with the last one in them."""
    shutil.rmtree(scratch)
    with suppress(OSError):  # others are in there
        scratch.parent.rmdir()
        scratch.parent.parent.rmdir()


async def write_packed(file: Path, data: bytes, level: int, ctx: Any) -> None:
    """Packs block by block and lets others have their turn in between."""
    packer = zlib.compressobj(level)
    with file.open("wb") as target:
        for start in range(0, len(data), _BLOCK_BYTES):
            target.write(packer.compress(data[start:start + _BLOCK_BYTES]))
            await asyncio.sleep(0)
        target.write(packer.flush())
