"""The program is told to end at any instant, once or twice: it says so by its exit code, leaves nothing open and nothing
running, and is resumed as if undisturbed."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from random import Random

import pytest

from tests.support.crash_shapes import SHAPES
from tests.support.crashes import Calms, CrashHost, Instant, Life

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
STUBBORN = """\
name: stubborn
version: 1.0.0
state: {schema: {trail: {type: array, items: {type: string}, merge: array_append, persist: true}}}
graph:
  nodes:
    - {id: forks, kind: tool, command: [sh, -c, "exec 3> alive; sleep 60 & sleep 60 & true"], cache: false}
    - {id: deaf, kind: tool, command: [sh, -c, "exec 3> alive; trap '' TERM; sleep 0.05"], cache: false}
    - {id: held, kind: tool, impl: ./held.py, isolation: process, writes: [trail], cache: false}
    - {id: last, kind: tool, needs: [forks, deaf, held], cache: false,
       command: [sh, -c, "exec 3> alive; (sleep 60 &) ; sleep 60 &"]}
"""
HELD = """\
import subprocess

kept = []

def run(inputs, ctx):
    kept.append(open("alive", "w"))
    kept.append(subprocess.Popen(["sleep", "60"], stdout=kept[0]))
    return {"trail": ["held"]}
"""


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("lives", [4, pytest.param(120, marks=pytest.mark.long)])
def test_signalled_at_random_instants(host: CrashHost, calm: Calms, tmp_path: Path, shape: str, lives: int) -> None:
    calls = calm(shape).hits["calls"]
    ended = 0
    for number in range(lives):
        random = Random(f"signalled {shape} {lives} {number}")
        life = Life(host, tmp_path / str(number), shape)
        name = random.choice(list(EXIT_CODES))
        first = random.randint(1, calls)
        strikes = {first: name}
        if random.random() < 0.3:
            strikes[first + random.randint(1, calls // 4)] = name
        process = life.go_on(Instant(strikes), allowed=(0, EXIT_CODES[name], -name))
        ended += process.exit_code != 0
        swallowed = name == signal.SIGINT and "Exception ignored in" in process.stderr  # by Python, within a finalizer
        assert "Traceback" not in process.stderr or swallowed, process.stderr
        # Before and after the run SIGINT is Python's exception, between any two lines; the process ends at once then.
        at_once = process.stderr == "oe: interrupted\n"
        assert not process.left or at_once or "left behind" in process.stderr
        life.end(calm(shape))
    assert ended >= lives // 3, "hardly anything was ended"


@pytest.mark.parametrize("lives", [4, pytest.param(200, marks=pytest.mark.long)])
def test_no_program_outlives_its_run(host: CrashHost, tmp_path: Path, lives: int) -> None:
    for number in range(lives):
        random = Random(f"stubborn {lives} {number}")
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "experience.yaml").write_text(STUBBORN)
        (folder / "held.py").write_text(HELD)
        os.mkfifo(folder / "alive")
        strikes = {random.randint(15_000, 55_000): random.choice((signal.SIGKILL, signal.SIGINT, signal.SIGTERM))}
        reader = os.open(folder / "alive", os.O_RDONLY | os.O_NONBLOCK)
        ended = host.run(folder, "run", "--concurrency", "4", at=Instant(strikes))
        assert not ended.left
        os.set_blocking(reader, True)
        while os.read(reader, 4096):
            pass  # ends when nobody is left who could write
        os.close(reader)
