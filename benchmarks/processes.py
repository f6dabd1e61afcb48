"""S13: 1,000 times `/bin/true`, two at a time: the runner against bare `os.posix_spawn`, and a whole run of nodes.

The floor of the runner does the same work by two threads with nothing owned, nothing read and nothing guarded.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from benchmarks.graphs import programs, runs
from benchmarks.measure import Figure, in_turns, milliseconds, ratio
from benchmarks.startup import built_archive, one_node_runs
from oe.net.processes import Processes
from oe.ports.process import Command

COUNT = 1000
CONCURRENCY = 2
ROUNDS = 5
TARGET_SECONDS = 1.3
_ENVIRONMENT = {"PATH": os.environ["PATH"]}


def yardstick() -> float:
    """Seconds for the bare work."""
    def one(_: int) -> None:
        pid = os.posix_spawn("/bin/true", ["/bin/true"], _ENVIRONMENT)
        os.waitpid(pid, 0)

    with ThreadPoolExecutor(CONCURRENCY) as pool:
        started = time.perf_counter()
        list(pool.map(one, range(COUNT)))
        return time.perf_counter() - started


async def _run_all() -> float:
    processes = Processes()
    command = Command(("/bin/true",), "/", _ENVIRONMENT, b"{}\n")
    rest = iter(range(COUNT))

    async def worker() -> None:
        for _ in rest:
            assert (await processes.run(command, lambda _: None, lambda _: None)).code == 0

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
    taken = time.perf_counter() - started
    processes.close()
    return taken


def measure() -> Iterator[Figure]:
    """The runner alone, then the nodes with everything that is durable about them."""
    floor, taken = in_turns(yardstick, lambda: asyncio.run(_run_all()), rounds=ROUNDS)
    yield Figure("S13", f"{COUNT:,} x /bin/true by the runner", ratio(taken, floor), "× floor", 2.0,
                 detail=f"{milliseconds(taken)} against {milliseconds(floor)}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = built_archive(folder)
        one, took = in_turns(one_node_runs(archive, folder / "one"),
                             runs(archive, programs(COUNT), folder / "programs", "--concurrency", str(CONCURRENCY)),
                             rounds=ROUNDS)
        beyond = median(whole - start for whole, start in zip(took, one, strict=True))
        yield Figure("S13", f"{COUNT:,} nodes of /bin/true, {CONCURRENCY} at once", beyond, "s", TARGET_SECONDS,
                     detail=f"{beyond / median(floor):.2f} × floor; {milliseconds(took)}, S1 {milliseconds(one)}")
