"""Real children for the tests of the process runner: started with a bound, awaited without sleeping."""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from oe.net.processes import Processes
from oe.ports.process import Command, Exit

T = TypeVar("T")
ENVIRONMENT = {"PATH": os.environ["PATH"]}
STUBBORN = "trap '' TERM; echo ready; while :; do sleep 1000; done"
"""Ignores TERM and never ends by itself."""


def sh(script: str, folder: str = "/", stdin: bytes = b"", grace_seconds: float = 5.0) -> Command:
    return Command(("sh", "-c", script), folder, ENVIRONMENT, stdin, grace_seconds)


class Sink:
    """Keeps what comes, and can be awaited until a text is in it."""

    def __init__(self) -> None:
        self.data = b""
        self._changed = asyncio.Event()

    def __call__(self, chunk: bytes) -> None:
        self.data += chunk
        self._changed.set()

    async def until(self, text: bytes) -> None:
        while text not in self.data:
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), 100)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    async def bounded() -> T:
        return await asyncio.wait_for(coroutine, 200)

    return asyncio.run(bounded())


def outcome(runner: Processes, command: Command) -> tuple[Exit, bytes, bytes]:
    async def main() -> tuple[Exit, bytes, bytes]:
        out, err = Sink(), Sink()
        return await runner.run(command, out, err), out.data, err.data

    return run(main())


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has reaped yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_for_end(pid: int) -> None:
    """Returns when the process has ended, at once where it is gone."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], 100)[0], f"process {pid} still runs"
    finally:
        os.close(descriptor)
