"""Collects the load averages, as they are and for each processor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from probe import Section, not_available


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `load`."""
    try:
        averages = os.getloadavg()
    except OSError:
        return {"load": not_available("the system does not tell its load averages")}
    return {"load": describe_load(averages, os.cpu_count() or 1)}


def describe_load(averages: tuple[float, float, float], processors: int) -> Section:
    """The section of three averages over 1, 5 and 15 minutes."""
    one, five, fifteen = (round(average, 2) for average in averages)
    source = "/proc/loadavg" if Path("/proc/loadavg").exists() else "getloadavg"
    return {"source": source, "one": one, "five": five, "fifteen": fifteen, "processors": processors,
            "five_per_core": round(five / processors, 2)}
