"""The graph of one experience as numbers: units by rank, edges, ancestors as bit masks. Pure; built once per run.

A unit's *rank* is its place in Kahn's order, the first in the file among ready ones. Ranks index every
list here, and bit r of a mask stands for the unit of rank r: "the last writer among my ancestors" is one `bit_length`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from oe.lang.expression import Expression
from oe.spec.model import Experience, Loop, Node, Pipeline, Unit
from oe.spec.topology import Topology


class Link(NamedTuple):
    """An edge between two ranks. `number` is its place in the file."""

    number: int
    source: int
    target: int
    when: Expression | None


class Graph:
    """Units in rank order with their edges. The experience has been checked: there is no cycle and no unknown end."""

    def __init__(self, experience: Experience) -> None:
        ids = list(experience.units)
        topology = Topology(ids, [(edge.source, edge.target) for edge in experience.edges])
        order = topology.order
        rank_of = [0] * len(ids)
        for rank, index in enumerate(order):
            rank_of[index] = rank
        self.ids: list[str] = [ids[index] for index in order]
        self.units: list[Unit] = [experience.units[unit_id] for unit_id in self.ids]
        self.rank: dict[str, int] = {unit_id: rank for rank, unit_id in enumerate(self.ids)}
        self.file_place: list[int] = order
        self.links: list[Link] = [
            Link(number, rank_of[source], rank_of[target], experience.edges[number].when)
            for number, (source, target) in enumerate(topology.edges)
        ]
        self.incoming: list[list[Link]] = [[] for _ in ids]
        self.outgoing: list[list[Link]] = [[] for _ in ids]
        for link in self.links:
            self.incoming[link.target].append(link)
            self.outgoing[link.source].append(link)
        self.experience = experience

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def ancestors(self) -> list[int]:
        """For each rank the mask of its ancestors."""
        masks: list[int] = []
        for links in self.incoming:
            mask = 0
            for link in links:
                mask |= masks[link.source] | 1 << link.source
            masks.append(mask)
        return masks

    def nodes_of(self, unit: Unit) -> Iterator[Node]:
        """The nodes that a unit consists of: itself, its stages or its body."""
        if isinstance(unit, Pipeline):
            yield from (self.experience.nodes[stage] for stage in unit.stages)
        elif isinstance(unit, Loop):
            yield from (self.experience.nodes[name] for name in unit.body)
        else:
            yield unit


def ranks_in(mask: int) -> Iterator[int]:
    """The ranks whose bits are set, ascending."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
