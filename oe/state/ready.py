"""Which units may go on: edge states, joins, conditions. Pure: it decides, the scheduler acts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from enum import Enum
from typing import NamedTuple, TypeAlias

from oe.errors import NodeError
from oe.plan.graph import Graph, Link


class Settled(Enum):
    """How a unit ended, as far as its edges care."""

    FINISHED = "finished"
    FAILED = "failed"
    SKIPPED_BY_CONDITION = "skipped by a condition"
    SKIPPED_BY_FAILURE = "skipped because of a failure"


class EdgeState(Enum):
    """What an edge tells its target."""

    LIVE = "live"
    DEAD = "dead"
    FAILED = "failed"


class Ready(NamedTuple):
    """The unit may start as soon as a slot is free."""

    rank: int


class Skip(NamedTuple):
    """The unit will not run."""

    rank: int
    reason: str
    by_failure: bool


class Refuse(NamedTuple):
    """The unit fails before it starts: a condition on it cannot be evaluated."""

    rank: int
    error: NodeError


Decision: TypeAlias = Ready | Skip | Refuse
EdgeTest: TypeAlias = Callable[[Link], bool]
UnitTest: TypeAlias = Callable[[int], bool]


class Frontier:
    """The line between what is decided and what is not; each unit crosses it once.

    `edge_test` and `unit_test` evaluate the `when` of an edge and of a unit against the run's values; they may raise
    NodeError. The work for one settled unit is proportional to its edges, never to the graph.
    """

    def __init__(self, graph: Graph, edge_test: EdgeTest, unit_test: UnitTest) -> None:
        self._graph = graph
        self._edge_test = edge_test
        self._unit_test = unit_test
        self._undecided = [len(links) for links in graph.incoming]
        self._edges: dict[int, EdgeState] = {}
        self._errors: dict[int, NodeError] = {}
        self._settled: dict[int, Settled] = {}
        self._barred: set[int] = set()
        self._crossed: set[int] = set()

    def roots(self) -> Iterator[Decision]:
        """Decisions for the units without incoming edges that are not barred, in file order."""
        for rank, links in enumerate(self._graph.incoming):  # by rank they are in the order of the file
            if not links and rank not in self._barred:
                yield from self._decide(rank)

    def settle(self, rank: int, how: Settled) -> Iterator[Decision]:
        """Takes the end of a unit and gives the decisions that follow directly."""
        self._settled[rank] = how
        for link in self._graph.outgoing[rank]:
            yield from self._decide_edge(link, self._edge_state(link, how))

    def stop(self, unstarted: Collection[int]) -> Iterator[Decision]:
        """Bars every unit that has not started, `always` units apart, and gives the decisions that follow. `unstarted`
        are those that were told to be ready and have not started."""
        waiting = [rank for rank in range(len(self._graph)) if rank not in self._crossed or rank in unstarted]
        return self.bar([rank for rank in waiting if self._graph.units[rank].join != "always"])

    def bar(self, ranks: Collection[int]) -> Iterator[Decision]:
        """Bars units: their edges count as failed from now on. A barred unit stays pending: a resumed run decides it
        anew."""
        self._barred.update(ranks)
        for rank in ranks:
            for link in self._graph.outgoing[rank]:
                yield from self._decide_edge(link, EdgeState.FAILED)

    def blocked(self) -> list[int]:
        """Ranks that are neither settled nor barred: the units a deadlock names."""
        return [rank for rank in range(len(self._graph)) if rank not in self._settled and rank not in self._barred]

    def _decide_edge(self, link: Link, state: EdgeState) -> Iterator[Decision]:
        if link.number in self._edges:
            return  # a stop bars again what was barred from the beginning, as not asked for
        self._edges[link.number] = state
        self._undecided[link.target] -= 1
        if not self._undecided[link.target] and link.target not in self._barred:
            yield from self._decide(link.target)

    def _edge_state(self, link: Link, how: Settled) -> EdgeState:
        if how in (Settled.FAILED, Settled.SKIPPED_BY_FAILURE):
            return EdgeState.FAILED
        if how is Settled.SKIPPED_BY_CONDITION:
            return EdgeState.DEAD
        if link.when is None:
            return EdgeState.LIVE
        try:
            return EdgeState.LIVE if self._edge_test(link) else EdgeState.DEAD
        except NodeError as error:
            self._errors[link.number] = error
            return EdgeState.FAILED

    def _decide(self, rank: int) -> Iterator[Decision]:
        self._crossed.add(rank)
        yield self._decision(rank)

    def _decision(self, rank: int) -> Decision:
        incoming = self._graph.incoming[rank]
        for link in incoming:
            if link.number in self._errors:
                return Refuse(rank, self._errors[link.number])
        unit = self._graph.units[rank]
        if not self._joins(unit.join, incoming):
            return self._skip(rank)
        if unit.when is None:
            return Ready(rank)
        try:
            if self._unit_test(rank):
                return Ready(rank)
        except NodeError as error:
            return Refuse(rank, error)
        return Skip(rank, f"when: {unit.when.text} is false", by_failure=False)

    def _joins(self, join: str, incoming: list[Link]) -> bool:
        if join == "always" or not incoming:
            return True
        states = [self._edges[link.number] for link in incoming]
        if join == "any":
            return EdgeState.LIVE in states and EdgeState.FAILED not in states
        return all(state is EdgeState.LIVE for state in states)

    def _skip(self, rank: int) -> Skip:
        """The first edge in the file that is not live gives the reason; a failure anywhere makes it one of failure."""
        links = [link for link in self._graph.incoming[rank] if self._edges[link.number] is not EdgeState.LIVE]
        by_failure = any(self._edges[link.number] is EdgeState.FAILED for link in links)
        first = links[0]
        source = self._graph.ids[first.source]
        how = self._settled.get(first.source)
        if how is Settled.FINISHED and first.when is not None:
            return Skip(rank, f"when: {first.when.text} is false", by_failure)
        word = "failed" if how is Settled.FAILED or how is None else "skipped"
        return Skip(rank, f"predecessor {word}: {source}", by_failure)
