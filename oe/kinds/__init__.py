"""The node kinds: one file each, and one line in `KINDS`."""

from __future__ import annotations

from oe.kinds.tool import ToolKind
from oe.ports.kind import NodeKind

KINDS: tuple[NodeKind, ...] = (
    ToolKind(),
)
"""Every kind, in the order of the reference."""
