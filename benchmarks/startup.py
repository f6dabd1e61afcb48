"""S1, S2: what starting costs, against a Python that only imports what such a program cannot do without."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measure import ROOT, Figure, in_turns, milliseconds, process_seconds, ratio

ROUNDS = 15
RUN_FLOOR = "import asyncio, sqlite3, json, argparse, hashlib"
HELP_FLOOR = "import argparse"
ONE_NODE = """\
name: one-node
version: 1.0.0
state:
  schema:
    last: {type: integer}
graph:
  nodes:
    - id: only
      kind: tool
      impl: ./tools/only.py
      writes: [last]
"""
TOOL = """\
def run(inputs, ctx):
    return {"last": 1}
"""
_ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}


def built_archive(folder: Path) -> Path:
    """`oe.pyz` as a release builds it, in the folder."""
    output = folder / "oe.pyz"
    subprocess.run(["sh", ROOT / "zipapp.sh", output], check=True, stdout=subprocess.DEVNULL)
    return output


def one_node_runs(archive: Path, folder: Path) -> Callable[[], float]:
    """A job that runs a one-node experience in a folder of its own each time: nothing is cached."""
    numbers = itertools.count()

    def job() -> float:
        place = folder / f"experience-{next(numbers)}"
        (place / "tools").mkdir(parents=True)
        (place / "experience.yaml").write_text(ONE_NODE, encoding="utf-8")
        (place / "tools/only.py").write_text(TOOL, encoding="utf-8")
        return process_seconds([sys.executable, archive, "run", place], environment=_ENVIRONMENT)

    return job


def python(*arguments: str | Path) -> Callable[[], float]:
    """A job: this Python with the arguments, whole process."""
    return lambda: process_seconds([sys.executable, *arguments], environment=_ENVIRONMENT)


def measure() -> Iterator[Figure]:
    """S2 twice, S1 once; each against its own floor, in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = built_archive(folder)
        floor, shown, version = in_turns(
            python("-c", HELP_FLOOR), python(archive, "--help"), python(archive, "--version"), rounds=ROUNDS)
        for option, took in (("--help", shown), ("--version", version)):
            yield Figure("S2", f"oe.pyz {option}", ratio(took, floor), "× floor", 1.3,
                         detail=f"{milliseconds(took)} against {milliseconds(floor)}")
        floor, took = in_turns(python("-c", RUN_FLOOR), one_node_runs(archive, folder), rounds=ROUNDS)
        yield Figure("S1", "oe.pyz run, one tool node", ratio(took, floor), "× floor", 1.6,
                     detail=f"{milliseconds(took)} against {milliseconds(floor)}")
