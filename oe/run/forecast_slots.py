"""One slot of a forecast: what it would give without being run, or why it would be run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, Protocol, TypeAlias

from oe.lang.scope import Scope
from oe.plan.fingerprint import Fingerprint, changes, recorded_parts
from oe.plan.graph import Graph
from oe.ports.cache import Entry
from oe.ports.kind import NodeOutput
from oe.ports.store import Outcome
from oe.run.keys import Keys
from oe.run.replay import Replay
from oe.run.views import Views
from oe.spec.model import Node
from oe.state.ledger import Ledger
from oe.values import JsonObject

Action: TypeAlias = Literal["run", "cached", "unknown", "skipped"]
_LISTED_PARTS = 4


class Planned(NamedTuple):
    """What would happen to a unit, and why. `items` counts those of a fan-out or pipeline that would run and in all;
    `inside` is the slot that the reason is of, where that is within the unit. `units` are its slots in the first pass
    that would run (of an item, of an iteration), and those of a nested experience."""

    id: str
    action: Action
    reason: str
    items: tuple[int, int] | None = None
    inside: str | None = None
    units: tuple[Planned, ...] = ()


class Inside(NamedTuple):
    """What would happen in a nested experience. `slot` is the first in it that would run, and `reason` why; None where
    nothing would, and then `output` is what its node gives."""

    slot: str | None
    reason: str
    output: NodeOutput | None = None
    units: tuple[Planned, ...] = ()


class Given(NamedTuple):
    """What a slot gives without being run, and what a person is told of that."""

    output: NodeOutput
    words: str


class Needed(NamedTuple):
    """Why a slot would run, told when it is asked for; `inside` and `units` as in Planned."""

    reason: Callable[[], str]
    inside: str | None = None
    units: tuple[Planned, ...] = ()


class SlotPlace(NamedTuple):
    """A slot with what it sees."""

    slot: str
    scope: Scope
    view: JsonObject
    in_journal: bool = False


class Tally(Protocol):
    """Adds up what the calls of models may cost."""

    def would_run(self, node: Node, scope: Scope, args: JsonObject, view: JsonObject) -> None:
        """A slot that would be attempted, with its scope, arguments and view."""

    def may_run(self, node: Node, times: int = 1, *, is_loop: bool = False) -> None:
        """A node of which no more is known than how often it may run; in a loop that is the most."""

    def stretch(self) -> Callable[[int, bool], None]:
        """Begins a stretch. The function that it gives counts what was told since so many times more, at most;
        False: what is asked then may be more than what was asked now."""

    def open_end(self) -> None:
        """There is more to come, and nobody knows how much."""


class Known(NamedTuple):
    """What a forecast goes by. `slot_of` gives a slot its name in the whole run, and `earlier` the latest outcome of a
    slot in earlier runs. `look_inside` forecasts a nested experience by node, slot and arguments, and is None for other
    nodes."""

    graph: Graph
    views: Views
    ledger: Ledger
    keys: Keys
    slot_of: Callable[[str], str]
    replay: Replay
    is_valid: Callable[[Node, Entry], bool]
    earlier: Callable[[str], Outcome | None]
    tally: Tally
    look_inside: Callable[[Node, str, JsonObject], Inside | None]


class SlotForecast:
    """Foresees slots. `told` counts those that the tally was told of."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.told = 0

    def foresee(self, node: Node, place: SlotPlace) -> Given | Needed:
        """What one slot would give if it is not run, or why it would be. Raises NodeError where it would fail."""
        resolved = node.args.resolve(place.scope)
        args = resolved if isinstance(resolved, dict) else {}
        inside = self._known.look_inside(node, place.slot, args)
        if inside is not None:
            self.told += 1
            if inside.output is not None:
                return Given(inside.output, inside.reason)
            return Needed(lambda: inside.reason, inside.slot, inside.units)
        scope = place.scope.with_own(args)
        shared = self._known.keys.shared(node, place.scope, place.view)
        found = self._known.keys.of_slot(node, self._known.slot_of(place.slot), shared, scope, args)
        entry = self._known.replay.find(node, found, lambda entry: self._known.is_valid(node, entry), place.in_journal)
        if entry is None:
            self.told += 1
            self._known.tally.would_run(node, scope, args, place.view)
            return Needed(lambda: self._why(node, place.slot, found))
        return Given(NodeOutput(entry.state_delta, entry.edge_output), f"result of {entry.run_id}")

    def _why(self, node: Node, slot: str, found: Fingerprint) -> str:
        if found.holds_secret:
            return "its result depends on a secret and is not kept"
        if not self._known.replay.is_kept(node):
            return "its results are not cached"
        before = self._known.earlier(slot)
        parts = None if before is None else before.details.get("parts")
        if before is None or not isinstance(parts, Mapping):
            return "it has no earlier result"
        changed = [change.part for change in changes(parts, recorded_parts(found), {})]
        if not changed:
            if node.produces and not self._known.replay.has_products(node):
                return f"what it makes is not there: {', '.join(node.produces)}"
            failed = before.status != "success"
            return f"last it {before.status}" if failed else "its earlier result is not kept any more"
        more = f" and {len(changed) - _LISTED_PARTS} more" if len(changed) > _LISTED_PARTS else ""
        return f"changed: {', '.join(changed[:_LISTED_PARTS])}{more}"
