"""S11 for runs that go on: what looking through the finished items of an earlier part costs, in time and in memory."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.graphs import ENVIRONMENT
from benchmarks.measure import Figure, process_peak_bytes, process_seconds
from benchmarks.startup import built_archive, one_node_runs

SIZES = (10_000, 100_000)
ROUNDS = 3
EXPERIENCE = """\
name: measured
version: 1.0.0
args: {count: {type: integer}}
state: {schema: {numbers: {type: array}}}
graph:
  nodes:
    - {id: list, kind: tool, impl: ./tool.py:numbers, args: {count: $args.count}, writes: [numbers]}
    - {id: each, kind: tool, impl: ./tool.py:each, needs: [list], for_each: {source: $.numbers, concurrency: 64}}
    - {id: last, kind: tool, command: [test, -e, go], needs: [each]}
"""
TOOL = """\
def numbers(inputs):
    return {"numbers": list(range(inputs["count"]))}

async def each(inputs):
    pass
"""


def measure() -> Iterator[Figure]:
    """Time ratio over size ratio, start apart; memory an item."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = built_archive(folder)
        one = one_node_runs(archive, folder / "one")
        start = median(one() for _ in range(ROUNDS))
        places = [_interrupted(archive, folder / str(size), size) for size in SIZES]
        times = [median(_seconds(archive, place) for _ in range(ROUNDS)) - start for place in places]
        yield Figure("S11", f"finished items resumed, {SIZES[0]:,} to {SIZES[1]:,}",
                     times[1] / times[0] / (SIZES[1] / SIZES[0]), "× size", 1.3,
                     detail=f"{times[0]:.2f} s, {times[1]:.2f} s")
        few, many = (process_peak_bytes(_resume(archive, place), environment=ENVIRONMENT) for place in places)
        yield Figure("S11", "memory a finished item, its number in the list too", (many - few) / (SIZES[1] - SIZES[0]),
                     "bytes", 200, detail=f"{few / 1e6:.0f} MB, {many / 1e6:.0f} MB")


def _interrupted(archive: Path, place: Path, items: int) -> Path:
    """A run whose items have finished and whose last node failed; its data is kept beside it."""
    place.mkdir()
    (place / "experience.yaml").write_text(EXPERIENCE, encoding="utf-8")
    (place / "tool.py").write_text(TOOL, encoding="utf-8")
    run = [sys.executable, archive, "run", place, "--quiet", "--arg", f"count={items}"]
    done = subprocess.run(list(map(str, run)), env=ENVIRONMENT, capture_output=True, check=False)
    if done.returncode != 8:
        raise RuntimeError(f"exit code {done.returncode}, not that of a partial run: {done.stderr.decode()[-500:]}")
    (place / "go").touch()
    (place / ".openexpertise").rename(place / "kept")
    return place


def _seconds(archive: Path, place: Path) -> float:
    return process_seconds(_resume(archive, place), environment=ENVIRONMENT)


def _resume(archive: Path, place: Path) -> list[str | Path]:
    """The command line that goes on, with the data as the interrupted run left it."""
    shutil.rmtree(place / ".openexpertise", ignore_errors=True)
    shutil.copytree(place / "kept", place / ".openexpertise")
    return [sys.executable, archive, "resume", place, "--quiet"]
