"""First stage: how many lines a file has."""

from __future__ import annotations

from typing import Any

from library import read


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Hands `lines` on."""
    return {"edge_output": {"lines": len(read(inputs["$item"]).splitlines())}}
