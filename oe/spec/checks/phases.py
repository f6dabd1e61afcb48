"""Phases that are named are declared, where the experience declares any."""

from __future__ import annotations

from oe.spec.model import Unit
from oe.spec.report import Report
from oe.spec.subject import Subject


def check(subject: Subject, report: Report) -> None:
    """`phase` of nodes, pipelines and loops."""
    experience = subject.experience
    if not experience.phases or subject.gaps.phases:
        return
    units: list[Unit] = [*experience.nodes.values(), *experience.pipelines.values(), *experience.loops.values()]
    for unit in units:
        if unit.phase is not None and unit.phase not in experience.phases:
            hint = subject.near(unit.phase, experience.phases) or f"phases: {', '.join(experience.phases)}"
            report.error("unknown-phase", f"phase '{unit.phase}' is not declared under 'phases'",
                         (*unit.path, "phase"), hint)
