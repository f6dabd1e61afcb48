"""Collects every mounted file system with its sizes. One that does not answer (a dead NFS server) holds nothing up."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from mounts import Mount, list_mounts
from probe import Section

StatVfs = Callable[[bytes], os.statvfs_result]

_ANSWER_SECONDS = 2.0
_ON_DEMAND = "autofs"  # asking for its sizes would mount what it stands for


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `filesystems`."""
    source, mounts = list_mounts()
    return {"filesystems": {"source": source, "rows": describe(mounts)}}


def describe(mounts: Sequence[Mount], statvfs: StatVfs = os.statvfs,
             answer_seconds: float = _ANSWER_SECONDS) -> list[Section]:
    """One row for each mount. A mount point leads to the last file system that was mounted there."""
    last = {mount.path: mount for mount in mounts}
    sizes = measure([mount for mount in last.values() if mount.type != _ON_DEMAND], statvfs, answer_seconds)
    covered: Section = {"problem": "covered by a later mount"}
    return [_row(mount) | (sizes.get(mount.path, {}) if mount is last[mount.path] else covered) for mount in mounts]


def measure(mounts: Sequence[Mount], statvfs: StatVfs, answer_seconds: float) -> dict[bytes, Section]:
    """Sizes or problem by mount point. All are asked at once, each in a thread; those that are late are left behind."""
    answers: dict[bytes, Section] = {}

    def ask_one(mount: Mount) -> None:
        answers[mount.path] = _ask(mount, statvfs)

    threads = [threading.Thread(target=ask_one, args=(mount,), daemon=True) for mount in mounts]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + answer_seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late: Section = {"problem": f"did not answer within {answer_seconds:g} s"}
    return {mount.path: late for mount in mounts} | answers.copy()


def _ask(mount: Mount, statvfs: StatVfs) -> Section:
    try:
        return _sizes(statvfs(mount.path))
    except OSError as error:
        return {"problem": (error.strerror or str(error)).lower()}


def _row(mount: Mount) -> Section:
    return {"mount": mount.shown, "device": mount.device, "type": mount.type, "problem": None,
            "read_only": not {"ro", "read-only"}.isdisjoint(mount.options)}


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
