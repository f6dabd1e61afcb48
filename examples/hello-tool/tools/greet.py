"""A tool is a Python function: it takes the node's `args` and returns the fields of state that it writes."""

from __future__ import annotations

from typing import Any


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes the field `greeting`."""
    return {"greeting": f"Hello, {inputs['name']}!"}
