"""S13 at the runner's level: 1,000 times `/bin/true`, two at a time, against `os.posix_spawn` by two threads.

Prints the ratio of medians, taken in turns in one process; the yardstick does the same work with nothing owned, nothing
read and nothing guarded.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from oe.net.processes import Processes
from oe.ports.process import Command

COUNT = 1000
CONCURRENCY = 2
ROUNDS = 5
TARGET_SECONDS = 1.3
TARGET_RATIO = 2.0
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


def main() -> int:
    """Prints figure, target and verdict; 1 where it falls short."""
    pairs = [(yardstick(), asyncio.run(_run_all())) for _ in range(ROUNDS)]
    floor, taken = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    ratio = median(pair[1] / pair[0] for pair in pairs)
    passes = ratio <= TARGET_RATIO
    print(f"S13 processes: {COUNT} x /bin/true in {taken:.2f}s (target {TARGET_SECONDS}s for the whole run), "
          f"floor {floor:.2f}s, ratio {ratio:.2f} (target {TARGET_RATIO}): {'pass' if passes else 'short'}")
    return 0 if passes else 1


if __name__ == "__main__":
    sys.exit(main())
