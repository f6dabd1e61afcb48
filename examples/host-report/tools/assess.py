"""Judges what was collected against the thresholds: findings for the report, and what to look at more closely."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from probe import Section

Finding = dict[str, str]

_EVERY_ADDRESS = frozenset({"0.0.0.0", "::", "*"})
_RANKS = {"critical": 0, "warning": 1, "info": 2}


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `findings`, most severe first, `pressure` and `full_mounts`."""
    state = inputs["_state"]
    disk = list(judge_filesystems(state["filesystems"], inputs["disk_percent"]))
    memory = list(judge_memory(state["memory"], inputs["memory_percent"]))
    load = list(judge_load(state["load"], inputs["load_per_core"]))
    rest = [*judge_errors(state["errors"]), *judge_ports(state["ports"]), *judge_sources(state)]
    full = full_mounts(state["filesystems"], inputs["disk_percent"])
    return {
        "findings": sorted([*disk, *memory, *load, *rest], key=lambda finding: _RANKS[finding["severity"]]),
        "pressure": {"disk": bool(full), "memory": bool(memory), "load": bool(load)},
        "full_mounts": full,
    }


def judge_filesystems(section: Section, limit: float) -> Iterator[Finding]:
    """Findings about file systems that are nearly full or do not answer; one for each device, however often mounted."""
    judged = set()
    for row in section.get("rows", []):
        if row["problem"] and "did not answer" in row["problem"]:
            yield finding("critical", row["mount"], f"the file system {row['problem']}")
        if row["read_only"] or "used_percent" not in row or (key := _device(row)) in judged:
            continue
        judged.add(key)
        for what, percent in (("full", row["used_percent"]), ("out of inodes", row["inodes_percent"] or 0)):
            if percent >= limit:
                yield finding(severity(percent, limit), row["mount"], f"{percent}% {what} (threshold {limit:g}%)")


def full_mounts(section: Section, limit: float) -> list[str]:
    """The mount points whose space (not only the inodes) is short, each device once."""
    full = {_device(row): row["mount"] for row in reversed(section.get("rows", []))
            if not row["read_only"] and row.get("used_percent", 0) >= limit}
    return sorted(full.values())


def judge_memory(section: Section, limit: float) -> Iterator[Finding]:
    """Findings about memory, counted without what the system can free at once, and swap."""
    used = section.get("used_percent", 0)
    if used >= limit:
        yield finding(severity(used, limit), "memory", f"{used:g}% used (threshold {limit:g}%)")
    total = section.get("swap_total_bytes", 0)
    swapped = round(100 * (total - section["swap_free_bytes"]) / total, 1) if total else 0
    if swapped >= limit:
        yield finding("warning", "swap", f"{swapped:g}% used (threshold {limit:g}%)")


def judge_load(section: Section, limit: float) -> Iterator[Finding]:
    """A finding where the five-minute average is high for the number of processors."""
    load = section.get("five_per_core", 0)
    if load >= limit:
        yield finding("critical" if load >= 2 * limit else "warning", "load",
                      f"{load:g} per processor over five minutes (threshold {limit:g})")


def judge_errors(section: Section) -> Iterator[Finding]:
    """A finding where any error was logged."""
    count = section.get("count", 0)
    if count:
        yield finding("warning", "errors", f"{count} logged, see 'Recent errors'")


def judge_ports(section: Section) -> Iterator[Finding]:
    """What can be reached from outside, as far as no firewall forbids it."""
    ports = sorted({(row["port"], row["protocol"].removesuffix("6")) for row in section.get("rows", [])
                    if row["address"] in _EVERY_ADDRESS})
    if ports:
        listed = ", ".join(f"{port}/{protocol}" for port, protocol in ports)
        yield finding("info", "ports", f"open on every address: {listed}")


def judge_sources(state: dict[str, Section]) -> Iterator[Finding]:
    """What could not be found out."""
    for name, section in state.items():
        if section["source"].startswith("not available"):
            yield finding("info", name, section["source"])


def severity(percent: float, limit: float) -> str:
    """Critical from half-way between the threshold and 100 percent."""
    return "critical" if percent >= (limit + 100) / 2 else "warning"


def finding(severity: str, subject: str, message: str) -> Finding:
    """One row of the report's findings."""
    return {"severity": severity, "subject": subject, "message": message}


def _device(row: Section) -> tuple[object, ...]:
    """What tells file systems apart that are mounted from one device in several places."""
    return row["device"], row["type"], row["size_bytes"], row["used_bytes"]
