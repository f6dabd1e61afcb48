"""What attempts have open at a moment: processes, later calls. Seen in snapshots, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

from oe.clock import Clock
from oe.errors import NodeError
from oe.ports.process import Command, Exit, ProcessRunner
from oe.redact import Redactor
from oe.spec.model import TaskKind

if TYPE_CHECKING:
    from oe.state.snapshot import Call


class OpenCalls:
    """The open calls of a run. `now` may be called from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = count()
        self._open: dict[int, tuple[str, TaskKind, str, float]] = {}

    @contextmanager
    def opened(self, slot: str, kind: TaskKind, name: str) -> Iterator[None]:
        """While it lasts, the slot has this call open."""
        number = next(self._numbers)
        self._open[number] = (slot, kind, name, self._clock.now())
        try:
            yield
        finally:
            del self._open[number]

    def now(self) -> tuple[Call, ...]:
        """Those that are open."""
        from oe.state.snapshot import Call, copied  # most runs are never looked at

        return tuple(Call(*call) for call in copied(lambda: list(self._open.values())))


class WatchedProcesses:
    """A ProcessRunner whose programs are seen in the tree of one slot, and whose command lines hold no secret: every
    user of the host can read them."""

    __slots__ = ("_calls", "_redactor", "_runner", "_slot")

    def __init__(self, runner: ProcessRunner, calls: OpenCalls, slot: str, redactor: Redactor) -> None:
        self._runner = runner
        self._calls = calls
        self._slot = slot
        self._redactor = redactor

    async def run(self, command: Command, on_stdout: Callable[[bytes], None], on_stderr: Callable[[bytes], None],
                  on_message: Callable[[bytes], None] | None = None) -> Exit:
        """See ProcessRunner. Raises NodeError for a secret in the command line."""
        if self._redactor and any(map(self._redactor.finds, command.argv)):
            raise NodeError("the command line holds a secret, which every user of this host could read in the list of "
                            "processes", name="SecretInCommand", retryable=False, code="secret-in-command",
                            hint="pass it in 'args', which a program reads from its standard input")
        program = command.argv[0].rpartition("/")[2] if command.argv else ""
        with self._calls.opened(self._slot, "cpu", program):
            return await self._runner.run(command, on_stdout, on_stderr, on_message)

    def close(self) -> None:
        """Nothing: the runner belongs to the run."""
