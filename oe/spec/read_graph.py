"""Reads the `graph` section: nodes, edges, pipelines and loops, each id once."""

from __future__ import annotations

from typing import Literal, NamedTuple, cast

from oe.lang.document import Path
from oe.spec.graph_levels import EDGE, GRAPH, LOOP, PIPELINE
from oe.spec.model import Edge, Join, Loop, Node, Pipeline, Unit
from oe.spec.read_node import NodeTables, read_node
from oe.spec.read_policy import read_budget, read_list_source
from oe.spec.reading import Reading
from oe.spec.section import Section, read_section
from oe.values import Json


class Graph(NamedTuple):
    """What the section holds. `edges` are those of `edges` and of every `needs`, in the order of the text, as are the
    `ids` of nodes, pipelines and loops."""

    nodes: dict[str, Node]
    pipelines: dict[str, Pipeline]
    loops: dict[str, Loop]
    edges: tuple[Edge, ...]
    ids: tuple[str, ...]

    def units(self) -> dict[str, Unit]:
        """What edges may name, in the order of the text: pipelines, loops and nodes that are no stage or body."""
        members = {stage for pipeline in self.pipelines.values() for stage in pipeline.stages}
        members.update(name for loop in self.loops.values() for name in loop.body)
        free: dict[str, Unit] = {name: node for name, node in self.nodes.items() if name not in members}
        named = free | self.pipelines | self.loops
        return {name: named[name] for name in self.ids if name in named}


class _GraphReader:
    """Reads each list of the graph in the order of the text, so that edges come in that order too."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.graph = Graph({}, {}, {}, (), ())
        self.edges: list[Edge] = []
        self.taken: dict[str, Path] = {}
        self.tables = NodeTables(reading)

    def nodes(self, values: list[Json], path: Path) -> None:
        """Nodes, with the edges that their `needs` stand for."""
        for index, value in enumerate(values):
            at = (*path, index)
            found = read_node(self.reading, self.tables, value, at)
            if found is None:
                self._lost()
            elif self._take(found.node.id, at):
                self.graph.nodes[found.node.id] = found.node
                self._needs(found.node.id, found.section.get("needs"), at)

    def edges_list(self, values: list[Json], path: Path) -> None:
        """The edges under `edges`."""
        for index, value in enumerate(values):
            section = read_section(self.reading.report, EDGE, value, (*path, index))
            source, target = (section.text("from"), section.text("to")) if section else (None, None)
            if section is None or source is None or target is None:
                self.reading.gaps.edges = True
                continue
            when = self.reading.expression(section, "when")
            self.edges.append(Edge(source, target, when, section.path))

    def pipelines(self, values: list[Json], path: Path) -> None:
        """The pipelines."""
        for index, value in enumerate(values):
            section = read_section(self.reading.report, PIPELINE, value, (*path, index))
            pipeline = self._pipeline(section) if section else None
            if section is None or pipeline is None:
                self._lost()
            elif self._take(pipeline.id, section.path):
                self.graph.pipelines[pipeline.id] = pipeline
                self._needs(pipeline.id, section.get("needs"), section.path)

    def _pipeline(self, section: Section) -> Pipeline | None:
        name = section.text("id")
        if name is None:
            return None
        return Pipeline(
            id=name, items=read_list_source(self.reading, section, "items"), stages=self._members(section, "stages"),
            phase=section.text("phase"), concurrency=section.integer("concurrency"),
            on_item_error=cast("Literal['fail', 'continue']", section.text("on_item_error")),
            when=self.reading.expression(section, "when"), join=cast("Join", section.text("join")), path=section.path)

    def loops(self, values: list[Json], path: Path) -> None:
        """The loops."""
        for index, value in enumerate(values):
            section = read_section(self.reading.report, LOOP, value, (*path, index))
            loop = self._loop(section) if section else None
            if section is None or loop is None:
                self._lost()
            elif self._take(loop.id, section.path):
                self.graph.loops[loop.id] = loop
                self._needs(loop.id, section.get("needs"), section.path)

    def _loop(self, section: Section) -> Loop | None:
        name = section.text("id")
        if name is None:
            return None
        if section.broken & {"until", "max_iters", "budget"}:
            self.reading.gaps.nodes.add(name)
        return Loop(
            id=name, body=self._members(section, "body"), until=self.reading.expression(section, "until"),
            max_iters=section.integer("max_iters"), budget=read_budget(self.reading, section, is_loop=True),
            on_exhausted=cast("Literal['continue', 'fail']", section.text("on_exhausted")),
            phase=section.text("phase"), when=self.reading.expression(section, "when"),
            join=cast("Join", section.text("join")), path=section.path)

    def _members(self, section: Section, name: str) -> tuple[str, ...]:
        """The node ids under `stages` or `body`, each once."""
        self._note_gaps(section, name, "needs")
        written = section.get(name)
        if isinstance(written, list):
            seen: set[Json] = set()
            for index, member in enumerate(written):
                if member not in seen:
                    seen.add(member)
                else:
                    self.reading.report.error("repeated-member", f"'{member}' is in '{name}' twice",
                                              (*section.path, name, index), "give each its own node")
        return section.texts(name)

    def _note_gaps(self, section: Section, *names: str) -> None:
        if section.broken.intersection(names):
            self.reading.gaps.units = self.reading.gaps.edges = True

    def _lost(self) -> None:
        """A unit could not be read: nobody knows what it writes or which edges mean it."""
        self.reading.gaps.units = True
        self.reading.gaps.writes = True

    def _take(self, name: str, path: Path) -> bool:
        first = self.taken.setdefault(name, path)
        if first is path:
            return True
        report = self.reading.report
        report.error("duplicate-id", f"id '{name}' is already taken in line {report.line((*first, 'id'))}",
                     (*path, "id"), "ids are unique among nodes, pipelines and loops")
        self.reading.gaps.writes = self.reading.gaps.edges = True
        return False

    def _needs(self, target: str, needs: Json, path: Path) -> None:
        if isinstance(needs, str):
            self.edges.append(Edge(needs, target, None, (*path, "needs")))
        elif isinstance(needs, list):
            self.edges.extend(Edge(str(source), target, None, (*path, "needs", index))
                              for index, source in enumerate(needs))


def read_graph(reading: Reading, top: Section) -> Graph:
    """The graph, as far as it can be read."""
    reader = _GraphReader(reading)
    section = read_section(reading.report, GRAPH, top.get("graph"), ("graph",)) if "graph" in top else None
    if section is None:
        reading.gaps.units = reading.gaps.edges = reading.gaps.writes = True
        return reader.graph
    readers = {"nodes": reader.nodes, "edges": reader.edges_list, "pipelines": reader.pipelines, "loops": reader.loops}
    for name in section.values:
        readers[name](section.items(name), ("graph", name))
    if section.broken:
        reader._lost()
        reading.gaps.edges = True
    return reader.graph._replace(edges=tuple(reader.edges), ids=tuple(reader.taken))
