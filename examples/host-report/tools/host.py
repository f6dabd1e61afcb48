"""Collects what the host is: name, operating system, processors, uptime."""

from __future__ import annotations

import os
import platform
import re
import time
from typing import Any

from probe import ask, read_text


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `host`."""
    system = os.uname()
    return {"host": {
        "name": system.nodename,
        "system": system_name(),
        "machine": system.machine,
        "processors": os.cpu_count() or 1,
        "uptime_seconds": uptime_seconds(),
    }}


def system_name() -> str:
    """The name that the system gives itself, such as 'Debian GNU/Linux 12 (bookworm)'."""
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        pass
    version = ask(["sw_vers", "-productVersion"])
    return f"macOS {version.text.strip()}" if not version.problem else os.uname().sysname


def uptime_seconds() -> int | None:
    """Seconds since the start of the system, None where nothing tells."""
    uptime = read_text("/proc/uptime")
    if uptime:
        return int(float(uptime.split()[0]))
    started = re.search(r"sec = (\d+)", ask(["sysctl", "-n", "kern.boottime"]).text)
    return max(0, int(time.time()) - int(started[1])) if started else None
