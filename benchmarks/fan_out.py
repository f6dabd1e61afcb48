"""S7, S12: a fan-out over 100,000 items: an item against what a node of the chain costs, and the memory that it holds,
with an output and without."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks import yardstick
from benchmarks.graphs import ENVIRONMENT
from benchmarks.measure import Figure, milliseconds, process_peak_bytes, process_seconds
from benchmarks.startup import built_archive

ITEMS = 100_000
FEW = 1_000
ROUNDS = 3
EXPERIENCE = """\
name: measured
version: 1.0.0
args: {count: {type: integer}}
state:
  schema:
    numbers: {type: array}
    all: {type: array, merge: array_append}
graph:
  nodes:
    - {id: list, kind: tool, impl: ./tool.py:numbers, args: {count: $args.count}, writes: [numbers], cache: false}
    - id: each
      kind: tool
      impl: ./tool.py:each
      needs: list
      args: {number: $item}
      writes: [all]
      for_each: {source: $.numbers, concurrency: 64}
"""
SILENT = (EXPERIENCE.replace("tool.py:each", "tool.py:nothing").replace("      writes: [all]\n", "")
          .replace("tool.py:numbers", "tool.py:zeros"))  # a list that itself takes next to nothing
TOOL = """\
def numbers(inputs):
    return {"numbers": list(range(inputs["count"]))}

def each(inputs):
    return {"all": [inputs["number"]]}

def zeros(inputs):
    return {"numbers": [0] * inputs["count"]}

def nothing(inputs):
    return None
"""


def measure() -> Iterator[Figure]:
    """Time per item against the yardstick's node, then memory per item beyond a run of 1,000 items."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = built_archive(folder)
        place = folder / "fan"
        place.mkdir()
        (place / "experience.yaml").write_text(EXPERIENCE, encoding="utf-8")
        (place / "tool.py").write_text(TOOL, encoding="utf-8")

        def arguments(count: int, *options: str) -> list[str | Path]:
            shutil.rmtree(place / ".openexpertise", ignore_errors=True)
            return [sys.executable, archive, "run", place, "--quiet", "--arg", f"count={count}", *options]

        ratios, took = [], []
        for _ in range(ROUNDS):
            floor = yardstick.seconds(FEW) / FEW
            took.append(process_seconds(arguments(ITEMS, "--json"), environment=ENVIRONMENT))
            ratios.append(took[-1] / ITEMS / floor)
        yield Figure("S7", f"fan-out over {ITEMS:,} items, per item", median(ratios), "× floor", 2.0,
                     detail=f"{milliseconds(took)}, {median(took) / ITEMS * 1e6:.0f} µs an item")
        few = process_peak_bytes(arguments(FEW, "--json"), environment=ENVIRONMENT)
        many = process_peak_bytes(arguments(ITEMS, "--json"), environment=ENVIRONMENT)
        yield Figure("S7", "memory an item beyond 1,000 items", (many - few) / (ITEMS - FEW) / 1024, "KB", 0.5,
                     detail=f"{few / 1e6:.0f} MB, {many / 1e6:.0f} MB")
        (place / "experience.yaml").write_text(SILENT, encoding="utf-8")
        few = process_peak_bytes(arguments(FEW), environment=ENVIRONMENT)
        many = process_peak_bytes(arguments(ITEMS), environment=ENVIRONMENT)
        yield Figure("S12", "memory an item without output beyond 1,000 items", (many - few) / (ITEMS - FEW), "bytes",
                     100, detail=f"{few / 1e6:.0f} MB, {many / 1e6:.0f} MB")
