"""What becomes of programs when the process that runs them is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from oe.net import processes as module
from oe.net.process_guard import ProcessGuard
from oe.net.processes import Processes
from oe.ports.process import Command
from tests.unit.net.children import ENVIRONMENT, Sink, run, wait_for_end

ORPHAN_MAKER = """
import asyncio, os, sys
sys.path.insert(0, {root!r})
from oe.net.processes import Processes
from oe.ports.process import Command
command = Command(("sh", "-c", {script!r}), "/", dict(os.environ))
asyncio.run(Processes(1).run(command, lambda chunk: os.write(1, chunk), print))
"""


@pytest.mark.parametrize("script", [
    "sleep 1000 & echo $$ $! ready; wait",
    "trap '' TERM; sleep 1000 & echo $$ $! ready; wait",
])
def test_a_kill_of_this_process_leaves_nothing_running(runner: Processes, script: str) -> None:
    source = ORPHAN_MAKER.format(root=str(Path(module.__file__).parents[2]), script=script)

    async def main() -> list[int]:
        out = Sink()
        task = asyncio.create_task(
            runner.run(Command((sys.executable, "-c", f"import os; print(os.getpid(), flush=True)\n{source}"), "/",
                               ENVIRONMENT), out, Sink()))
        await out.until(b"ready")
        pids = [int(pid) for pid in out.data.split()[:-1]]
        os.kill(pids[0], signal.SIGKILL)
        await task
        return pids[1:]

    for pid in run(main()):
        wait_for_end(pid)


def test_groups_that_have_ended_are_let_alone() -> None:
    guard = ProcessGuard(1)
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as bystander:
        guard.remove(guard.add(bystander.pid))
        guard.close()  # returns when the guard has ended
        assert bystander.poll() is None
        bystander.kill()


def test_places_are_used_again() -> None:
    guard = ProcessGuard()
    first = guard.add(os.getpid() + 100_000)
    guard.remove(first)
    assert guard.add(os.getpid() + 100_001) == first
    guard.remove(first)
    guard.close()
