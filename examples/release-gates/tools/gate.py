"""A gate: fails if the check before it found problems."""

from __future__ import annotations

from typing import Any


class GateClosedError(Exception):
    """What a check found wrong."""


def run(inputs: dict[str, Any], ctx: Any) -> None:
    """Writes nothing: a gate only lets pass or not."""
    if inputs["problems"]:
        raise GateClosedError("; ".join(inputs["problems"]))
