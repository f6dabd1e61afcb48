"""The graph has no cycles."""

from __future__ import annotations

from oe.spec.report import Report
from oe.spec.subject import Subject

_MOST_SHOWN = 12


def check(subject: Subject, report: Report) -> None:
    """Prints one cycle, at its last edge in the file."""
    cycle = subject.topology.find_cycle()
    if cycle is None:
        return
    pairs = set(zip(cycle, [*cycle[1:], cycle[0]], strict=True))
    last = [edge for edge in subject.sound_edges if (edge.source, edge.target) in pairs][-1]
    shown = [*cycle, cycle[0]] if len(cycle) <= _MOST_SHOWN else [*cycle[:_MOST_SHOWN - 2], "…", cycle[-1], cycle[0]]
    report.error("cycle", f"these units wait for each other: {' -> '.join(shown)}", last.path,
                 "take one of these edges out, or use a loop")
