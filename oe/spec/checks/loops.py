"""Every loop has a bound."""

from __future__ import annotations

from oe.spec.report import Report
from oe.spec.subject import Subject


def check(subject: Subject, report: Report) -> None:
    """At least one of `until`, `max_iters` and `budget`; `until` alone may never come true."""
    for loop in subject.experience.loops.values():
        if loop.id in subject.gaps.nodes or loop.max_iters is not None or loop.budget is not None:
            continue
        if loop.until is not None:
            report.warning("loop-without-limit", f"loop '{loop.id}' ends only when 'until' comes true", loop.path,
                           "add max_iters or budget as a limit")
        elif not subject.gaps.conditions:
            report.error("endless-loop", f"loop '{loop.id}' has no bound", loop.path, "add until, max_iters or budget")
