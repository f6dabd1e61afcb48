"""What the checks look at: the experience, what could not be read of it, and facts about its graph, found once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property

from oe.lang.document import Path
from oe.spec.model import Edge, Experience, Loop, Node, Pipeline, Unit
from oe.spec.reading import Gaps, Reading
from oe.spec.schema_files import SchemaFiles
from oe.spec.sources import KindRules, SpecFiles
from oe.spec.topology import Topology
from oe.text import did_you_mean
from oe.values import Json

_MOST_COMPARED = 300_000
"""Names that are compared with others for hints."""


class Subject:
    """The experience under check. Unit numbers are places in `experience.units`."""

    def __init__(self, experience: Experience, reading: Reading) -> None:
        self.experience = experience
        self.gaps: Gaps = reading.gaps
        self.kinds: Mapping[str, KindRules] = reading.kinds
        self.files: SpecFiles = reading.files
        self.schemas: SchemaFiles = reading.schemas
        self._compared = 0
        self._places: dict[Path, dict[Json, int]] = {}

    def near(self, word: str, names: Collection[str]) -> str | None:
        """A hint that names what was probably meant. After very many comparisons there are no more hints: a thousand
        typing errors are one mistake, and time is bounded."""
        self._compared += len(names)
        return did_you_mean(word, names) if self._compared <= _MOST_COMPARED else None

    @cached_property
    def containers(self) -> dict[str, Pipeline | Loop]:
        """The pipeline or loop of each node that is a stage or body; of several the first."""
        found: dict[str, Pipeline | Loop] = {}
        for pipeline in self.experience.pipelines.values():
            for name in pipeline.stages:
                found.setdefault(name, pipeline)
        for loop in self.experience.loops.values():
            for name in loop.body:
                found.setdefault(name, loop)
        return found

    @cached_property
    def sound_edges(self) -> list[Edge]:
        """The edges that join two different units, each pair once."""
        units = self.experience.units
        pairs: dict[tuple[str, str], Edge] = {}
        for edge in self.experience.edges:
            if edge.source in units and edge.target in units and edge.source != edge.target:
                pairs.setdefault((edge.source, edge.target), edge)
        return list(pairs.values())

    @cached_property
    def topology(self) -> Topology:
        """The graph of the sound edges; edge numbers are places in `sound_edges`."""
        return Topology(list(self.experience.units), ((edge.source, edge.target) for edge in self.sound_edges))

    @cached_property
    def is_graph_known(self) -> bool:
        """Whether order and ancestors are what the author means: everything was read, no edge is wrong, no cycle."""
        return (not self.gaps.units and not self.gaps.edges
                and len(self.sound_edges) == len(self.experience.edges)
                and len(self.topology.order) == len(self.experience.units))

    @cached_property
    def units(self) -> list[Unit]:
        """The units by number."""
        return list(self.experience.units.values())

    def unit_of(self, node: Node) -> int | None:
        """The number of the unit that a node is or belongs to; None where that is unclear."""
        container = self.containers.get(node.id)
        return self.topology.index.get(container.id if container else node.id)

    def members(self, unit: Unit) -> tuple[str, ...]:
        """The ids of the nodes that a unit consists of, in order."""
        if isinstance(unit, Pipeline):
            return unit.stages
        return unit.body if isinstance(unit, Loop) else (unit.id,)

    @cached_property
    def writers(self) -> dict[str, int]:
        """For each state field that is written the set of units that write it, as bits."""
        found: dict[str, int] = {}
        for node in self.experience.nodes.values():
            unit = self.unit_of(node)
            for field in node.writes if unit is not None else ():
                found[field] = found.get(field, 0) | 1 << (unit or 0)
        return found

    def argument_names(self, node: Node) -> tuple[str, ...]:
        """The names under the node's `args`, and under `inputs` where that holds values."""
        written = self.value_at(node.path)
        parts = (written.get("args"), written.get("inputs")) if isinstance(written, dict) else ()
        return tuple(name for part in parts if isinstance(part, dict) for name in part)

    def value_at(self, path: Path) -> Json:
        """The document's value at a path that exists."""
        value: Json = self.experience.document.value
        for step in path:
            value = value[step]  # type: ignore[index]
        return value

    def item_path(self, path: Path, item: str) -> Path:
        """The path of an item of the list of texts at `path`."""
        places = self._places.get(path)
        if places is None:
            value = self.value_at(path)
            found = reversed(list(enumerate(value))) if isinstance(value, list) else ()
            places = self._places[path] = {each: index for index, each in found}
        return (*path, places[item]) if places else path
