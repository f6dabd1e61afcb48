"""A problem with the line it is about and a caret beneath. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from oe.diagnostics import Problem, Span
from oe.text import neutralise, plural, width_of
from oe.values import JsonObject

_WORD = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s:,\[\]{}\"'#]+|.")
_LONGEST = 100
"""Columns of a source line that are shown, around the place."""

Paint = Callable[[str, str], str]
"""Text and colour to text: leaves it as it is where there are no colours."""


def problem_lines(problem: Problem, source: Sequence[str], paint: Paint) -> list[str]:
    """The problem in one line, then its source line with a caret, then its hint. `source` is empty where the file could
    not be read again."""
    span = problem.span
    where = f"{neutralise(str(span))}: " if span else ""
    severity = paint(problem.severity, "red" if problem.severity == "error" else "yellow")
    lines = [f"{where}{severity}: {neutralise(problem.message)} [{problem.code}]"]
    if span is not None and 0 < span.line <= len(source) and source[span.line - 1].strip():
        lines += _excerpt(source[span.line - 1], span)
    if problem.hint:
        lines.append(f"    hint: {neutralise(problem.hint)}")
    return lines


def as_object(problem: Problem) -> JsonObject:
    """The problem as it stands in `--json`."""
    span = problem.span
    return {"code": problem.code, "severity": problem.severity, "message": problem.message,
            "file": span.file if span else None, "line": span.line if span else None,
            "column": span.column if span else None, "hint": problem.hint}


def summary(problems: Sequence[Problem]) -> str:
    """`2 errors, 1 warning`."""
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    counts = [plural(errors, "error")] if errors else []
    return ", ".join([*counts, plural(warnings, "warning")] if warnings else counts)


def _excerpt(line: str, span: Span) -> list[str]:
    column = min(span.column - 1, len(line))
    word = _WORD.match(line, column)
    length = min(len(word[0]) if word else 1, _LONGEST // 2)
    start = max(0, column - _LONGEST // 2) if len(line) > _LONGEST else 0
    if _is_no_text(line[start:start + _LONGEST]):
        return []
    before, marked = _shown(line[start:column]), _shown(line[column:column + length])
    after = _shown(line[column + length:start + _LONGEST])
    margin = f"{span.line:>4} | "
    return [f"{margin}{before}{marked}{after}".rstrip(),
            f"{'':>4} | {' ' * width_of(before)}{'^' * max(1, width_of(marked))}"]


def _is_no_text(part: str) -> bool:
    """Whether so much of a line cannot be shown that the rest of it tells nobody anything: it is of a binary file."""
    strange = sum((not character.isprintable() and character != "\t") or character == "\ufffd" for character in part)
    return strange * 4 > len(part)


def _shown(text: str) -> str:
    return neutralise(text.replace("\t", " "))
