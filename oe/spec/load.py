"""The front end's door: from a positioned document to the checked experience, with every problem at once."""

from __future__ import annotations

from collections.abc import Mapping

from oe.diagnostics import Problem
from oe.lang.document import Document
from oe.spec.build import build
from oe.spec.checks import CHECKS
from oe.spec.model import Experience
from oe.spec.reading import Reading
from oe.spec.report import Report
from oe.spec.sources import KindRules, SpecFiles
from oe.spec.subject import Subject


def build_experience(document: Document, kinds: Mapping[str, KindRules],
                     files: SpecFiles) -> tuple[Experience | None, list[Problem]]:
    """The experience, or None where it has errors; and all problems, errors and warnings, in the order of the text.

    Opens nothing itself: `$ref` schemas, prompts and the like are read through `files`.
    """
    report = Report(document)
    reading = Reading(report, kinds, files)
    experience = build(reading, document)
    if experience is not None:
        subject = Subject(experience, reading)
        for check in CHECKS:
            check(subject, report)
    problems = report.problems()
    return (None if report.has_errors else experience), problems
