"""What a run would do, without doing it: keys are computed as far as the cache can answer for what comes before."""

from __future__ import annotations

from collections.abc import Iterable

from oe.errors import NodeError
from oe.ids import item_slot
from oe.lang.reference import Reference
from oe.lang.scope import Missing, Scope
from oe.lang.template import ValueTemplate
from oe.plan.graph import Link
from oe.run.fan_out import without_list
from oe.run.forecast_passes import PassForecast
from oe.run.forecast_slots import Known, Needed, Planned, SlotForecast, SlotPlace
from oe.spec.model import Loop, Node, Pipeline, Unit
from oe.text import plural
from oe.values import Json, JsonObject


class Forecast:
    """Walks the graph once in topological order. A unit behind one that would run is unknown where it depends on what
    that one gives."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._graph = known.graph
        self._slots = SlotForecast(known)
        self._passes = PassForecast(known, self._slots)
        self._planned: dict[int, Planned] = {}
        self._unknown_writers: dict[str, int] = {}

    def units(self) -> list[Planned]:
        """One entry a unit, in the order of the file."""
        for rank in range(len(self._graph)):
            told = self._slots.told
            planned = self._planned[rank] = self._plan(rank)
            if planned.action in ("run", "unknown"):
                unit = self._graph.units[rank]
                if self._slots.told == told:
                    self._count(unit)
                for node in self._graph.nodes_of(unit):
                    for field in node.writes:
                        self._unknown_writers[field] = self._unknown_writers.get(field, 0) | 1 << rank
        places = self._graph.file_place
        return [self._planned[rank] for rank in sorted(self._planned, key=places.__getitem__)]

    def final(self) -> JsonObject:
        """The state after all units, as far as it is known: where none would run, the final one."""
        return self._known.ledger.final()

    def _count(self, unit: Unit) -> None:
        """Counts a unit of which no more is known: as often as its list is long or its loop may go round, where that
        can be seen."""
        times = 1
        if isinstance(unit, Loop):
            times = unit.max_iters or 1
        elif isinstance(unit, Pipeline):
            times = self._length(unit.items)
        elif unit.for_each is not None:
            times = self._length(unit.for_each.source)
        for node in self._graph.nodes_of(unit):
            self._known.tally.may_run(node, times, is_loop=isinstance(unit, Loop))

    def _length(self, source: ValueTemplate) -> int:
        """How long a list is that is written out or is an argument; 1 for others."""
        if any(reference.root != "args" for _, reference in source.references()):
            return 1
        try:
            items = source.resolve(self._known.views.of_unit(0, ()))
        except NodeError:
            return 1
        return len(items) if isinstance(items, list) else 1

    def _plan(self, rank: int) -> Planned:
        unit = self._graph.units[rank]
        decided = self._join(rank, unit)
        if decided is not None:
            return decided
        waits = self._waits_for(rank, unit)
        if waits is not None:
            return Planned(unit.id, "unknown", waits)
        try:
            if unit.when is not None and not self._known.views.test_unit(rank):
                return Planned(unit.id, "skipped", f"when: {unit.when.text} is false")
            if isinstance(unit, Node):
                return self._plan_node(rank, unit)
            return self._passes.plan(rank, unit)
        except NodeError as error:
            return Planned(unit.id, "run", f"it would fail: {error.message}")

    def _join(self, rank: int, unit: Unit) -> Planned | None:
        """The decision that the incoming edges make, or None where the unit goes on."""
        links = self._graph.incoming[rank]
        if unit.join == "always" or not links:
            return None
        states = [self._edge(link) for link in links]
        if unit.join == "any":
            if "live" in states:
                return None
            if "unknown" in states:
                return Planned(unit.id, "unknown", f"waits for {self._source(links, states, 'unknown')}")
        elif "unknown" in states and "dead" not in states:
            return Planned(unit.id, "unknown", f"waits for {self._source(links, states, 'unknown')}")
        if "dead" in states:
            source = self._source(links, states, "dead")
            return Planned(unit.id, "skipped", f"predecessor skipped or condition false: {source}")
        return None

    def _source(self, links: list[Link], states: list[str], state: str) -> str:
        return self._graph.ids[links[states.index(state)].source]

    def _edge(self, link: Link) -> str:
        source = self._planned[link.source]
        if source.action == "skipped":
            return "dead"
        if source.action == "unknown":
            return "unknown"
        if link.when is None:
            return "live"
        if source.action == "run":
            return "unknown"
        try:
            return "live" if self._known.views.test_edge(link) else "dead"
        except NodeError:
            return "unknown"

    def _waits_for(self, rank: int, unit: Unit) -> str | None:
        """Why the unit's key cannot be known yet, or None."""
        for link in self._graph.incoming[rank]:
            if self._planned[link.source].action in ("run", "unknown"):
                return f"depends on what {self._graph.ids[link.source]} gives"
        mask = self._graph.ancestors[rank]
        for field in self._fields(unit):
            if self._unknown_writers.get(field, 0) & mask:
                return f"depends on the field {field}, which is written before it"
        return None

    def _fields(self, unit: Unit) -> Iterable[str]:
        if unit.when is not None:
            yield from _state_fields(unit.when.references())
        if isinstance(unit, Pipeline):
            yield from _state_fields(reference for _, reference in unit.items.references())
        elif isinstance(unit, Loop) and unit.until is not None:
            yield from _state_fields(unit.until.references())
        for node in self._graph.nodes_of(unit):
            yield from self._known.views.names_of(node)

    def _plan_node(self, rank: int, node: Node) -> Planned:
        scope, view = self._known.views.of_node(rank, node)
        if node.for_each is not None:
            return self._plan_items(rank, node, scope, view)
        given = self._slots.foresee(node, SlotPlace(node.id, scope, view))
        if isinstance(given, Needed):
            return Planned(node.id, "run", given.reason(), inside=given.inside, units=given.units)
        self._known.ledger.record(rank, (), tuple(given.output.state_delta.items()))
        self._known.views.keep_output(rank, given.output.edge_output)
        return Planned(node.id, "cached", given.words)

    def _plan_items(self, rank: int, node: Node, scope: Scope, view: JsonObject) -> Planned:
        assert node.for_each is not None
        source = node.for_each.source.resolve(scope)
        if not isinstance(source, list):
            return Planned(node.id, "run", "its source is not a list")
        scope, view = without_list(node.for_each, scope, view)
        outputs: list[Json] = []
        first: Needed | None = None
        missing = 0
        in_journal = self._known.replay.is_in_journal(node, len(source))
        for index, item in enumerate(source):
            own = Scope(state=scope.state, args=scope.args, inputs=scope.inputs, item=item, index=index, reads=view)
            given = self._slots.foresee(node, SlotPlace(item_slot(node.id, index), own, view, in_journal))
            if isinstance(given, Needed):
                first = first or given
                missing += 1
                continue
            output = given.output
            self._known.ledger.record(rank, index, tuple(output.state_delta.items()))
            outputs.append(None if isinstance(output.edge_output, Missing) else output.edge_output)
        if first is not None:
            return Planned(node.id, "run", f"{first.reason()} (first of {plural(missing, 'item')})",
                           (missing, len(source)), first.inside, first.units)
        self._known.views.keep_output(rank, outputs)
        return Planned(node.id, "cached", f"all of {plural(len(source), 'item')}", (0, len(source)))


def _state_fields(references: Iterable[Reference]) -> Iterable[str]:
    return (str(reference.segments[0]) for reference in references if reference.root == "state" and reference.segments)
