"""Checks the changelog: its newest entry is the version that is to be released, dated, and says something."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

_HEADING = re.compile(r"^## +\[?v?(?P<version>\d+\.\d+\.\d+|Unreleased)\]?(?P<rest>.*)$", re.IGNORECASE | re.MULTILINE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class Entry(NamedTuple):
    """One version's part of the changelog. `changes` are its list items."""

    version: str
    date: str | None
    changes: tuple[str, ...]


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `changelog`."""
    file = Path(ctx.folder, inputs["package"], "CHANGELOG.md")
    if not file.is_file():
        return {"changelog": {"facts": [], "problems": ["there is no CHANGELOG.md"]}}
    entries = parse(file.read_text(encoding="utf-8"))
    return {"changelog": check(entries, inputs["_state"]["package"]["version"])}


def parse(text: str) -> list[Entry]:
    """The entries of a file after keepachangelog.com: `## [1.3.0] - 2026-05-04`, then list items."""
    headings = list(_HEADING.finditer(text))
    starts = [heading.start() for heading in headings]
    entries = []
    for heading, end in zip(headings, [*starts[1:], len(text)], strict=False):
        found = _DATE.search(heading["rest"])
        changes = re.findall(r"^[-*] +(.+)$", text[heading.end():end], re.MULTILINE)
        entries.append(Entry(heading["version"], found[0] if found else None, tuple(changes)))
    return entries


def check(entries: list[Entry], version: str) -> dict[str, list[str]]:
    """Facts and problems of the entries for a release of `version`."""
    waiting = [change for entry in entries if entry.version.lower() == "unreleased" for change in entry.changes]
    released = [entry for entry in entries if entry.version.lower() != "unreleased"]
    problems = [f"still under 'Unreleased': {waiting[0]}"] if waiting else []
    newest = released[0] if released else None
    if newest is None or newest.version != version:
        found = f"its newest entry is {newest.version}" if newest else "it has no entry"
        return {"facts": [], "problems": [*problems, f"CHANGELOG.md has no entry for {version}: {found}"]}
    problems += check_entry(newest)
    if released[1:] and _numbers(released[1].version) >= _numbers(version):
        problems.append(f"{version} does not come after {released[1].version}")
    return {"facts": [f"{version} of {newest.date}, changes: {len(newest.changes)}"], "problems": problems}


def check_entry(entry: Entry) -> list[str]:
    """Problems of one entry by itself."""
    problems = [] if entry.changes else [f"the entry for {entry.version} lists no changes"]
    if entry.date is None:
        return [*problems, f"the entry for {entry.version} has no date"]
    try:
        date.fromisoformat(entry.date)
    except ValueError:
        problems.append(f"the entry for {entry.version} has the date {entry.date}, which does not exist")
    return problems


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
