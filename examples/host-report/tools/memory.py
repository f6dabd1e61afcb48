"""Collects memory and swap, and the limit of the control group (a container's) where there is one."""

from __future__ import annotations

import re
from typing import Any

from probe import Section, ask, not_available, read_text

_LIMIT_FILES = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `memory`."""
    text = read_text("/proc/meminfo")
    section = parse_meminfo(text) if text else from_vm_stat()
    if "total_bytes" in section:
        section["limit_bytes"] = control_group_limit(section["total_bytes"])
    return {"memory": section}


def parse_meminfo(text: str) -> Section:
    """The section of a /proc/meminfo, whose 'kB' are 1024 bytes."""
    kibibytes = {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}
    if not kibibytes.get("MemTotal"):
        return not_available("/proc/meminfo names no MemTotal")
    free_and_cached = sum(kibibytes.get(name, 0) for name in ("MemFree", "Buffers", "Cached"))
    available = kibibytes.get("MemAvailable", free_and_cached)  # older kernels have no MemAvailable
    return _section("/proc/meminfo", kibibytes["MemTotal"] * 1024, available * 1024,
                    kibibytes.get("SwapTotal", 0) * 1024, kibibytes.get("SwapFree", 0) * 1024)


def from_vm_stat() -> Section:
    """The section as macOS tells it, whose swap grows and shrinks with its use."""
    size, pages = ask(["sysctl", "-n", "hw.memsize"]), ask(["vm_stat"])
    problem = size.problem or pages.problem
    if problem:
        return not_available(f"there is no /proc/meminfo, and {problem}")
    return parse_vm_stat(int(size.text), pages.text)


def parse_vm_stat(total_bytes: int, text: str) -> Section:
    """The section of what `vm_stat` prints."""
    page_size = re.search(r"page size of (\d+) bytes", text)
    counts = dict(re.findall(r"^Pages (free|inactive|speculative):\s+(\d+)", text, re.MULTILINE))
    if not page_size or not counts:
        return not_available("the output of vm_stat was not understood")
    available = sum(map(int, counts.values())) * int(page_size[1])
    return _section("vm_stat", total_bytes, available, 0, 0)


def control_group_limit(total_bytes: int) -> int | None:
    """The limit in bytes, None where there is none (the oldest interface says that by an enormous number)."""
    for path in _LIMIT_FILES:
        text = (read_text(path) or "").strip()
        if text.isdigit() and int(text) < total_bytes:
            return int(text)
    return None


def _section(source: str, total: int, available: int, swap_total: int, swap_free: int) -> Section:
    available = min(available, total)
    return {"source": source, "total_bytes": total, "available_bytes": available,
            "used_percent": round(100 * (total - available) / total, 1),
            "swap_total_bytes": swap_total, "swap_free_bytes": swap_free}
