"""The experiences that are measured, and the job that runs one from nothing: its folder is new each time."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import process_seconds

HEAD = """\
name: measured
version: 1.0.0
state:
  schema:
    last: {type: integer}
    all: {type: array, items: {type: integer}, merge: array_append}
graph:
  nodes:
"""
NODE = "    - {{id: n{number}, kind: tool, impl: ./tool.py:{function}, args: {{number: {number}}}, {rest}}}\n"
TOOL = """\
import asyncio
import time

def last(inputs, ctx):
    return {"last": inputs["number"]}

def append(inputs, ctx):
    return {"all": [inputs["number"]]}

def wait(inputs, ctx):
    time.sleep(0.05)

async def wait_async(inputs, ctx):
    await asyncio.sleep(0.05)
"""
ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}


def chain(nodes: int, *, cache: bool = False) -> str:
    """Nodes that only write a number, one after the other."""
    rest = "writes: [last], needs: [{before}]" + ("" if cache else ", cache: false")
    return HEAD + "".join(
        NODE.format(number=number, function="last", rest=rest.format(before=f"n{number - 1}" if number else ""))
        for number in range(nodes))


def independent(nodes: int, function: str, *, writes: bool = False, cache: bool = False) -> str:
    """Nodes that need nothing from each other and call a function of TOOL."""
    rest = f"writes: [{'all' if writes else ''}]" + ("" if cache else ", cache: false")
    return HEAD + "".join(NODE.format(number=number, function=function, rest=rest) for number in range(nodes))


def programs(nodes: int) -> str:
    """Nodes that run a program and need nothing from each other."""
    return HEAD + "".join(f"    - {{id: n{number}, kind: tool, command: [/bin/true]}}\n" for number in range(nodes))


def written(text: str, folder: Path) -> Path:
    """The experience in its own folder, made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "experience.yaml").write_text(text, encoding="utf-8")
    (folder / "tool.py").write_text(TOOL, encoding="utf-8")
    return folder


def run_arguments(archive: Path, folder: Path, *options: str) -> list[str | Path]:
    """The command line that runs it."""
    return [sys.executable, archive, "run", folder, "--quiet", *options]


def runs(archive: Path, text: str, folder: Path, *options: str) -> Callable[[], float]:
    """A job: the whole process of a run in a new folder, so that nothing is cached."""
    numbers = itertools.count()

    def job() -> float:
        place = written(text, folder / f"experience-{next(numbers)}")
        try:
            return process_seconds(run_arguments(archive, place, *options), environment=ENVIRONMENT)
        finally:
            shutil.rmtree(place)

    return job
