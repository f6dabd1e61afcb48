"""The node kinds: one file each, and one line in `KINDS`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oe.ports.kind import NodeKind


class Kinds(Mapping[str, "NodeKind"]):
    """Kinds by name, each loaded when it is first asked for: a run of tools needs nothing of the others."""

    def __init__(self, classes: Mapping[str, str]) -> None:
        self._classes = classes
        self._made: dict[str, NodeKind] = {}

    def __getitem__(self, name: str) -> NodeKind:
        try:
            return self._made[name]  # several times a node
        except KeyError:
            module, _, kind = self._classes[name].partition(":")
            made: NodeKind = getattr(import_module(module), kind)()
            self._made[name] = made
            return made

    def __contains__(self, name: object) -> bool:
        return name in self._classes

    def __iter__(self) -> Iterator[str]:
        return iter(self._classes)

    def __len__(self) -> int:
        return len(self._classes)


KINDS = Kinds({
    "tool": "oe.kinds.tool:ToolKind",
    "agent": "oe.kinds.agent:AgentKind",
    "skill": "oe.kinds.skill:SkillKind",
    "dataset": "oe.kinds.dataset:DatasetKind",
    "sql": "oe.kinds.sql:SqlKind",
    "experience": "oe.kinds.experience:ExperienceKind",
    "cli-agent": "oe.kinds.cli_agent:CliAgentKind",
})
"""Every kind by the name that a node's `kind` gives, in the order of the reference."""
