"""S10: 200 calls of a model that answers after one second, all at once, against a local server; time and memory."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.graphs import ENVIRONMENT, run_arguments
from benchmarks.measure import ROOT, Figure, in_turns, milliseconds, process_peak_bytes, process_seconds
from benchmarks.model_server import SECONDS
from benchmarks.startup import built_archive, one_node_runs

CALLS = 200
ROUNDS = 5
MIB = 2**20
EXPERIENCE = """\
name: asking
version: 1.0.0
args:
  items: {type: array}
state:
  schema:
    said: {type: array, items: {type: string}, merge: array_append}
graph:
  nodes:
    - id: ask
      kind: agent
      prompt: "How is number {{ $item }}?"
      writes: [said]
      for_each: {source: $args.items, concurrency: 200}
"""


@contextmanager
def model_server() -> Iterator[int]:
    """The port of a server, for as long as the block lasts."""
    command = [sys.executable, "-m", "benchmarks.model_server"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline())


def asking(archive: Path, folder: Path, port: int, job: Callable[..., float]) -> Callable[[], float]:
    """A job: all calls in a run from nothing."""
    numbers = itertools.count()
    environment = {**ENVIRONMENT, "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1"}
    items = json.dumps({"items": list(range(CALLS))})

    def measured() -> float:
        place = folder / f"run-{next(numbers)}"
        place.mkdir(parents=True)
        (place / "experience.yaml").write_text(EXPERIENCE, encoding="utf-8")
        taken = job([*run_arguments(archive, place), "--llm", "openai:m", "--args", items, "--no-cache"],
                    environment=environment)
        shutil.rmtree(place)
        return taken

    return measured


def measure() -> Iterator[Figure]:
    """The whole process, start included, and its memory at its peak."""
    with tempfile.TemporaryDirectory() as name, model_server() as port:
        folder = Path(name)
        archive = built_archive(folder)
        start, took = in_turns(one_node_runs(archive, folder / "one"),
                               asking(archive, folder / "asking", port, process_seconds), rounds=ROUNDS)
        yield Figure("S10", f"{CALLS} calls of {SECONDS:g} s, all at once", median(took), "s", 1.5,
                     detail=f"{milliseconds(took)}, S1 {milliseconds(start)}")
        peak = asking(archive, folder / "asking", port, process_peak_bytes)
        yield Figure("S10", f"peak memory, {CALLS} calls at once", median(peak() for _ in range(3)) / MIB, "MiB", 120)
