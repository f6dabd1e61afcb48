"""The loop that scheduler tests run on: its time jumps, its order is shuffled by a seed, and it cannot hang."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

import pytest

from tests.support.jump_loop import JumpClock, NothingToWaitForError, outside_work, run


def test_an_hour_passes_at_once() -> None:
    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        clock = JumpClock(loop, start=100.0)
        await asyncio.sleep(3600)
        return loop.time(), clock.now()

    assert run(main()) == (pytest.approx(3600), pytest.approx(3700))


def test_timers_fire_in_the_order_of_their_times() -> None:
    seen = []

    async def at(seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append((seconds, asyncio.get_running_loop().time()))

    async def main() -> None:
        await asyncio.gather(*map(at, (5, 0.1, 3, 60)))

    run(main())
    assert seen == [(each, pytest.approx(each)) for each in (0.1, 3, 5, 60)]


def test_a_timeout_fires() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(30)


def test_a_thread_is_waited_for_and_costs_no_time() -> None:
    async def main() -> tuple[str, float]:
        release = threading.Event()
        asyncio.get_running_loop().call_soon(release.set)
        async with asyncio.timeout(3600):
            await asyncio.to_thread(release.wait)
        return threading.current_thread().name, asyncio.get_running_loop().time()

    assert run(main()) == ("MainThread", 0.0)


def test_announced_outside_work_is_waited_for() -> None:
    async def main() -> int:
        with outside_work():
            child = await asyncio.create_subprocess_exec(sys.executable, "-c", "raise SystemExit(7)")
            return await child.wait()

    assert run(main()) == 7


def test_a_file_descriptor_that_is_ready_comes_before_a_jump() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        reading, writing = os.pipe()
        came = asyncio.Event()
        loop.add_reader(reading, came.set)
        os.write(writing, b"x")
        await asyncio.wait_for(came.wait(), 10)
        loop.remove_reader(reading)
        os.close(reading)
        os.close(writing)
        return loop.time()

    assert run(main()) == 0.0


def test_a_wait_that_cannot_end_fails() -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    with pytest.raises(NothingToWaitForError, match="hang"):
        run(hang())


def test_endless_polling_fails() -> None:
    async def poll() -> None:
        while True:
            await asyncio.sleep(60)

    with pytest.raises(NothingToWaitForError, match="past 3600 seconds"):
        run(poll(), limit_seconds=3600)


def _order(seed: int | None) -> list[int]:
    seen: list[int] = []

    async def step(number: int) -> None:
        await asyncio.sleep(0)
        seen.append(number)

    async def main() -> None:
        await asyncio.gather(*map(step, range(8)))

    run(main(), seed=seed)
    assert sorted(seen) == list(range(8))
    return seen


def test_a_seed_shuffles_ready_tasks_the_same_way_each_time() -> None:
    assert _order(None) == list(range(8))
    assert [_order(seed) for seed in range(5)] == [_order(seed) for seed in range(5)]
    assert len({tuple(_order(seed)) for seed in range(20)}) > 10


def test_callbacks_keep_their_order_under_a_seed() -> None:
    async def main() -> list[int]:
        seen: list[int] = []
        for number in range(8):
            asyncio.get_running_loop().call_soon(seen.append, number)
        await asyncio.sleep(0.1)
        return seen

    assert all(run(main(), seed=seed) == list(range(8)) for seed in range(5))
