"""Asks one file system for its sizes. One that does not answer (a dead NFS server) is left behind after a while."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from probe import Section

StatVfs = Callable[[bytes], os.statvfs_result]

_ANSWER_SECONDS = 5.0
_ON_DEMAND = "autofs"  # asking for its sizes would mount what it stands for


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Hands on what is known of the item: sizes, or the problem."""
    return {"edge_output": measure(inputs["$item"])}


def measure(mount: Section, statvfs: StatVfs = os.statvfs, answer_seconds: float = _ANSWER_SECONDS) -> Section:
    """Sizes or problem, neither for one that is mounted on demand."""
    if mount["covered"]:
        return {"problem": "covered by a later mount"}
    if mount["type"] == _ON_DEMAND:
        return {}
    answer: Section = {}
    thread = threading.Thread(target=lambda: answer.update(_ask(mount["path"].encode("latin-1"), statvfs)), daemon=True)
    thread.start()
    thread.join(answer_seconds)
    return answer.copy() or {"problem": f"did not answer within {answer_seconds:g} s"}


def _ask(path: bytes, statvfs: StatVfs) -> Section:
    try:
        return _sizes(statvfs(path))
    except OSError as error:
        return {"problem": (error.strerror or str(error)).lower()}


def _sizes(status: os.statvfs_result) -> Section:
    """What `df` shows: used and available leave out what is reserved for root, and percents are rounded up."""
    used, available = status.f_blocks - status.f_bfree, status.f_bavail
    used_inodes, free_inodes = status.f_files - status.f_ffree, status.f_favail
    return {"size_bytes": status.f_blocks * status.f_frsize, "used_bytes": used * status.f_frsize,
            "available_bytes": available * status.f_frsize, "used_percent": _percent(used, available) or 0,
            "inodes_percent": _percent(used_inodes, free_inodes)}


def _percent(used: int, free: int) -> int | None:
    used, total = max(0, used), max(0, used) + max(0, free)
    return -(-100 * used // total) if total else None
