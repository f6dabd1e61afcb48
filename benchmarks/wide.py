"""S4, S5: nodes that need nothing from each other, doing nothing one at a time, and waiting fifty at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import yardstick
from benchmarks.chain import NODES, above_start, per_node
from benchmarks.graphs import independent, runs
from benchmarks.measure import Figure, in_turns, milliseconds
from benchmarks.startup import built_archive, one_node_runs

WAITING = 200
CONCURRENCY = 50
IDEAL_SECONDS = WAITING / CONCURRENCY * 0.05


def measure() -> Iterator[Figure]:
    """S4 against the same floor as the chain; S5 against the ideal, for tools in threads and for coroutines."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = built_archive(folder)
        start = one_node_runs(archive, folder / "one")
        for what, cache in (("cache: false", False), ("with cache files", True)):
            floor, one, took = in_turns(
                partial(yardstick.seconds, NODES, cache_files=cache), start,
                runs(archive, independent(NODES, "append", writes=True, cache=cache), folder / "wide"))
            yield Figure("S4", f"{NODES:,} independent nodes, {what}", above_start(took, one, floor), "× floor", 2.0,
                         detail=f"{milliseconds(took)}, S1 {milliseconds(one)}, floor {milliseconds(floor)}; "
                                f"{per_node(took, one)}")
        for what, function in (("def", "wait"), ("async def", "wait_async")):
            one, took = in_turns(start, runs(archive, independent(WAITING, function), folder / "waiting",
                                             "--concurrency", str(CONCURRENCY)))
            beyond = median(whole - first for whole, first in zip(took, one, strict=True))
            yield Figure("S5", f"{WAITING} nodes of 50 ms, {CONCURRENCY} at once, {what}", beyond / IDEAL_SECONDS,
                         "× ideal", 1.5, detail=f"{milliseconds(took)}, S1 {milliseconds(one)}")
