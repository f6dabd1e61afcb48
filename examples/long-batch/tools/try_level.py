"""One round of the loop: how small does the sample become at this level?"""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

from library import read


async def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `trial`. The first round tries level 1, the next one 2."""
    level = inputs["round"] + 1
    ctx.report(message=f"level {level}")
    sample = [read(entry) for entry in inputs["_state"]["sample"]]
    packed_bytes = sum(len(zlib.compress(data, level)) for data in sample)
    percent = round(100 * packed_bytes / sum(map(len, sample)), 2)
    await asyncio.sleep(inputs["pace"])
    ctx.log(f"level {level}: {percent} %")
    return {"trial": {"level": level, "percent": percent}}
