"""The streams of one command: results to stdout, everything else to stderr."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TextIO

from oe.diagnostics import Problem
from oe.text import neutralise
from oe.values import Json

_STEERING = "[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
"""What JSON may hold as it is, but a terminal would obey or could not show."""

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}


class Console:
    """What a command reads and writes. Colours only on a terminal and without NO_COLOR; a line can be rewritten
    (`is_rewritable`: on stderr, `is_result_rewritable`: on stdout) on a terminal that obeys, as a dumb one does not."""

    def __init__(self, stdin: TextIO, stdout: TextIO, stderr: TextIO,
                 environment: Mapping[str, str] | None = None) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.environment = os.environ if environment is None else environment
        self.is_terminal = is_terminal(stderr)
        self.secrets: list[str] = []
        is_dumb = self.environment.get("TERM") == "dumb"
        self.is_rewritable = self.is_terminal and not is_dumb
        self.is_result_rewritable = is_terminal(stdout) and not is_dumb
        is_coloured = not self.environment.get("NO_COLOR")
        self.has_colour = self.is_rewritable and is_coloured
        self.has_result_colour = self.is_result_rewritable and is_coloured

    def result(self, text: str) -> None:
        """A line of the command's result."""
        self.stdout.write(text + "\n")

    def result_json(self, value: Json, *, indent: int | None = 2) -> None:
        """The command's result as JSON."""
        import json

        self.stdout.write(harmless_json(json.dumps(value, ensure_ascii=False, indent=indent)) + "\n")

    def note(self, text: str) -> None:
        """A line for the person at the terminal."""
        self.show(text + "\n")

    def show(self, text: str) -> None:
        """Text for the person at the terminal. Where nobody can be told (the reader went away, the disk is full, a tool
        has closed the descriptor) nobody is: what the command does and its exit code stay what they are."""
        with suppress(OSError, ValueError):
            self.stderr.write(text)
            self.stderr.flush()

    def traceback(self, text: str) -> None:
        """A traceback, whose messages may quote anything: without the secrets that are known, and harmless."""
        from oe.redact import Redactor, secrets_of  # only where all else has failed

        blanked = Redactor([*secrets_of(self.environment), *self.secrets]).text(text.rstrip())
        self.note(neutralise(blanked))

    def paint(self, text: str, colour: str) -> str:
        """The text in a colour where stderr has colours."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.has_colour else text

    def paint_result(self, text: str, colour: str) -> str:
        """The text in a colour where stdout has colours."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.has_result_colour else text

    def problem(self, problem: Problem) -> None:
        """One problem with its position and hint."""
        where = f"{problem.span}: " if problem.span else ""
        severity = self.paint(problem.severity, "red" if problem.severity == "error" else "yellow")
        self.note(f"{neutralise(where)}{severity}: {neutralise(problem.message)} [{problem.code}]")
        if problem.hint:
            self.note(f"    hint: {neutralise(problem.hint)}")


def harmless_json(text: str) -> str:
    """The same JSON value in a text that cannot steer a terminal."""
    if text.isascii() and "\x7f" not in text:
        return text
    return re.sub(_STEERING, lambda match: f"\\u{ord(match[0]):04x}", text)


def is_terminal(stream: TextIO) -> bool:
    """Whether a person sees what is written to the stream; False for a closed one."""
    try:
        return stream.isatty()
    except ValueError:
        return False
