"""A graph as a list for the terminal, by depth. Pure."""

from __future__ import annotations

from oe.render.graph_value import Arrow, DrawnUnit, Outline, facts
from oe.render.tables import table
from oe.text import clip, neutralise, plural

_HEADER = ("DEPTH", "UNIT", "KIND", "DETAILS")
_LONGEST_FACT = 60
_MOST_NEEDS = 6


def graph_lines(outline: Outline) -> list[str]:
    """A line for every unit and every stage or body node, and one that counts."""
    incoming: dict[str, list[Arrow]] = {}
    for arrow in outline.arrows:
        incoming.setdefault(arrow.target, []).append(arrow)
    rows: list[list[str]] = []
    for unit in sorted(outline.units, key=lambda unit: unit.depth):
        rows.append([str(unit.depth), unit.id, unit.kind, _details(unit, outline, incoming.get(unit.id, []))])
        rows += [["", f"  {each.id}", each.kind, _place(unit, number)] for number, each in enumerate(unit.members)]
    counts = f"{plural(len(outline.units), 'unit')}, {plural(len(outline.arrows), 'edge')}"
    return [neutralise(f"{outline.name} {outline.version}: {counts}"), "", *table(_HEADER, rows, right=frozenset({0}))]


def _details(unit: DrawnUnit, outline: Outline, incoming: list[Arrow]) -> str:
    parts = [clip(fact, _LONGEST_FACT) for fact in facts(unit)]
    if incoming:
        parts.append(f"needs {_needs(incoming)}")
    if unit.phase is not None:
        parts.append(f"phase {outline.phases.get(unit.phase, unit.phase)}")
    return "; ".join(parts)


def _needs(incoming: list[Arrow]) -> str:
    shown = [arrow.source if arrow.when is None else f"{arrow.source} (when {clip(arrow.when, _LONGEST_FACT)})"
             for arrow in incoming[:_MOST_NEEDS]]
    more = len(incoming) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _place(unit: DrawnUnit, number: int) -> str:
    return f"stage {number + 1}" if unit.type == "pipeline" else f"step {number + 1} of the body"
