"""Which part of a graph a run is asked to carry out: `--only NODE`, `--from NODE`, `--refresh NODE`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from oe.errors import NotFoundError, UsageError
from oe.plan.graph import Graph, ranks_in
from oe.text import did_you_mean


class Selection(NamedTuple):
    """`refreshed` units are run whatever is known of them, `reused` ones take an earlier result where one is known,
    `required` ones must, and `barred` ones stay pending."""

    refreshed: frozenset[str] = frozenset()
    reused: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    barred: frozenset[str] = frozenset()

    @property
    def is_whole(self) -> bool:
        """Whether the run is one of the whole graph, so that its end is the end of the procedure."""
        return not self.barred


def select(graph: Graph, *, only: str | None, start: str | None, refresh: Iterable[str]) -> Selection:
    """The selection that the options mean. Raises NotFoundError for a unit that there is none of, UsageError where
    `only` and `start` are both given."""
    if only is not None and start is not None:
        raise UsageError("--only and --from exclude each other")
    named = [*refresh, *(name for name in (only, start) if name is not None)]
    for name in named:
        if name not in graph.rank:
            raise NotFoundError(f"the experience has no unit '{name}'", hint=did_you_mean(name, graph.ids))
    refreshed = frozenset(refresh)
    everything = frozenset(graph.ids)
    if only is not None:
        before = _ids(graph, graph.ancestors[graph.rank[only]])
        return Selection(refreshed | {only}, before, before - refreshed, everything - before - {only})
    if start is not None:
        rank = graph.rank[start]
        after = {graph.ids[other] for other, mask in enumerate(graph.ancestors) if mask >> rank & 1}
        anew = refreshed | after | {start}
        return Selection(anew, everything - anew)
    return Selection(refreshed)


def _ids(graph: Graph, mask: int) -> frozenset[str]:
    return frozenset(graph.ids[rank] for rank in ranks_in(mask))
