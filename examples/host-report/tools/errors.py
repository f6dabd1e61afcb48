"""Collects recent errors from the first of these that answers: the journal, the kernel's buffer, a log file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from probe import Answer, Section, ask, not_available

_SHOWN = 20
_LONGEST = 300
_TAIL_BYTES = 512 * 1024
_LOG_FILES = ("/var/log/syslog", "/var/log/messages", "/var/log/kern.log", "/var/log/system.log")
_IS_ERROR = re.compile(r"\b(error|fail(ed|ure)?|fatal|panic|segfault|out of memory|oom-killer)\b", re.IGNORECASE)


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `errors`."""
    hours = int(inputs["hours"])
    readers: tuple[Callable[[], Answer], ...] = (lambda: read_journal(hours), read_kernel, read_log_file)
    names = (f"journalctl (last {hours} h)", "dmesg (since start)", "log file")
    problems: list[str] = []
    for name, reader in zip(names, readers, strict=True):
        answer = reader()
        if not answer.problem:
            return {"errors": describe(name, answer.text, problems)}
        problems.append(answer.problem)
    return {"errors": not_available("; ".join(problems))}


def describe(name: str, text: str, problems: list[str]) -> Section:
    """The section of what a source printed; `problems` say why the ones before it were of no use."""
    lines = [line for line in text.splitlines() if line.strip()]
    source = f"{name}; not available: {'; '.join(problems)}" if problems else name
    return {"source": source, "count": len(lines), "lines": [line[:_LONGEST] for line in lines[-_SHOWN:]]}


def read_journal(hours: int) -> Answer:
    """Messages of priority error and above. A system without a journal says so on the error stream, with success."""
    answer = ask(["journalctl", "--priority=err", f"--since=-{hours}h", "--lines=1000", "--output=short-iso",
                  "--no-pager", "--quiet"])
    if answer.problem or answer.text.strip() or _has_journal():
        return answer
    return Answer("", "journalctl found no journal")


def _has_journal() -> bool:
    return any(next(Path(folder).glob("*/*.journal"), None) for folder in ("/var/log/journal", "/run/log/journal"))


def read_kernel() -> Answer:
    """Messages of the kernel's levels error and above, since the system started."""
    return ask(["dmesg", "--level=emerg,alert,crit,err", "--time-format=iso"])


def read_log_file() -> Answer:
    """The lines that look like errors at the end of the first log file that can be read."""
    for path in _LOG_FILES:
        text = _read_tail(path)
        if text is not None:
            errors = filter(_IS_ERROR.search, text.splitlines())
            return Answer("\n".join(f"{Path(path).name}: {line}" for line in errors))
    return Answer("", "no readable log file in /var/log")


def _read_tail(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            return file.read(_TAIL_BYTES).decode("utf-8", "backslashreplace")
    except OSError:
        return None
