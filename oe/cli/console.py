"""The streams of one command: results to stdout, everything else to stderr."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

from oe.diagnostics import Problem
from oe.text import neutralise
from oe.values import Json

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}


class Console:
    """What a command reads and writes. Colours only on a terminal and without NO_COLOR."""

    def __init__(self, stdin: TextIO, stdout: TextIO, stderr: TextIO, environment: Mapping[str, str] | None = None) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.environment = os.environ if environment is None else environment
        self.is_terminal = _is_terminal(stderr)
        self.has_colour = (self.is_terminal and not self.environment.get("NO_COLOR")
                           and self.environment.get("TERM") != "dumb")

    def result(self, text: str) -> None:
        """A line of the command's result."""
        self.stdout.write(text + "\n")

    def result_json(self, value: Json, *, indent: int | None = 2) -> None:
        """The command's result as JSON."""
        import json

        self.stdout.write(json.dumps(value, ensure_ascii=False, indent=indent) + "\n")

    def note(self, text: str) -> None:
        """A line for the person at the terminal."""
        self.stderr.write(text + "\n")

    def paint(self, text: str, colour: str) -> str:
        """The text in a colour where stderr has colours."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.has_colour else text

    def problem(self, problem: Problem) -> None:
        """One problem with its position and hint."""
        where = f"{problem.span}: " if problem.span else ""
        severity = self.paint(problem.severity, "red" if problem.severity == "error" else "yellow")
        self.note(f"{neutralise(where)}{severity}: {neutralise(problem.message)} [{problem.code}]")
        if problem.hint:
            self.note(f"    hint: {neutralise(problem.hint)}")


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:
        return False
