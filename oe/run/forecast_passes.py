"""Pipelines and loops in a forecast: pass after pass (an item through its stages, a loop once round) as far as the
cache answers for it. What depends on a slot that would run is not known."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from oe.errors import NodeError
from oe.ids import child_slot, item_slot
from oe.lang.scope import MISSING, Missing, Scope
from oe.ports.kind import NodeOutput
from oe.run.forecast_slots import Known, Needed, Planned, SlotForecast, SlotPlace
from oe.run.items import resolve_list
from oe.run.pipelines import without_source
from oe.spec.model import Loop, Node, Pipeline
from oe.text import plural
from oe.values import Json, JsonObject

_Sight: TypeAlias = "Callable[[], tuple[Scope, JsonObject]]"
"""What a slot sees: its scope and view."""

_MOST_PASSES = 10_000
"""Iterations of a loop that a plan follows while all of them are cached: one without `max_iters` might never end."""


class PassForecast:
    """Foresees pipelines and loops."""

    def __init__(self, known: Known, slots: SlotForecast) -> None:
        self._known = known
        self._slots = slots

    def plan(self, rank: int, unit: Pipeline | Loop) -> Planned:
        """What would happen to the unit. Raises NodeError where it would fail."""
        return self._pipeline(rank, unit) if isinstance(unit, Pipeline) else self._loop(rank, unit)

    def _pipeline(self, rank: int, pipeline: Pipeline) -> Planned:
        views = self._known.views
        source = resolve_list(pipeline.items, views.of_unit(rank, pipeline.items.references()), "items")
        shown: _Pass | None = None
        outputs: list[Json] = []
        missing = 0
        for index in range(len(source)):
            one = _Pass(self._known, self._slots, item_slot(pipeline.id, index), is_told=not missing)
            self._item(rank, pipeline, source, index, one)
            outputs.append(None if isinstance(one.prev, Missing) else one.prev)
            if shown is None or (one.first is not None and not missing):
                shown = one
            missing += one.first is not None
        if shown is None or shown.first is None:
            views.keep_output(rank, outputs)
            return Planned(pipeline.id, "cached", f"all of {plural(len(source), 'item')}", (0, len(source)),
                           units=() if shown is None else tuple(shown.units))
        return Planned(pipeline.id, "run", f"{shown.reason} (first of {plural(missing, 'item')})",
                       (missing, len(source)), shown.place, tuple(shown.units))

    def _item(self, rank: int, pipeline: Pipeline, source: list[Json], index: int, one: _Pass) -> None:
        """One item through all stages."""
        for number, stage in enumerate(self._known.views.nodes_of(pipeline)):
            def sight(stage: Node = stage) -> tuple[Scope, JsonObject]:
                base = self._known.views.of_node(rank, stage, one.inside)
                scope, view = without_source(pipeline, *base)
                return Scope(state=scope.state, args=scope.args, inputs=scope.inputs, item=source[index], index=index,
                             prev=one.prev, reads=view), view

            one.take(rank, (index, number), stage, sight)

    def _loop(self, rank: int, loop: Loop) -> Planned:
        inside: dict[str, Json] = {}
        first: _Pass | None = None
        last: NodeOutput | None = None
        for count in range(_MOST_PASSES):
            repeat = self._known.tally.stretch()
            one = _Pass(self._known, self._slots, item_slot(loop.id, count), inside)
            self._round(rank, loop, count, one)
            if one.first is not None:
                return self._going_on(loop, count, one, repeat)
            first, last = first or one, one.output or last
            holds = self._holds(rank, loop, count, inside)
            if holds or (loop.max_iters is not None and count + 1 >= loop.max_iters):
                if not holds and loop.on_exhausted == "fail":
                    raise NodeError(f"'until' does not hold after {plural(count + 1, 'iteration')}")
                output = MISSING if last is None else last.edge_output
                self._known.views.keep_output(rank, None if isinstance(output, Missing) else output)
                return Planned(loop.id, "cached", f"all of {plural(count + 1, 'iteration')}", units=tuple(first.units))
        self._known.tally.open_end()
        return Planned(loop.id, "run", f"more than {_MOST_PASSES:,} iterations are not looked into")

    def _round(self, rank: int, loop: Loop, count: int, one: _Pass) -> None:
        """One iteration."""
        for number, node in enumerate(self._known.views.nodes_of(loop)):
            def sight(node: Node = node) -> tuple[Scope, JsonObject]:
                scope, view = self._known.views.of_node(rank, node, one.inside)
                return Scope(state=scope.state, args=scope.args, inputs=scope.inputs, iteration=count, reads=view), view

            one.take(rank, (count, number), node, sight)

    def _going_on(self, loop: Loop, count: int, one: _Pass, repeat: Callable[[int, bool], None]) -> Planned:
        """A loop in whose iteration of that number something would run, and perhaps in all that follow."""
        reason = one.reason
        if loop.max_iters is None:
            self._known.tally.open_end()
        else:
            reason += f" (iteration {count + 1} of at most {loop.max_iters})"
            repeat(loop.max_iters - count - 1, self._is_same_each_time(loop))
        return Planned(loop.id, "run", reason, None, one.place, tuple(one.units))

    def _holds(self, rank: int, loop: Loop, count: int, inside: JsonObject) -> bool:
        if loop.until is None:
            return False
        scope = self._known.views.of_unit(rank, [((), each) for each in loop.until.references()], inside)
        try:
            return loop.until.test(Scope(state=scope.state, args=scope.args, inputs=scope.inputs, iteration=count))
        except NodeError as error:
            raise NodeError(f"until: {error.message}") from error

    def _is_same_each_time(self, loop: Loop) -> bool:
        """Whether the body asks the same in every iteration: nothing in it sees what an earlier one wrote."""
        views = self._known.views
        body = views.nodes_of(loop)
        written = {field for node in body for field in node.writes}
        return not any(written.intersection(views.names_of(node))
                       or any(each.root == "iter" for each in views.references_of(node)) for node in body)


class _Pass:
    """One pass. `first` is the first slot that would run, at `place`, with its `reason`; `prev` and `output` are what
    the last slot gave that is known. `units` are listed where `is_told`."""

    def __init__(self, known: Known, slots: SlotForecast, slot: str, inside: dict[str, Json] | None = None, *,
                 is_told: bool = True) -> None:
        self._known = known
        self._slots = slots
        self._slot = slot
        self._is_told = is_told
        self._unknown: set[str] = set()
        self.inside: dict[str, Json] = {} if inside is None else inside
        self.units: list[Planned] = []
        self.prev: Json | Missing = MISSING
        self.output: NodeOutput | None = None
        self.first: Needed | None = None
        self.place: str | None = None
        self.reason = ""

    def take(self, rank: int, position: tuple[int, int], node: Node, sight: _Sight) -> None:
        """The next slot of the pass. Raises NodeError where it would fail."""
        name = child_slot(self._slot, node.id)
        slot = self._known.slot_of(name)
        unknown = self._depends_on(node) if self.first is not None else None
        if unknown is not None:
            self._known.tally.may_run(node)
            self._unknown.update(node.writes)
            self._tell(Planned(slot, "unknown", unknown))
            return
        scope, view = sight()
        if node.when is not None and not node.when.test(scope):
            self._tell(Planned(slot, "skipped", f"when: {node.when.text} is false"))
            return
        given = self._slots.foresee(node, SlotPlace(name, scope, view))
        if isinstance(given, Needed):
            self._would_run(node, slot, given)
            return
        writes = tuple(given.output.state_delta.items())
        self._known.ledger.record(rank, position, writes)
        self._known.ledger.grow(rank, self.inside, writes)
        self.output = given.output
        self.prev = dict(writes) if isinstance(given.output.edge_output, Missing) else given.output.edge_output
        self._tell(Planned(slot, "cached", given.words))

    def _would_run(self, node: Node, slot: str, needed: Needed) -> None:
        self._unknown.update(node.writes)
        reason = needed.reason() if self._is_told else ""
        if self.first is None:
            self.first, self.place, self.reason = needed, needed.inside or slot, reason
        self._tell(Planned(slot, "run", reason, None, needed.inside, needed.units))

    def _depends_on(self, node: Node) -> str | None:
        """Why a node behind one that would run cannot be foreseen, or None where it depends on nothing of that."""
        views = self._known.views
        field = next((name for name in views.names_of(node) if name in self._unknown), None)
        if field is not None:
            return f"depends on the field {field}, which is written before it"
        if any(each.root == "prev" for each in views.references_of(node)):
            return "depends on what the stage before it gives"
        return None

    def _tell(self, planned: Planned) -> None:
        if self._is_told:
            self.units.append(planned)
