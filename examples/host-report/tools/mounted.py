"""Lists what is mounted, as items that can be asked for their sizes one by one."""

from __future__ import annotations

from typing import Any

from mounts import Mount, list_mounts
from probe import Section


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `mounts`."""
    source, mounts = list_mounts()
    return {"mounts": {"source": source, "rows": describe(mounts)}}


def describe(mounts: list[Mount]) -> list[Section]:
    """One row for each mount. A mount point leads to the last file system that was mounted there."""
    last = {mount.path: mount for mount in mounts}
    return [{"mount": mount.shown, "path": mount.path.decode("latin-1"), "device": mount.device, "type": mount.type,
             "read_only": not {"ro", "read-only"}.isdisjoint(mount.options),
             "covered": mount is not last[mount.path]} for mount in mounts]
