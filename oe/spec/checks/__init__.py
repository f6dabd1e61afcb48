"""The checks on a whole experience, one a file. Order does not matter: each says only what it alone can see."""

from __future__ import annotations

from collections.abc import Callable

from oe.spec.checks import (
    caching,
    cycles,
    edges,
    fallback,
    fields,
    finite_numbers,
    inputs,
    joins,
    kinds,
    lists,
    loops,
    members,
    names,
    phases,
    prompts,
    references,
    unfilled,
    views,
    writers,
)
from oe.spec.report import Report
from oe.spec.subject import Subject

CHECKS: tuple[Callable[[Subject, Report], None], ...] = (
    edges.check,
    cycles.check,
    members.check,
    phases.check,
    loops.check,
    fields.check,
    references.check,
    lists.check,
    unfilled.check,
    prompts.check,
    views.check,
    writers.check,
    joins.check,
    fallback.check,
    inputs.check,
    caching.check,
    kinds.check,
    finite_numbers.check,
    names.check,
)
