"""What one reading of a text shares: the text, the places found, the problems, the depth. Knows no syntax."""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from oe.diagnostics import Problem, Severity
from oe.errors import SpecError
from oe.lang.document import Places, Positions
from oe.lang.source import MAX_DEPTH
from oe.text import clip, neutralise
from oe.values import Json

MAX_PROBLEMS = 100
"""Problems, or warnings, that are collected: one fault made ten thousand times is told often enough."""


class Shared(NamedTuple):
    """A value that has an anchor; `size` and `depth` with everything its own aliases stand for."""

    value: Json
    size: int
    depth: int


class Reading:
    """One pass over a text. `text` ends with a line feed and has no carriage return; offsets count into it."""

    __slots__ = ("depth", "expansion", "measured", "merged", "name", "open_end", "places", "positions", "problems",
                 "shared", "text", "warnings")

    def __init__(self, text: str, name: str, *, open_end: bool = False) -> None:
        self.text = text
        self.name = name
        self.open_end = open_end
        """Whether the text ends without the line feed that was added to it."""
        self.positions = Positions(name, text)
        self.places: Places = {}
        self.depth = 0
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.shared: dict[str, Shared | None] = {}
        """By anchor; None while the anchored value is being read."""
        self.measured: dict[int, tuple[int, int]] = {}
        self.expansion = 0
        self.merged: dict[int, tuple[dict[str, Json], set[str]]] = {}
        """By id of a mapping with `<<`: the mapping, and those of its keys that came by it."""

    def enter(self, offset: int) -> None:
        """Open a collection."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail("yaml-depth", offset, f"nested deeper than {MAX_DEPTH} levels")

    def fail(self, code: str, offset: int, message: str, hint: str | None = None) -> NoReturn:
        """End the reading: nothing after this point can be told for sure."""
        self.problems.append(self._problem(code, offset, message, hint, "error"))
        self.refuse()

    def report(self, code: str, offset: int, message: str, hint: str | None = None) -> None:
        """A fault after which the rest can still be read."""
        self.problems.append(self._problem(code, offset, message, hint, "error"))
        if len(self.problems) >= MAX_PROBLEMS:
            self.refuse()

    def refuse(self) -> NoReturn:
        """Tell the problems in the order of the text."""
        raise SpecError(sorted(self.problems, key=lambda problem: problem.span or ()))

    def warn(self, code: str, offset: int, message: str, hint: str | None = None) -> None:
        """Something read as YAML says, but perhaps not as it was meant."""
        if len(self.warnings) < MAX_PROBLEMS:
            self.warnings.append(self._problem(code, offset, message, hint, "warning"))

    def withdraw(self, offset: int) -> None:
        """Take back the warning about a value that turned out to be the first line of a longer one."""
        if self.warnings and self.warnings[-1].span == self.positions.span(offset):
            self.warnings.pop()

    def _problem(self, code: str, offset: int, message: str, hint: str | None, severity: Severity) -> Problem:
        return Problem(code, message, self.positions.span(offset), hint, severity)


def shown(text: str) -> str:
    """A piece of the text as messages show it."""
    return f"'{neutralise(clip(text, 60))}'"
