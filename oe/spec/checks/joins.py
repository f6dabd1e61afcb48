"""A default join is skipped with any of its ancestors: said where a condition can skip one branch and not the other."""

from __future__ import annotations

from oe.spec.report import Report
from oe.spec.subject import Subject


def check(subject: Subject, report: Report) -> None:
    """Units with several edges and no `join` of their own, one of whose branches a condition can skip.

    Where every branch hangs on the same condition the units are one branch, and nothing is said. What was said of one
    join is not said again of the joins behind it.
    """
    if not subject.is_graph_known:
        return
    topology = subject.topology
    skips = [0] * len(topology.ids)
    for number in topology.order:
        unit = subject.units[number]
        branches = [skips[source] for source in topology.predecessors(number)]
        uneven = _union(branches) & ~_common(branches)
        if unit.join == "all" and uneven and not _says_join(subject, number):
            _tell(subject, report, number, (uneven & -uneven).bit_length() - 1)
            uneven_known = uneven
        else:
            uneven_known = 0
        skips[number] = _skips(subject, number, branches) & ~uneven_known


def _skips(subject: Subject, number: int, branches: list[int]) -> int:
    """The units whose condition, coming out false, leads to this unit's being skipped."""
    unit = subject.units[number]
    own = 1 << number if unit.when is not None else 0
    if unit.join == "always":
        return own
    conditions = [subject.sound_edges[edge].when is not None for edge in subject.topology.incoming[number]]
    if unit.join == "any":
        return own | (1 << number if conditions and all(conditions) else 0) | _common(branches)
    return own | (1 << number if any(conditions) else 0) | _union(branches)


def _union(branches: list[int]) -> int:
    union = 0
    for branch in branches:
        union |= branch
    return union


def _common(branches: list[int]) -> int:
    common = -1
    for branch in branches:
        common &= branch
    return common if branches else 0


def _says_join(subject: Subject, number: int) -> bool:
    written = subject.value_at(subject.units[number].path)
    return isinstance(written, dict) and "join" in written


def _tell(subject: Subject, report: Report, number: int, skipped: int) -> None:
    unit, cause = subject.units[number], subject.topology.ids[skipped]
    report.warning("skipped-join", f"'{unit.id}' is skipped whenever the condition of '{cause}' is false",
                   (*unit.path, "id"), "say join: any to run it all the same, or join: all to keep it so")
