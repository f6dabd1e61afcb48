"""Writes report.md from everything that was found. Knows nothing of where it came from."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from markdown import code, duration, size, table, text
from probe import Section

_LOUDEST = ("critical", "warning")


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes the file, `report` and `summary`."""
    state = inputs["_state"]
    counts = Counter(finding["severity"] for finding in state["findings"])
    status = next((severity for severity in _LOUDEST if counts[severity]), "ok")
    path = Path(ctx.folder, inputs["report"])
    content = render(state, status, datetime.now(UTC))
    write_whole(path, content)
    return {"report": content, "summary": {"status": status, "report": str(path)}
            | {severity: counts[severity] for severity in ("critical", "warning", "info")}}


def write_whole(path: Path, content: str) -> None:
    """Replaces the file in one step, so that a reader never sees half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(content, encoding="utf-8")
    draft.replace(path)


def render(state: dict[str, Any], status: str, now: datetime) -> str:
    """The report as Markdown."""
    parts = [
        f"# Host report: {text(state['host'].get('name', 'unknown'))}\n",
        f"Status: **{status}**, as of {now:%Y-%m-%d %H:%M:%S} UTC\n",
        _overview(state), _findings(state["findings"]), _load(state["load"]), _memory(state["memory"]),
        _filesystems(state["filesystems"]), _directories(state["directories"]),
    ]
    if "large_files" in state:
        parts.append(_large_files(state["large_files"]))
    if "processes" in state:
        parts.append(_processes(state["processes"]))
    return "\n".join([*parts, _ports(state["ports"]), _errors(state["errors"])])


def _overview(state: dict[str, Any]) -> str:
    host, memory = state["host"], state["memory"]
    uptime = host.get("uptime_seconds")
    rows = [
        ("Host name", code(host.get("name", "unknown"))),
        ("Kernel release", code(state["kernel"].strip())),
        ("System", text(f"{host.get('system', 'unknown')}, {host.get('machine', 'unknown')}")),
        ("Up for", duration(uptime) if uptime is not None else "unknown"),
        ("Processors", str(host.get("processors", "unknown"))),
        ("Memory", _exact(memory["total_bytes"]) if "total_bytes" in memory else text(memory["source"])),
    ]
    return table(("Host", "Value"), rows)


def _findings(findings: list[Section]) -> str:
    if not findings:
        return "## Findings\n\nNone.\n"
    rows = [(f"**{row['severity']}**" if row["severity"] in _LOUDEST else row["severity"], code(row["subject"]),
             text(row["message"])) for row in findings]
    return "## Findings\n\n" + table(("Severity", "Subject", "Finding"), rows)


def _load(section: Section) -> str:
    rows = [(str(section["one"]), str(section["five"]), str(section["fifteen"]), str(section["processors"]),
             str(section["five_per_core"]))] if "one" in section else []
    heads = ("1 min:", "5 min:", "15 min:", "Processors:", "5 min per processor:")
    return _section("Load", section, table(heads, rows))


def _memory(section: Section) -> str:
    rows = []
    if "total_bytes" in section:
        rows = [("Total", _exact(section["total_bytes"])),
                ("Available", _exact(section["available_bytes"])),
                ("Used", f"{section['used_percent']:g}%"),
                ("Swap total", _exact(section["swap_total_bytes"])),
                ("Swap free", _exact(section["swap_free_bytes"]))]
        if section.get("limit_bytes"):
            rows.append(("Limit of this container", _exact(section["limit_bytes"])))
    return _section("Memory", section, table(("Memory", "Value:"), rows))


def _filesystems(section: Section) -> str:
    rows = section.get("rows", [])
    sized = [(code(row["mount"]), code(row["device"]), text(row["type"]), size(row["size_bytes"]),
              size(row["used_bytes"]), size(row["available_bytes"]), f"{row['used_percent']}%",
              f"{row['inodes_percent']}%" if row["inodes_percent"] is not None else "",
              "read-only" if row["read_only"] else "") for row in rows if row.get("size_bytes")]
    others = [(code(row["mount"]), code(row["device"]), text(row["type"]), text(row["problem"] or ""))
              for row in rows if not row.get("size_bytes")]
    heads = ("Mounted on", "Device", "Type", "Size:", "Used:", "Available:", "Use:", "Inodes:", "Mode")
    content = table(heads, sized)
    if others:
        content += "\n### Without a size\n\n" + table(("Mounted on", "Device", "Type", "Problem"), others)
    return _section("File systems", section, content)


def _directories(section: Section) -> str:
    return _section("Biggest directories", section, _sized(section, "" if section.get("complete", True) else "≥ "))


def _large_files(sections: list[Section]) -> str:
    parts = ["## Largest files on nearly full file systems\n"]
    for section in sections:
        parts.append(f"### {code(section['mount'])}\n\n{_sourced(section, _sized(section))}")
    return "\n".join(parts)


def _sized(section: Section, sign: str = "") -> str:
    rows = [(code(row["path"]), sign + size(row["size_bytes"])) for row in section.get("rows", [])]
    return table(("Path", "On disk:"), rows)


def _processes(section: Section) -> str:
    rows = [(str(row["pid"]), code(row["name"]), size(row["memory_bytes"]), f"{row['cpu_percent']:g}%")
            for row in section.get("rows", [])]
    return _section("Busiest processes", section, table(("Id:", "Name", "Memory:", "Processor:"), rows))


def _ports(section: Section) -> str:
    rows = [(row["protocol"], code(row["address"]), str(row["port"]), code(row["process"]) if row["process"] else "")
            for row in section.get("rows", [])]
    return _section("Listening ports", section, table(("Protocol", "Address", "Port:", "Process"), rows))


def _errors(section: Section) -> str:
    lines = section.get("lines", [])
    if not lines:
        return _section("Recent errors", section, "None.\n")
    count = section["count"]
    shown = f"The last {len(lines)} of {count}:\n\n" if count > len(lines) else ""
    return _section("Recent errors", section, shown + "".join(f"- {code(line)}\n" for line in lines))


def _section(title: str, section: Section, content: str) -> str:
    return f"## {title}\n\n{_sourced(section, content)}"


def _sourced(section: Section, content: str) -> str:
    source = text(section["source"])
    return f"{source}\n" if section["source"].startswith("not available") else f"Source: {source}\n\n{content}"


def _exact(size_bytes: int) -> str:
    return f"{size(size_bytes)} ({size_bytes // 1024} kB)"
