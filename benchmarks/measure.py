"""How every benchmark measures and answers: jobs in turns within one run, a ratio, its target, pass or short.

A time alone says more about the machine than about the program, so each figure is the median of the ratios of pairs
that were measured one after the other.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 7

PEAK_REPORTER = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
sys.exit(code)
"""
"""Linux counts ru_maxrss in KiB, macOS in bytes."""


class Figure(NamedTuple):
    """One measured figure of the table of docs/performance.md: at most `target`, unless `at_least`."""

    name: str
    what: str
    value: float
    unit: str
    target: float
    at_least: bool = False
    detail: str = ""

    @property
    def passes(self) -> bool:
        return self.value >= self.target if self.at_least else self.value <= self.target

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        verdict = "pass" if self.passes else "SHORT"
        detail = f"   ({self.detail})" if self.detail else ""
        return (f"{self.name:<5}{self.what:<44} {self.value:8.2f} {self.unit:<12} target {sign} {self.target:g}"
                f"   {verdict}{detail}")


def in_turns(*jobs: Callable[[], float], rounds: int = ROUNDS) -> list[list[float]]:
    """For each job its figures, one a round; the jobs take turns, and a first round that warms caches is thrown away.

    Every other round goes backwards, so that no job always follows the same one.
    """
    figures: list[list[float]] = [[] for _ in jobs]
    for number in range(rounds + 1):
        order = list(enumerate(jobs))
        for index, job in order if number % 2 == 0 else reversed(order):
            figure = job()
            if number:
                figures[index].append(figure)
    return figures


def ratio(measured: Sequence[float], floor: Sequence[float]) -> float:
    """The median of the ratios of the pairs."""
    return median(each / below for each, below in zip(measured, floor, strict=True))


def milliseconds(figures: Sequence[float]) -> str:
    """Median of seconds, for a figure's detail."""
    return f"{median(figures) * 1000:.1f} ms"


def process_seconds(arguments: Sequence[str | Path], *, cwd: Path | None = None,
                    environment: Mapping[str, str] | None = None) -> float:
    """The wall time of a whole process, its output thrown away. Raises RuntimeError unless it exits 0."""
    began = time.perf_counter()
    done = subprocess.run(list(map(str, arguments)), cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    seconds = time.perf_counter() - began
    _refuse_failure(arguments, done)
    return seconds


def process_peak_bytes(arguments: Sequence[str | Path], *, cwd: Path | None = None,
                       environment: Mapping[str, str] | None = None) -> int:
    """The peak memory of a whole process. Raises RuntimeError unless it exits 0.

    Measured by a small process between, because the peak of a child counts what its parent held when it was forked.
    """
    between = [sys.executable, "-I", "-S", "-c", PEAK_REPORTER, *map(str, arguments)]
    done = subprocess.run(between, cwd=cwd, env=environment, capture_output=True, check=False)
    _refuse_failure(arguments, done)
    return int(done.stdout)


def _refuse_failure(arguments: Sequence[str | Path], done: subprocess.CompletedProcess[bytes]) -> None:
    if done.returncode != 0:
        command = " ".join(map(str, arguments))
        raise RuntimeError(f"exit code {done.returncode} from {command}: {done.stderr.decode()[-500:]}")
