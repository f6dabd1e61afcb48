"""The error of a text inside a value: a reference, template, expression or pattern that is not of its form."""

from __future__ import annotations

from oe.errors import ExitCode, OeError
from oe.lang.document import Path


class LangError(OeError):
    """A fault at `offset` code points from the start of the text; `path` leads to the text where a value holds it."""

    code = "invalid-expression"
    exit_code = ExitCode.INVALID

    def __init__(self, message: str, offset: int = 0, hint: str | None = None, *, code: str | None = None) -> None:
        super().__init__(message, hint=hint, code=code)
        self.offset = offset
        self.path: Path = ()
