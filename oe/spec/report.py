"""Where the front end puts what it finds: problems with positions, in the order of the text, each once."""

from __future__ import annotations

from collections.abc import Iterable

from oe.diagnostics import Problem, Severity, Span
from oe.lang.document import Document, Path
from oe.text import clip, neutralise

_LONGEST = 600
"""Characters of a message; longer ones quote something that nobody reads to the end."""


_MOST_INSIDE = 100
"""Problems told of one text; to find where in it one stands, it is walked from its beginning."""


class Report:
    """Collects problems of one document. A position is a path into it; `key` means the key there, `inside` an offset
    into the text there."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._problems: dict[Problem, None] = dict.fromkeys(document.warnings)
        self._inside: dict[Path, int] = {}

    @property
    def has_errors(self) -> bool:
        """Whether anything so far keeps the experience from being built."""
        return any(problem.severity == "error" for problem in self._problems)

    def error(self, code: str, message: str, path: Path, hint: str | None = None, *, key: bool = False,
              inside: int | None = None) -> None:
        """Something that must be mended before anything can run."""
        if self._is_worth_telling(path, inside):
            self._add("error", code, message, self.span(path, key=key, inside=inside), hint)

    def warning(self, code: str, message: str, path: Path, hint: str | None = None, *, key: bool = False,
                inside: int | None = None) -> None:
        """Something that runs, but perhaps not as meant."""
        if self._is_worth_telling(path, inside):
            self._add("warning", code, message, self.span(path, key=key, inside=inside), hint)

    def add(self, problems: Iterable[Problem]) -> None:
        """Takes over problems that others found."""
        self._problems.update(dict.fromkeys(problems))

    def span(self, path: Path, *, key: bool = False, inside: int | None = None) -> Span:
        """The position of a part of the document."""
        if inside is not None:
            return self._document.span_inside(path, inside)
        return self._document.span(path, key=key)

    def line(self, path: Path) -> int:
        """The line of a part of the document, for messages that point at a second place."""
        return self._document.span(path).line

    def problems(self) -> list[Problem]:
        """Everything found, in the order of the text."""
        return sorted(self._problems, key=_place)

    def _is_worth_telling(self, path: Path, inside: int | None) -> bool:
        """Whether there are not yet very many problems inside the text at the path."""
        if inside is None:
            return True
        self._inside[path] = self._inside.get(path, 0) + 1
        return self._inside[path] <= _MOST_INSIDE

    def _add(self, severity: Severity, code: str, message: str, span: Span, hint: str | None) -> None:
        message = neutralise(clip(message, _LONGEST))
        self._problems[Problem(code, message, span, hint and neutralise(clip(hint, _LONGEST)), severity)] = None


def _place(problem: Problem) -> tuple[bool, str, int, int]:
    span = problem.span
    return (True, span.file, span.line, span.column) if span else (False, "", 0, 0)
