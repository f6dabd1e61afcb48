"""A graph as it is drawn: what the renderers take, whatever they make of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from oe.values import JsonObject


class Member(NamedTuple):
    """A stage of a pipeline, or a node of a loop's body."""

    id: str
    kind: str


class DrawnUnit(NamedTuple):
    """A node, pipeline or loop. `depth` is the length of the longest way to it; `source` is the list of a fan-out or
    pipeline as written; `when`, `until` are the texts of conditions."""

    id: str
    type: Literal["node", "pipeline", "loop"]
    kind: str
    depth: int
    phase: str | None
    join: str
    when: str | None
    source: str | None
    until: str | None
    max_iters: int | None
    members: tuple[Member, ...]


class Arrow(NamedTuple):
    """An edge between units."""

    source: str
    target: str
    when: str | None


class Outline(NamedTuple):
    """A whole graph; `units` in an order in which they could run, `phases` titles by id in the order of the file."""

    name: str
    version: str
    phases: Mapping[str, str]
    units: Sequence[DrawnUnit]
    arrows: Sequence[Arrow]


def facts(unit: DrawnUnit) -> list[str]:
    """What there is to say of a unit beside its name and kind."""
    found = []
    if unit.source is not None:
        found.append(f"{'items' if unit.type == 'pipeline' else 'for each'} {unit.source}")
    if unit.until is not None:
        found.append(f"until {unit.until}")
    if unit.max_iters is not None:
        found.append(f"at most {unit.max_iters} times")
    if unit.when is not None:
        found.append(f"when {unit.when}")
    if unit.join != "all":
        found.append(f"join {unit.join}")
    return found


def by_phase(outline: Outline) -> Iterator[tuple[str | None, str, list[DrawnUnit]]]:
    """Phase id, title and units: those without a phase first, then each phase that has any."""
    found: dict[str | None, list[DrawnUnit]] = {None: [], **{phase: [] for phase in outline.phases}}
    for unit in outline.units:
        found.setdefault(unit.phase, []).append(unit)
    for phase, units in found.items():
        if units:
            yield phase, outline.phases.get(phase, phase) if phase is not None else "", units


def as_object(outline: Outline) -> JsonObject:
    """The graph as it stands in `--json`."""
    return {
        "name": outline.name, "version": outline.version,
        "phases": [{"id": phase, "title": title} for phase, title in outline.phases.items()],
        "nodes": [{
            "id": unit.id, "type": unit.type, "kind": unit.kind, "depth": unit.depth, "phase": unit.phase,
            "join": unit.join, "when": unit.when, "source": unit.source, "until": unit.until,
            "max_iters": unit.max_iters, "members": [{"id": each.id, "kind": each.kind} for each in unit.members],
        } for unit in outline.units],
        "edges": [{"from": arrow.source, "to": arrow.target, "when": arrow.when} for arrow in outline.arrows],
    }
