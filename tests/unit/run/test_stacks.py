"""Where threads are in their code, as SIGUSR1 prints it."""

from __future__ import annotations

import asyncio
import threading

from oe.run.stacks import MOST_THREADS, stack_lines
from oe.run.threads import DaemonThreads


def test_a_call_is_shown_where_it_is_without_the_threads_machinery() -> None:
    threads = DaemonThreads()
    begun, release = threading.Event(), threading.Event()

    def tool() -> list[str]:
        begun.set()
        release.wait(100)
        return stack_lines({threading.get_ident(): "work: tool.py"})

    async def main() -> list[str]:
        call = asyncio.create_task(threads.call(tool, "work: tool.py"))
        await asyncio.get_running_loop().run_in_executor(None, begun.wait)
        while "release.wait(100)" not in "\n".join(seen := stack_lines(threads.busy())):
            await asyncio.sleep(0)  # it has begun, and is not there yet
        release.set()
        await call
        return seen

    lines = asyncio.run(main())
    at = lines.index("stack of work: tool.py, innermost last:")
    assert f"{__file__}:" in lines[at + 1]
    assert lines[at + 1].endswith("in tool: release.wait(100)")
    assert not [line for line in lines[at:] if "/oe/run/" in line]


def test_a_loop_that_is_at_work_is_shown() -> None:
    lines = stack_lines({})
    assert lines[0] == "stack of the event loop, innermost last:"
    assert "in test_a_loop_that_is_at_work_is_shown: lines = stack_lines({})" in "\n".join(lines)


def test_very_many_threads_are_counted() -> None:
    assert stack_lines({-number: "gone" for number in range(1, 40)})[-1] == f"... {40 - MOST_THREADS} more threads"
