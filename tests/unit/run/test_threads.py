"""Daemon threads for blocking calls: results, contexts, what is abandoned, how many there are."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from oe.run import threads as module
from oe.run.threads import DaemonThreads

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    async def bounded() -> T:
        return await asyncio.wait_for(coroutine, 200)

    return asyncio.run(bounded())


def ours() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "oe-thread"}


def test_a_result_and_an_error_come_back() -> None:
    threads = DaemonThreads()

    async def main() -> None:
        assert await threads.call(lambda: 6 * 7, "six") == 42
        with pytest.raises(ZeroDivisionError):
            await threads.call(lambda: 1 // 0, "bad")
        assert await threads.call(lambda: "again", "after") == "again"

    run(main())


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), StopIteration(), asyncio.CancelledError()])
def test_what_would_mean_another_thing_on_the_loop_becomes_an_ordinary_error(error: BaseException) -> None:
    def fails() -> None:
        raise error

    async def main() -> None:
        with pytest.raises(RuntimeError, match=type(error).__name__) as caught:
            await DaemonThreads().call(fails, "fails")
        assert caught.value.__cause__ is error

    run(main())


def test_the_callers_context_is_seen_and_not_changed() -> None:
    variable = contextvars.ContextVar("variable", default="none")

    def look() -> str:
        seen = variable.get()
        variable.set("changed in the thread")
        return seen

    async def main() -> None:
        variable.set("mine")
        assert await DaemonThreads().call(look, "look") == "mine"
        assert variable.get() == "mine"

    run(main())


def test_calls_run_beside_each_other_up_to_the_bound_and_no_further() -> None:
    threads = DaemonThreads(most=3)
    barrier = threading.Barrier(3)

    async def main() -> None:
        await asyncio.gather(*(threads.call(lambda: barrier.wait(100), f"call {number}") for number in range(9)))

    before = ours()  # those of other tests may end meanwhile
    run(main())
    assert len(ours() - before) == 3


def test_threads_are_used_again() -> None:
    threads = DaemonThreads()

    async def main() -> set[int]:
        return {await threads.call(threading.get_ident, "who") for _ in range(50)}

    assert len(run(main())) == 1


def test_a_cancelled_call_returns_at_once_and_is_named_until_it_ends() -> None:
    threads = DaemonThreads(most=1)
    started, release = threading.Event(), threading.Event()
    workers: list[threading.Thread] = []

    def stuck() -> None:
        workers.append(threading.current_thread())
        started.set()
        release.wait(100)

    async def main() -> None:
        task = asyncio.create_task(threads.call(stuck, "name lookup"))
        await asyncio.get_running_loop().run_in_executor(None, started.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert threads.abandoned() == ["name lookup"]
        assert threads.busy() == {workers[0].ident: "name lookup"}
        assert await threads.call(lambda: "free", "next") == "free"  # its place is not lost, though there is but one

    run(main())
    release.set()
    workers[0].join(100)
    assert threads.abandoned() == []
    assert threads.busy() == {}


def test_a_call_that_waits_gets_the_place_of_one_that_never_returns() -> None:
    threads = DaemonThreads(most=1)
    started, release = threading.Event(), threading.Event()

    async def main() -> str:
        stuck = asyncio.create_task(threads.call(lambda: (started.set(), release.wait(100)), "stuck"))
        waiting = asyncio.create_task(threads.call(lambda: "came to it", "waiting"))
        await asyncio.get_running_loop().run_in_executor(None, started.wait)
        stuck.cancel()
        return await asyncio.wait_for(waiting, 100)

    assert run(main()) == "came to it"
    release.set()


def test_a_call_that_no_thread_could_be_had_for_is_never_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = DaemonThreads()
    ran: list[str] = []

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def main() -> None:
        with monkeypatch.context() as short:
            short.setattr(threading.Thread, "start", refuse)
            with pytest.raises(RuntimeError, match="new thread"):
                await threads.call(lambda: ran.append("told to have failed"), "first")
        await threads.call(lambda: ran.append("second"), "second")

    run(main())
    assert ran == ["second"]


def test_a_call_that_is_cancelled_while_it_waits_never_starts() -> None:
    threads = DaemonThreads(most=1)
    release = threading.Event()
    ran = []

    async def main() -> None:
        first = asyncio.create_task(threads.call(lambda: release.wait(100), "first"))
        second = asyncio.create_task(threads.call(lambda: ran.append(2), "second"))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert threads.abandoned() == []
        release.set()
        assert await first
        assert await threads.call(lambda: "third", "third") == "third"

    run(main())
    assert ran == []


def test_a_loop_that_has_gone_does_not_disturb_the_next() -> None:
    threads = DaemonThreads()
    started, release = threading.Event(), threading.Event()

    def stuck() -> None:
        started.set()
        release.wait(100)

    async def leave() -> None:
        task = asyncio.create_task(threads.call(stuck, "stuck"))
        await asyncio.get_running_loop().run_in_executor(None, started.wait)
        task.cancel()

    async def main() -> str:
        return await threads.call(lambda: "here", "next")

    run(leave())
    assert run(main()) == "here"
    release.set()


def test_the_interpreter_ends_without_waiting_for_a_stuck_call() -> None:
    script = (f"import sys; sys.path.insert(0, {str(Path(module.__file__).parents[2])!r})\n"
              "import asyncio, threading\nfrom oe.run.threads import DaemonThreads\n"
              "async def main():\n"
              "    started = threading.Event()\n"
              "    stuck = lambda: (started.set(), threading.Event().wait())\n"
              "    task = asyncio.create_task(threads.call(stuck, 'stuck'))\n"
              "    await asyncio.get_running_loop().run_in_executor(None, started.wait)\n"
              "    task.cancel()\n"
              "threads = DaemonThreads()\nasyncio.run(main())\nprint(threads.abandoned())\n")
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100, check=False)
    assert (ended.returncode, ended.stdout) == (0, "['stuck']\n"), ended.stderr


def test_two_hundred_waits_at_concurrency_fifty_take_four_rounds() -> None:
    """S5 at this level. None of a round comes back before fifty are there."""
    threads = DaemonThreads()
    rounds: list[int] = []
    together = threading.Barrier(50, action=lambda: rounds.append(len(rounds)))

    async def main() -> None:
        gate = asyncio.Semaphore(50)

        async def one() -> None:
            async with gate:
                await threads.call(lambda: together.wait(100), "wait")

        await asyncio.gather(*(one() for _ in range(200)))

    run(main())
    assert rounds == [0, 1, 2, 3]


def test_results_are_not_kept_alive_by_idle_threads() -> None:
    import gc
    import weakref

    class Result:
        pass

    async def main() -> weakref.ref[Result]:
        threads = DaemonThreads()
        result = await threads.call(Result, "make")
        kept = weakref.ref(result)
        del result
        await threads.call(lambda: None, "another")
        return kept

    kept = run(main())
    gc.collect()
    assert kept() is None
