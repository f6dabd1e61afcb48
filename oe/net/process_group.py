"""A process group seen from outside: signalled, and asked whether anyone of it still lives."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress


def signal_group(group: int, number: signal.Signals) -> None:
    """Sends a signal to every process of the group. One that is gone, or another user's, is passed over."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def has_members(group: int) -> bool:
    """Whether a process of the group lives. A zombie does not; what this process has adopted (as a container's first
    process) is reaped."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    _reap_adopted(group)
    return _find_living(group) if sys.platform == "linux" else True


def _reap_adopted(group: int) -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass


def _find_living(group: int) -> bool:
    """Looks through /proc; slow, so asked only where the kernel says that the group is not empty."""
    with os.scandir("/proc") as entries:
        return any(entry.name.isdigit() and _is_living_member(entry.name, group) for entry in entries)


def _is_living_member(process: str, group: int) -> bool:
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            state, _, member_of = file.read().rpartition(b")")[2].split(maxsplit=3)[:3]
    except (OSError, ValueError):  # it ended while it was looked at
        return False
    return int(member_of) == group and state not in (b"Z", b"X")
