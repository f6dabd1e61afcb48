"""S11: cost grows with the size and not faster: graphs of 100 to 10,000 nodes, journals, logs of a million events."""

from __future__ import annotations

import json
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.curves import Curve, drawing
from benchmarks.graphs import ENVIRONMENT, HEAD, NODE, chain, independent, written
from benchmarks.measure import Figure, process_seconds
from benchmarks.startup import built_archive, one_node_runs

SIZES = (1_000, 2_000, 5_000, 10_000)
LOG_SIZES = (100_000, 1_000_000)
ROUNDS = 3
WIDTH = 10


class Cost(NamedTuple):
    """Seconds of a process: by the clock, and of the processor, which other work on the machine disturbs less."""

    wall: float
    processor: float


def diamonds(nodes: int) -> str:
    """Layers of WIDTH nodes, each of which needs the whole layer before."""
    lines = []
    for number in range(nodes):
        layer = number // WIDTH
        needs = ", ".join(f"n{before}" for before in range((layer - 1) * WIDTH, layer * WIDTH)) if layer else ""
        rest = f"writes: [all], needs: [{needs}], cache: false"
        lines.append(NODE.format(number=number, function="append", rest=rest))
    return HEAD + "".join(lines)


def skips(nodes: int) -> str:
    """A chain whose first node is skipped by its condition, and all others with it."""
    lines = []
    for number in range(nodes):
        rest = "writes: [last], cache: false, " + (f"needs: [n{number - 1}]" if number else "when: '1 > 2'")
        lines.append(NODE.format(number=number, function="last", rest=rest))
    return HEAD + "".join(lines)


def small_diamonds(nodes: int) -> str:
    """Diamonds of four, one after the other."""
    lines = []
    for number in range(nodes):
        first = number - number % 4
        before = ([first - 1] if first else [], [first], [first], [first + 1, first + 2])[number % 4]
        rest = f"writes: [all], needs: [{', '.join(f'n{each}' for each in before)}], cache: false"
        lines.append(NODE.format(number=number, function="append", rest=rest))
    return HEAD + "".join(lines)


GRAPHS: dict[str, Callable[[int], str]] = {
    "chain of last_wins": chain,
    "independent nodes": lambda nodes: independent(nodes, "append", writes=True),
    "layers of ten": diamonds,
    "diamonds of four": small_diamonds,
    "chain that is skipped": skips,
}


def measure(svg: Path | None = None) -> Iterator[Figure]:
    """Time ratio over size ratio, start apart, for each graph and for reading a log. `svg` is where the curves of the
    graphs are to be drawn."""
    curves: dict[str, Curve] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = built_archive(folder)
        one = one_node_runs(archive, folder / "one")
        start = _cost(one)
        for what, graph in GRAPHS.items():
            costs = [_cost(partial(_run, archive, written(graph(size), folder / f"graph-{size}"))) for size in SIZES]
            curves[what] = [(size, (cost.processor - start.processor) / size * 1e6)
                            for size, cost in zip(SIZES, costs, strict=True)]
            yield _figure(what, [cost.wall - start.wall for cost in costs], SIZES)
        if svg is not None:
            svg.write_text(drawing("Processor time of a node in graphs of 1,000 to 10,000 nodes", curves),
                           encoding="utf-8")
        times = [_cost(partial(_inspect, archive, folder / "log", size)).wall - start.wall for size in LOG_SIZES]
        yield _figure("events inspected", times, LOG_SIZES)


def _cost(job: Callable[[], float]) -> Cost:
    """Of a job that runs one process: medians of some rounds."""
    walls, processors = [], []
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        walls.append(job())
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processors.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return Cost(median(walls), median(processors))


def _figure(what: str, times: list[float], sizes: tuple[int, ...]) -> Figure:
    value = times[-1] / times[0] / (sizes[-1] / sizes[0])
    return Figure("S11", f"{what}, {sizes[0]:,} to {sizes[-1]:,}", value, "× size", 1.3,
                  detail=f"{times[0]:.2f} s, {times[-1]:.2f} s")


def _run(archive: Path, place: Path) -> float:
    shutil.rmtree(place / ".openexpertise", ignore_errors=True)
    return process_seconds([sys.executable, archive, "run", place, "--quiet", "--concurrency", "4"],
                           environment=ENVIRONMENT)


def _inspect(archive: Path, folder: Path, events: int) -> float:
    """Shows a run whose log was filled up with progress of its node."""
    place = written(chain(1), folder)
    process_seconds([sys.executable, archive, "run", place, "--quiet", "--run-id", "big"], environment=ENVIRONMENT)
    log = place / ".openexpertise/runs/big.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines()
    record = json.loads(lines[1]) | {"type": "node.progress", "pct": 0.5, "message": "on it"}
    with log.open("w", encoding="utf-8") as file:
        file.writelines(_line(record, seq) for seq in range(1, events - len(lines) + 1))
        file.writelines(_line(json.loads(line), seq) for seq, line in enumerate(lines, events - len(lines) + 1))
    return process_seconds([sys.executable, archive, "inspect", "big", "-e", place], environment=ENVIRONMENT)


def _line(record: dict[str, object], seq: int) -> str:
    return json.dumps(record | {"seq": seq}, separators=(",", ":")) + "\n"
