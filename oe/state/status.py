"""The one rule for the status of a run (docs/reference/semantics.md), independent of concurrency."""

from __future__ import annotations

from typing import Literal, TypeAlias

from oe.errors import ExitCode

RunStatus: TypeAlias = Literal["running", "success", "partial", "failed", "cancelled", "parked", "interrupted"]
OutcomeStatus: TypeAlias = Literal["success", "failed", "retrying", "skipped", "cancelled"]
StopReason: TypeAlias = Literal["fail_run", "deadline", "user", "hangup", "terminated", "budget", "fault"]
"""Why a run did not go to its end."""

_STOPPED: dict[StopReason, RunStatus] = {
    "fail_run": "failed", "deadline": "failed", "budget": "failed", "fault": "failed",
    "user": "cancelled", "hangup": "cancelled", "terminated": "cancelled",
}

_EXIT_OF_STATUS: dict[RunStatus, ExitCode] = {
    "success": ExitCode.SUCCESS, "partial": ExitCode.PARTIAL, "failed": ExitCode.FAILED,
    "cancelled": ExitCode.CANCELLED, "parked": ExitCode.PARKED, "interrupted": ExitCode.FAILED,
    "running": ExitCode.FAILED,
}

_EXIT_OF_REASON: dict[str, ExitCode] = {
    "budget": ExitCode.BUDGET, "hangup": ExitCode.HANGUP, "terminated": ExitCode.TERMINATED,
    "fault": ExitCode.INTERNAL,
}


def run_status(*, failed: int, finished: int, blocked: int, stopped: StopReason | None) -> RunStatus:
    """The status of a run that has ended.

    `failed` counts failed units, `finished` those that finished (units with join `always` apart), `blocked` those that
    could never be decided.
    """
    if stopped is not None:
        return _STOPPED[stopped]
    if blocked:
        return "failed"
    if not failed:
        return "success"
    return "partial" if finished else "failed"


def exit_code(status: RunStatus, reason: str | None) -> ExitCode:
    """The process exit code of a run: by the reason where one decides (budget, hang-up), else by the status."""
    if reason in _EXIT_OF_REASON and status != "success":
        return _EXIT_OF_REASON[reason]
    return _EXIT_OF_STATUS[status]
