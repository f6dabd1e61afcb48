"""What is drawn of a graph: every unit while a person can follow it, beyond that groups of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from oe.render.graph_value import DrawnUnit, Outline

MOST_UNITS = 100
"""Units that are drawn one by one."""

_LONGEST_LINES = 1500
_LONGEST_JOINTS = 150
_MOST_GROUPS = 60
_MOST_BANDS = 20


class Group(NamedTuple):
    """Units drawn as one box."""

    title: str
    units: Sequence[DrawnUnit]


class Joint(NamedTuple):
    """Edges from one group to another, by their places; `is_back` where it leads to an earlier group."""

    source: int
    target: int
    edges: int
    is_back: bool


def is_drawn_whole(outline: Outline) -> bool:
    """Whether the units can be drawn one by one: few, and not too much joined over many layers."""
    if len(outline.units) > MOST_UNITS:
        return False
    depth = {unit.id: unit.depth for unit in outline.units}
    return sum(depth[arrow.target] - depth[arrow.source] for arrow in outline.arrows) <= _LONGEST_LINES


def groups_of(outline: Outline) -> tuple[list[Group], list[Joint]]:
    """The phases, and bands of neighbouring depths for units without one; for all, where there are too many phases or a
    single one. In the order of their first unit, and what joins them; where that is too much to draw, without the
    joints that are implied by others or lead back."""
    phases = {unit.phase for unit in outline.units}
    use_phases = 2 <= len(phases) <= _MOST_GROUPS
    deepest = max((unit.depth for unit in outline.units), default=0)
    band = deepest // _MOST_BANDS + 1
    members: dict[str | int, list[DrawnUnit]] = {}
    group_of: dict[str, str | int] = {}
    for unit in outline.units:
        key = unit.phase if use_phases and unit.phase is not None else unit.depth // band
        group_of[unit.id] = key
        members.setdefault(key, []).append(unit)
    titles = [_title(key, band, outline.phases) for key in members]
    groups = [Group(title, units) for title, units in zip(titles, members.values(), strict=True)]
    place = {key: index for index, key in enumerate(members)}
    counts: dict[tuple[int, int], int] = {}
    for arrow in outline.arrows:
        pair = place[group_of[arrow.source]], place[group_of[arrow.target]]
        if pair[0] != pair[1]:
            counts[pair] = counts.get(pair, 0) + 1
    return groups, _drawn([Joint(*pair, edges, pair[0] > pair[1]) for pair, edges in counts.items()], len(groups))


def _drawn(joints: list[Joint], count: int) -> list[Joint]:
    """All joints, or of too many those that no longer way implies."""
    if sum(abs(joint.target - joint.source) for joint in joints) <= _LONGEST_JOINTS:
        return joints
    reached = [0] * count  # for each group a mask of those that lead to it, over any way
    kept: list[Joint] = []
    for joint in sorted(joints, key=lambda joint: (joint.target, -joint.source)):
        if not joint.is_back and not reached[joint.target] >> joint.source & 1:
            reached[joint.target] |= reached[joint.source] | 1 << joint.source
            kept.append(joint)
    return kept


def _title(key: str | int, band: int, phases: Mapping[str, str]) -> str:
    if isinstance(key, str):
        return phases.get(key, key)
    first, last = key * band, key * band + band - 1
    return f"depth {first}" if first == last else f"depth {first} to {last}"
