"""Figures of the report."""

from __future__ import annotations

from typing import Any


def totals(inputs: dict[str, Any]) -> dict[str, Any]:
    """Writes `totals`."""
    rows = inputs["packed"]
    size, packed = sum(row["size_bytes"] for row in rows), sum(row["packed_bytes"] for row in rows)
    share = percent(packed, size)
    return {"totals": {"files": len(rows), "size_bytes": size, "packed_bytes": packed, "percent": share}}


def ranking(inputs: dict[str, Any]) -> dict[str, Any]:
    """Writes `ranking`."""
    shares = [(row["file"], percent(row["packed_bytes"], row["size_bytes"])) for row in inputs["packed"]]
    return {"ranking": [list(share) for share in sorted(shares, key=lambda share: (-share[1], share[0]))]}


def percent(packed: int, size: int) -> float:
    """To one digit after the point; nothing packs to nothing."""
    return round(100 * packed / size, 1) if size else 0.0
