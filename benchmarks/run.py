"""`python benchmarks/run.py [NAME ...]`: measures, prints figure, target, and pass or SHORT; exits 0 whatever they say.

`--svg FILE` draws the curves of `growth` there. A new benchmark is one file with `measure() -> Iterator[Figure]` and
one line in BENCHMARKS.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

BENCHMARKS = {
    "startup": "S1, S2: starting, running one node, help",
    "chain": "S3, S6: 1,000 nodes one after the other, run and taken from the cache",
    "wide": "S4, S5: independent nodes, doing nothing and waiting",
    "footprint": "S8, S14: memory at its peak, bytes left on disk",
    "yaml_reader": "S9: reading YAML",
    "fan_out": "S7, S12: 100,000 items, per item and in memory",
    "growth": "S11: cost grows with the size, not faster",
    "resume": "S11: finished items looked through when a run goes on",
    "tree": "S12: snapshot, tree and diagnosis of 10,000 live tasks",
    "dashboard": "S12: the dashboard over 10,000 units",
    "processes": "S13: running programs",
    "model_calls": "S10: 200 calls of a model at once",
}
"""Name of a file beside this one -> what it measures."""


def options(arguments: list[str]) -> argparse.Namespace:
    """The command line. Ends the process with 2 for a name that there is no benchmark of."""
    known = "\n".join(f"  {name:<12}{what}" for name, what in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python benchmarks/run.py", description="Measures, and says of each figure whether it reaches its target.",
        epilog=f"benchmarks:\n{known}", formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure; all without one")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the curves of 'growth' there")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark '{unknown[0]}'; there are: {', '.join(BENCHMARKS)}")
    if given.svg is not None and given.names and "growth" not in given.names:
        parser.error("--svg draws what 'growth' measures: name it too")
    return given


def main(arguments: list[str]) -> int:
    """Runs the named benchmarks, or all."""
    given = options(arguments)
    print(f"Python {sys.version.split()[0]} on {sys.platform}")
    short = 0
    for name in given.names or BENCHMARKS:
        try:
            measure = import_module(f"benchmarks.{name}").measure
            for figure in (partial(measure, given.svg) if name == "growth" else measure)():
                print(figure, flush=True)
                short += not figure.passes
        except RuntimeError as failure:
            short += 1
            print(f"{name}: could not be measured: {failure}", flush=True)
    print("all targets reached" if not short else f"{short} short")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main(sys.argv[1:]))
