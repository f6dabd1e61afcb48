"""S8, S14: memory of a run at its peak, and what it leaves on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.chain import NODES
from benchmarks.graphs import ENVIRONMENT, chain, run_arguments, written
from benchmarks.measure import Figure, process_peak_bytes, process_seconds
from benchmarks.startup import built_archive

MIB = 2**20
ROUNDS = 3
FEW = 100


def disk_bytes(folder: Path) -> int:
    """The sizes of all files below the folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def peak_bytes(archive: Path, folder: Path, nodes: int) -> float:
    """The median of some runs from nothing."""
    return median(process_peak_bytes(run_arguments(archive, written(chain(nodes), folder)), environment=ENVIRONMENT)
                  for _ in range(ROUNDS))


def left_bytes(archive: Path, folder: Path, nodes: int) -> int:
    """What a run of the chain leaves in its data folder, no cache files among it."""
    place = written(chain(nodes), folder)
    process_seconds(run_arguments(archive, place), environment=ENVIRONMENT)
    return disk_bytes(place / ".openexpertise")


def measure() -> Iterator[Figure]:
    """S8 for one node and for the chain; S14 for the chain, and whether a node costs more in a larger graph."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = built_archive(folder)
        for nodes, target in ((1, 40), (NODES, 60)):
            yield Figure("S8", f"peak memory, {nodes:,} {'node' if nodes == 1 else 'nodes'}",
                         peak_bytes(archive, folder / "peak", nodes) / MIB, "MiB", target)
        base, few, many = (left_bytes(archive, folder / "left", nodes) for nodes in (1, FEW, NODES))
        yield Figure("S14", f"left on disk by {NODES:,} nodes", many / 1e6, "MB", 1.5, detail=f"{base:,} bytes by one")
        ratio = (many - base) / (NODES - 1) / ((few - base) / (FEW - 1))
        yield Figure("S14", f"bytes a node, {NODES:,} against {FEW}", ratio, "times", 1.3,
                     detail=f"{(many - base) / (NODES - 1):.0f} bytes a node")
