"""S3, S6: a chain of 1,000 nodes that do nothing, all durable, against the floor that the promised durability costs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import yardstick
from benchmarks.graphs import ENVIRONMENT, chain, run_arguments, runs, written
from benchmarks.measure import Figure, in_turns, milliseconds, process_seconds
from benchmarks.startup import built_archive, one_node_runs

NODES = 1000


def above_start(took: list[float], start: list[float], floor: list[float]) -> float:
    """The median of the rounds' ratios: what a run took beyond starting, against the floor."""
    return median((whole - one) / below for whole, one, below in zip(took, start, floor, strict=True))


def per_node(took: list[float], start: list[float], nodes: int = NODES) -> str:
    """Microseconds a node beyond starting, for a figure's detail."""
    return f"{(median(took) - median(start)) / nodes * 1e6:.0f} µs a node"


def measure() -> Iterator[Figure]:
    """S3 without and with cache files, then S6: the same chain again with every result in the cache."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = built_archive(folder)
        start = one_node_runs(archive, folder / "one")
        for what, cache in (("cache: false", False), ("with cache files", True)):
            floor, one, took = in_turns(partial(yardstick.seconds, NODES, cache_files=cache), start,
                                        runs(archive, chain(NODES, cache=cache), folder / "chain"))
            yield Figure("S3", f"chain of {NODES:,} nodes, {what}", above_start(took, one, floor), "× floor", 2.0,
                         detail=f"{milliseconds(took)}, S1 {milliseconds(one)}, floor {milliseconds(floor)}; "
                                f"{per_node(took, one)}")
        place = written(chain(NODES, cache=True), folder / "again")
        arguments = run_arguments(archive, place)
        process_seconds(arguments, environment=ENVIRONMENT)
        floor, one, took = in_turns(lambda: yardstick.seconds(NODES), start,
                                    lambda: process_seconds(arguments, environment=ENVIRONMENT))
        yield Figure("S6", f"chain of {NODES:,} nodes, all cached", above_start(took, one, floor), "× floor", 0.8,
                     detail=f"{milliseconds(took)}, floor {milliseconds(floor)}; {per_node(took, one)}")
        shutil.rmtree(place)
