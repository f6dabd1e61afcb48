"""Puts the mounts and what each answered together, in the order of the table of mounts."""

from __future__ import annotations

from typing import Any

from probe import Section

_SHOWN = ("mount", "device", "type", "read_only")


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `filesystems`."""
    mounts = inputs["_state"]["mounts"]
    return {"filesystems": {"source": mounts["source"], "rows": join(mounts["rows"], inputs["usage"])}}


def join(mounts: list[Section], usage: list[Section | None]) -> list[Section]:
    """One row for each mount; `usage` holds None for one whose item failed."""
    unknown: Section = {"problem": "could not be asked, see 'oe logs'"}
    return [{name: mount[name] for name in _SHOWN} | {"problem": None} | (unknown if found is None else found)
            for mount, found in zip(mounts, usage, strict=True)]
