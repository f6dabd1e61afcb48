"""Which part of a graph a run is asked to carry out: `--only NODE`, `--from NODE`, `--refresh NODE`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from oe.errors import NotFoundError, UsageError
from oe.plan.graph import Graph, ranks_in
from oe.spec.model import Experience
from oe.text import clip, did_you_mean


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
            raise no_such_unit(graph.experience, name)
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


def no_such_unit(experience: Experience, name: str) -> NotFoundError:
    """What is said to a name that no unit has: the slot of a part of one, or a stage or body, is run with the whole."""
    first = name.partition("/")[0].partition("[")[0]
    members = {**{unit: each.stages for unit, each in experience.pipelines.items()},
               **{unit: each.body for unit, each in experience.loops.items()}}
    whole = first if first in experience.units else next((unit for unit in members if first in members[unit]), None)
    hint = f"only a whole unit can be named: '{whole}'" if whole is not None else did_you_mean(name, experience.units)
    return NotFoundError(f"the experience has no unit '{clip(name, 100)}'",
                         hint=hint or f"units: {clip(', '.join(experience.units), 200)}")


def _ids(graph: Graph, mask: int) -> frozenset[str]:
    return frozenset(graph.ids[rank] for rank in ranks_in(mask))
