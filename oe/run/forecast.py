"""What a run would do, without doing it: keys are computed as far as the cache can answer for what comes before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple, TypeAlias

from oe.errors import NodeError
from oe.ids import item_slot
from oe.lang.reference import Reference
from oe.lang.scope import Missing, Scope
from oe.plan.fingerprint import Fingerprint, changes, recorded_parts
from oe.plan.graph import Graph, Link
from oe.ports.cache import Entry
from oe.ports.kind import NodeOutput
from oe.ports.store import Outcome
from oe.run.fan_out import without_list
from oe.run.keys import Keys
from oe.run.replay import Replay
from oe.run.views import Views
from oe.spec.model import Node, Unit
from oe.state.ledger import Ledger
from oe.text import plural
from oe.values import Json, JsonObject

Action: TypeAlias = Literal["run", "cached", "unknown", "skipped"]
_LISTED_PARTS = 4


class Planned(NamedTuple):
    """What would happen to a unit, and why. `items` counts those of a fan-out that would run and in all; `inside` is
    the slot that the reason is of, where that is in a nested experience."""

    id: str
    action: Action
    reason: str
    items: tuple[int, int] | None = None
    inside: str | None = None


class Inside(NamedTuple):
    """What would happen in a nested experience. `slot` is the first in it that would run, and `reason` why; None where
    nothing would, and then `output` is what its node gives."""

    slot: str | None
    reason: str
    output: NodeOutput | None = None


class _Given(NamedTuple):
    """What a slot gives without being run, and what a person is told of that."""

    output: NodeOutput
    words: str


class _Needed(NamedTuple):
    """Why a slot would run, told when it is asked for; `inside` as in Planned."""

    reason: Callable[[], str]
    inside: str | None = None


class _Place(NamedTuple):
    """A slot with what it sees."""

    slot: str
    scope: Scope
    view: JsonObject
    in_journal: bool = False


class Known(NamedTuple):
    """What a forecast goes by. `slot_of` gives a slot its name in the whole run, and `earlier` the latest outcome of a
    slot in earlier runs. `would_run` is told of each slot that would be attempted, with its scope, arguments and view,
    and `may_run` of nodes of which no more is known. `look_inside` forecasts a nested experience by node, slot and
    arguments, and is None for other nodes."""

    graph: Graph
    views: Views
    ledger: Ledger
    keys: Keys
    slot_of: Callable[[str], str]
    replay: Replay
    is_valid: Callable[[Node, Entry], bool]
    earlier: Callable[[str], Outcome | None]
    would_run: Callable[[Node, Scope, JsonObject, JsonObject], None]
    may_run: Callable[[Node], None]
    look_inside: Callable[[Node, str, JsonObject], Inside | None]


class Forecast:
    """Walks the graph once in topological order. A unit behind one that would run is unknown where it depends on what
    that one gives."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._graph = known.graph
        self._planned: dict[int, Planned] = {}
        self._unknown_writers: dict[str, int] = {}
        self._told: set[int] = set()

    def units(self) -> list[Planned]:
        """One entry a unit, in the order of the file."""
        for rank in range(len(self._graph)):
            planned = self._planned[rank] = self._plan(rank)
            if planned.action in ("run", "unknown"):
                for node in self._graph.nodes_of(self._graph.units[rank]):
                    if rank not in self._told:
                        self._known.may_run(node)
                    for field in node.writes:
                        self._unknown_writers[field] = self._unknown_writers.get(field, 0) | 1 << rank
        places = self._graph.file_place
        return [self._planned[rank] for rank in sorted(self._planned, key=places.__getitem__)]

    def final(self) -> JsonObject:
        """The state after all units, as far as it is known: where none would run, the final one."""
        return self._known.ledger.final()

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
            if not isinstance(unit, Node):
                return Planned(unit.id, "run", "pipelines and loops are not looked into")
            return self._plan_node(rank, unit)
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
        for node in self._graph.nodes_of(unit):
            yield from self._known.views.names_of(node)

    def _plan_node(self, rank: int, node: Node) -> Planned:
        scope, view = self._known.views.of_node(rank, node)
        if node.for_each is not None:
            return self._plan_items(rank, node, scope, view)
        given = self._foresee(rank, node, _Place(node.id, scope, view))
        if not isinstance(given, _Given):
            return Planned(node.id, "run", given.reason(), inside=given.inside)
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
        first: _Needed | None = None
        missing = 0
        in_journal = self._known.replay.is_in_journal(node, len(source))
        for index, item in enumerate(source):
            own = Scope(state=scope.state, args=scope.args, inputs=scope.inputs, item=item, index=index, reads=view)
            given = self._foresee(rank, node, _Place(item_slot(node.id, index), own, view, in_journal))
            if not isinstance(given, _Given):
                first = first or given
                missing += 1
                continue
            output = given.output
            self._known.ledger.record(rank, index, tuple(output.state_delta.items()))
            outputs.append(None if isinstance(output.edge_output, Missing) else output.edge_output)
        if first is not None:
            return Planned(node.id, "run", f"{first.reason()} (first of {plural(missing, 'item')})",
                           (missing, len(source)), first.inside)
        self._known.views.keep_output(rank, outputs)
        return Planned(node.id, "cached", f"all of {plural(len(source), 'item')}", (0, len(source)))

    def _foresee(self, rank: int, node: Node, place: _Place) -> _Given | _Needed:
        """What one slot would give if it is not run, or why it would be."""
        resolved = node.args.resolve(place.scope)
        inside = self._known.look_inside(node, place.slot, resolved if isinstance(resolved, dict) else {})
        if inside is not None:
            self._told.add(rank)
            if inside.output is not None:
                return _Given(inside.output, inside.reason)
            return _Needed(lambda: inside.reason, inside.slot)
        found = self._fingerprint(node, place)
        entry = self._entry(node, found, place.in_journal)
        if entry is None:
            self._tell(rank, node, place.scope, place.view)
            return _Needed(lambda: self._why(node, place.slot, found))
        return _Given(NodeOutput(entry.state_delta, entry.edge_output), f"result of {entry.run_id}")

    def _tell(self, rank: int, node: Node, scope: Scope, view: JsonObject) -> None:
        resolved = node.args.resolve(scope)
        args = resolved if isinstance(resolved, dict) else {}
        self._told.add(rank)
        self._known.would_run(node, scope.with_own(args), args, view)

    def _fingerprint(self, node: Node, place: _Place) -> Fingerprint:
        resolved = node.args.resolve(place.scope)
        args = resolved if isinstance(resolved, dict) else {}
        shared = self._known.keys.shared(node, place.scope, place.view)
        slot = self._known.slot_of(place.slot)
        return self._known.keys.of_slot(node, slot, shared, place.scope.with_own(args), args)

    def _entry(self, node: Node, found: Fingerprint, in_journal: bool = False) -> Entry | None:
        return self._known.replay.find(node, found, lambda entry: self._known.is_valid(node, entry), in_journal)

    def _why(self, node: Node, slot: str, found: Fingerprint) -> str:
        if not self._known.replay.is_kept(node):
            return "its results are not cached"
        before = self._known.earlier(slot)
        parts = before.details.get("parts") if before is not None else None
        if not isinstance(parts, Mapping):
            return "it has no earlier result"
        changed = [change.part for change in changes(parts, recorded_parts(found), {})]
        if not changed:
            return "its earlier result is not kept any more"
        more = f" and {len(changed) - _LISTED_PARTS} more" if len(changed) > _LISTED_PARTS else ""
        return f"changed: {', '.join(changed[:_LISTED_PARTS])}{more}"


def _state_fields(references: Iterable[Reference]) -> Iterable[str]:
    return (str(reference.segments[0]) for reference in references if reference.root == "state" and reference.segments)
