"""What can go wrong, as types: user faults carry one sentence, a hint and an exit code; everything else is a bug."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from oe.diagnostics import Problem


class ExitCode(IntEnum):
    """The process exit codes; the table in `oe --help` and the reference is made from this class."""

    SUCCESS = 0
    FAILED = 1
    USAGE = 2
    INVALID = 3
    PARKED = 4
    NOT_FOUND = 5
    ALREADY_RUNNING = 6
    BUDGET = 7
    PARTIAL = 8
    INTERNAL = 70
    HANGUP = 129
    CANCELLED = 130
    TERMINATED = 143


EXIT_MEANINGS: dict[ExitCode, str] = {
    ExitCode.SUCCESS: "success",
    ExitCode.FAILED: "run failed",
    ExitCode.USAGE: "wrong usage",
    ExitCode.INVALID: "invalid experience",
    ExitCode.PARKED: "parked, waiting for a signal or a time",
    ExitCode.NOT_FOUND: "not found",
    ExitCode.ALREADY_RUNNING: "already running",
    ExitCode.BUDGET: "budget spent",
    ExitCode.PARTIAL: "partial: some units failed, some finished",
    ExitCode.INTERNAL: "a fault of oe itself",
    ExitCode.HANGUP: "hang-up",
    ExitCode.CANCELLED: "cancelled or interrupted",
    ExitCode.TERMINATED: "terminated",
}


class OeError(Exception):
    """A fault that the user can mend: `message` says what and where, `hint` the next step."""

    code = "error"
    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str | None = None, code: str | None = None,
                 exit_code: ExitCode | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code
        if exit_code is not None:
            self.exit_code = exit_code


class SpecError(OeError):
    """A text that is not what it should be: every problem found, each with its position."""

    code = "invalid-spec"
    exit_code = ExitCode.INVALID

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UsageError(OeError):
    """The command line, or a call of the library, is not of the documented form."""

    code = "usage"
    exit_code = ExitCode.USAGE


def expect(is_fit: bool, what: str, found: object) -> None:
    """Raises UsageError for an argument of a call that is not fit, and says what it should be."""
    if not is_fit:
        raise UsageError(f"{what}, found {found!r}")


class NotFoundError(OeError):
    """A run, node, field or file that was named does not exist."""

    code = "not-found"
    exit_code = ExitCode.NOT_FOUND


class AlreadyRunningError(OeError):
    """Another live process owns the run."""

    code = "already-running"
    exit_code = ExitCode.ALREADY_RUNNING


class SkippedError(OeError):
    """Nothing was done, as asked for: another run is going on (`--if-running skip`). Not a failure."""

    code = "skipped"
    exit_code = ExitCode.SUCCESS


class NodeError(OeError):
    """A node's attempt failed. `retryable` is False for deterministic faults (docs/reference/semantics.md, Failures).

    `name` is the failing error's class as shown in trees and logs (`TimeoutError`, `ValueError`).
    """

    code = "node-failed"

    def __init__(self, message: str, *, name: str = "NodeError", retryable: bool = True, hint: str | None = None,
                 code: str | None = None) -> None:
        super().__init__(message, hint=hint, code=code)
        self.name = name
        self.retryable = retryable


class StoreError(OeError):
    """The store cannot be read or written: a fault of the place, not of `oe`. What was committed is intact."""

    code = "store"
