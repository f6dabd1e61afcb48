"""Running other programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol


class Command(NamedTuple):
    """One program to run. `environment` is complete: nothing is inherited, and only OE_OWNER is added to it. `stdin` is
    written, then closed."""

    argv: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    stdin: bytes = b""
    grace_seconds: float = 5.0


class Exit(NamedTuple):
    """How it ended: exit code, or minus the signal's number."""

    code: int


class ProcessRunner(Protocol):
    """Runs programs as owned process groups.

    The program leads its own session. When `run` returns or is cancelled, nothing of its group is left: on a normal end
    what it leaves behind is killed; on cancellation the group gets TERM, `grace_seconds`, KILL, and `run` returns only
    after the leader is reaped; a second cancellation kills at once. If this very process is killed, a guard ends the
    groups that it leaves. A program that makes a session of its own has left its group and is not followed. One that
    cannot be started raises NodeError (not retryable) that names it.
    """

    async def run(self, command: Command, on_stdout: Callable[[bytes], None], on_stderr: Callable[[bytes], None],
                  on_message: Callable[[bytes], None] | None = None) -> Exit:
        """Runs to the end, feeding output as it comes. `on_message` receives what is written to the descriptor named in
        the variable `OE_MESSAGE_FD`, which exists only where `on_message` is given. A sink that raises ends the program
        as a cancellation would, and the error is raised from here. What a program that is left behind writes after the
        leader's end may be lost. Sinks are called on the loop and must not block."""

    def close(self) -> None:
        """Gives back what was held for running programs. Nothing is run after this."""
