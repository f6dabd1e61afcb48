"""The node kinds: one file each, and one line in `KINDS`."""

from __future__ import annotations

from oe.kinds.agent import AgentKind
from oe.kinds.cli_agent import CliAgentKind
from oe.kinds.dataset import DatasetKind
from oe.kinds.experience import ExperienceKind
from oe.kinds.skill import SkillKind
from oe.kinds.tool import ToolKind
from oe.ports.kind import NodeKind

KINDS: tuple[NodeKind, ...] = (
    ToolKind(),
    AgentKind(),
    SkillKind(),
    DatasetKind(),
    ExperienceKind(),
    CliAgentKind(),
)
"""Every kind, in the order of the reference."""
