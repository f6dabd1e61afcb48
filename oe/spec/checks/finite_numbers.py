"""Numbers are finite wherever they stand: a run could not even record a spec that holds another."""

from __future__ import annotations

from oe.spec.report import Report
from oe.spec.subject import Subject
from oe.values import compact, unfit_numbers


def check(subject: Subject, report: Report) -> None:
    """Comes last: where a number is refused already, for its key or its schema, that says more."""
    document = subject.experience.document
    try:
        compact(document.value)  # at the speed of C, and hardly ever in vain
    except ValueError:
        refused = {problem.span for problem in report.problems() if problem.severity == "error"}
        for path in unfit_numbers(document.value):
            if report.span(path) not in refused:
                report.error("not-finite", "a number that is infinite or no number: numbers are finite", path,
                             "write null, or quote it where a text is meant")
