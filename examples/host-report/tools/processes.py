"""Finds the processes that take the most memory and processor time. Runs only when one of them is short."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from probe import Section, ask, not_available

_SAMPLE_SECONDS = 0.5
_SHOWN_OF_EACH = 5


class Sample(NamedTuple):
    """A process at one moment."""

    name: str
    cpu_seconds: float
    memory_bytes: int


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `processes`."""
    before = sample()
    if not before:
        return {"processes": from_ps()}
    time.sleep(_SAMPLE_SECONDS)
    return {"processes": {"source": f"/proc, over {_SAMPLE_SECONDS:g} s",
                          "rows": pick(compare(before, sample(), _SAMPLE_SECONDS))}}


def sample() -> dict[int, Sample]:
    """Every process of /proc by its id; those that end meanwhile are left out."""
    samples = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            samples[int(folder.name)] = parse_stat((folder / "stat").read_text(errors="backslashreplace"))
        except (OSError, ValueError, IndexError):
            continue
    return samples


def parse_stat(text: str) -> Sample:
    """A /proc/PID/stat: the name in parentheses may hold any character, so the last one ends it."""
    name, _, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()  # the first is field 3 of proc(5): utime is 14, stime 15, rss 24
    ticks = int(fields[11]) + int(fields[12])
    return Sample(name, ticks / os.sysconf("SC_CLK_TCK"), int(fields[21]) * os.sysconf("SC_PAGE_SIZE"))


def compare(before: dict[int, Sample], after: dict[int, Sample], seconds: float) -> list[Section]:
    """Rows with the processor time between two samples; 100 percent is one processor."""
    return [{"pid": pid, "name": now.name, "memory_bytes": now.memory_bytes,
             "cpu_percent": round(100 * max(0.0, now.cpu_seconds - before[pid].cpu_seconds) / seconds, 1)}
            for pid, now in after.items() if pid in before]


def pick(rows: list[Section]) -> list[Section]:
    """The largest in memory and the busiest, largest first."""
    chosen: dict[int, Section] = {}
    for measure in ("memory_bytes", "cpu_percent"):
        ranked = sorted(rows, key=lambda row: (-row[measure], row["pid"]))
        chosen |= {row["pid"]: row for row in ranked[:_SHOWN_OF_EACH]}
    return sorted(chosen.values(), key=lambda row: (-row["memory_bytes"], row["pid"]))


def from_ps() -> Section:
    """The section where there is no /proc; `ps` averages the processor time over the life of a process."""
    answer = ask(["ps", "-A", "-o", "pid=,rss=,pcpu=,comm="])
    if answer.problem:
        return not_available(f"there is no /proc, and {answer.problem}")
    return {"source": "ps", "rows": pick(parse_ps(answer.text))}


def parse_ps(text: str) -> list[Section]:
    """The rows of `ps -o pid=,rss=,pcpu=,comm=`, whose sizes are in KiB."""
    rows = []
    for line in text.splitlines():
        pid, memory, cpu, name = line.split(maxsplit=3)
        rows.append({"pid": int(pid), "name": name, "memory_bytes": int(memory) * 1024,
                     "cpu_percent": float(cpu.replace(",", "."))})
    return rows
