"""The shape of a graph: order, ancestors, cycles. Knows ids and pairs of ids, never what they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush


class Topology:
    """A directed graph of units, numbered in file order. Edges are numbered in the order given.

    `incoming[u]` and `outgoing[u]` hold edge numbers in that order; `edges[e]` is (source, target) as unit numbers.
    Every pass is linear in units and edges and free of recursion; the ancestor sets take one bit a pair of units.
    """

    def __init__(self, ids: Sequence[str], edges: Iterable[tuple[str, str]]) -> None:
        self.ids = tuple(ids)
        self.index = {unit_id: number for number, unit_id in enumerate(self.ids)}
        index = self.index
        self.edges = [(index[source], index[target]) for source, target in edges]
        self.incoming: list[list[int]] = [[] for _ in self.ids]
        self.outgoing: list[list[int]] = [[] for _ in self.ids]
        for number, (source, target) in enumerate(self.edges):
            self.outgoing[source].append(number)
            self.incoming[target].append(number)
        self._order: list[int] | None = None
        self._ancestors: list[int] | None = None

    @property
    def order(self) -> list[int]:
        """Kahn's order: of the units whose predecessors are done, the first in the file. Units that are on a cycle, or
        behind one, are missing."""
        if self._order is None:
            self._order = self._find_order()
        return self._order

    @property
    def ancestors(self) -> list[int]:
        """For each unit the set of its ancestors, bit `n` for unit `n`; meaningless on and behind a cycle."""
        if self._ancestors is None:
            self._ancestors = self._find_ancestors()
        return self._ancestors

    def is_ancestor(self, unit: int, of: int) -> bool:
        """Whether a path leads from `unit` to `of`."""
        return bool(self.ancestors[of] >> unit & 1)

    def predecessors(self, unit: int) -> list[int]:
        """The sources of the unit's incoming edges, in the order of the edges."""
        return [self.edges[edge][0] for edge in self.incoming[unit]]

    def find_cycle(self) -> list[str] | None:
        """The ids around one cycle, starting with its first unit in the file (which is not repeated at the end)."""
        if len(self.order) == len(self.ids):
            return None
        # Every unit that Kahn's algorithm leaves over has a predecessor that is left over too, so walking backwards
        # from any of them must come round.
        left = set(range(len(self.ids))).difference(self.order)
        unit = min(left)
        seen: dict[int, int] = {}
        walk: list[int] = []
        while unit not in seen:
            seen[unit] = len(walk)
            walk.append(unit)
            unit = next(source for source in self.predecessors(unit) if source in left)
        cycle = walk[seen[unit]:][::-1]
        first = cycle.index(min(cycle))
        return [self.ids[number] for number in cycle[first:] + cycle[:first]]

    def _find_order(self) -> list[int]:
        waiting = [len(edges) for edges in self.incoming]
        ready = [unit for unit, count in enumerate(waiting) if not count]
        heapify(ready)
        order = []
        while ready:
            unit = heappop(ready)
            order.append(unit)
            for edge in self.outgoing[unit]:
                target = self.edges[edge][1]
                waiting[target] -= 1
                if not waiting[target]:
                    heappush(ready, target)
        return order

    def _find_ancestors(self) -> list[int]:
        ancestors = [0] * len(self.ids)
        for unit in self.order:
            known = 0
            for edge in self.incoming[unit]:
                source = self.edges[edge][0]
                known |= ancestors[source] | 1 << source
            ancestors[unit] = known
        return ancestors
