"""Writes batch.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_SHOWN = 5


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Makes the file, and no field."""
    state = inputs["_state"]
    Path(ctx.folder, "batch.md").write_text(page(state["totals"], state["ranking"], inputs["level"]), encoding="utf-8")
    print(f"batch.md: {state['totals']['files']} files")
    return {}


def page(totals: dict[str, Any], ranking: list[Any], level: int) -> str:
    """The page."""
    lines = [
        "# Rehearsal of the backup", "",
        f"{totals['files']} files of {totals['size_bytes']:,} bytes take {totals['packed_bytes']:,} bytes "
        f"({totals['percent']} %) at level {level}.", "",
        "| Packs worst | % |", "| --- | ---: |", *(f"| `{file}` | {share} |" for file, share in ranking[:_SHOWN])]
    return "\n".join(lines) + "\n"
