"""Files that nodes say they produce: results of earlier runs do not count where they are gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.experiences import HELD, held_run, write_experience
from tests.support.program import Program

EXPERIENCE = """\
name: products
version: 1.0.0
state: {schema: {read: {type: array, merge: array_append}}}
graph:
  nodes:
    - {id: make, kind: tool, impl: ./tool.py:make, produces: [made.txt], cache: CACHE}
    - {id: read, kind: tool, impl: ./tool.py:read, needs: [make], writes: [read], cache: false}
    - {id: last, kind: tool, impl: ./tool.py:last, needs: [read], cache: false}
"""
TOOL = """\
import os

def make(inputs):
    with open("count", "a") as count:
        count.write("x")
    with open("made.txt", "w") as made:
        made.write("made")

def read(inputs):
    return {"read": open("made.txt").read()}

def last(inputs):
    if not os.path.exists("ready"):
        raise ValueError("not ready")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_experience(tmp_path / "products", EXPERIENCE.replace("CACHE", "true"), tool=TOOL)


def made(folder: Path) -> int:
    return len((folder / "count").read_text())


def test_a_resumed_run_makes_a_file_again_that_is_gone(program: Program, folder: Path) -> None:
    assert program.run("run", "--quiet", cwd=folder).exit_code == 8
    (folder / "made.txt").unlink()
    program.run("resume", "--quiet", cwd=folder)
    assert (made(folder), (folder / "made.txt").exists()) == (2, True)
    (folder / "ready").touch()
    assert program.run("resume", "--json", cwd=folder).json()["state"] == {"read": ["made"]}
    assert made(folder) == 2, "what is there is not made again"


@pytest.mark.parametrize("cache", ["true", "false"])
def test_only_and_from_reuse_no_result_whose_file_is_gone(program: Program, folder: Path, cache: str) -> None:
    write_experience(folder, EXPERIENCE.replace("CACHE", cache), tool=TOOL)
    (folder / "ready").touch()
    assert program.run("run", "--quiet", cwd=folder).exit_code == 0
    assert program.run("run", "--quiet", "--only", "read", cwd=folder).exit_code == 0
    (folder / "made.txt").unlink()
    result = program.run("run", "--quiet", "--only", "read", cwd=folder)
    assert result.exit_code == 1
    assert "with what it makes as it made it (made.txt) (run it first: --from make)" in result.stderr
    assert program.run("run", "--quiet", "--from", "read", cwd=folder).exit_code == 0
    assert (made(folder), (folder / "made.txt").exists()) == (2, True)


def test_a_plan_says_that_the_file_is_gone(program: Program, folder: Path) -> None:
    program.run("run", "--quiet", cwd=folder)
    (folder / "made.txt").unlink()
    assert "run      make what it makes is not there: made.txt" in program.run("plan", cwd=folder).stdout.splitlines()


def test_overlapping_runs_that_make_the_same_files_say_so(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "held"
    with held_run(program, folder):
        write_experience(folder, HELD.replace("needs: [first], ", "needs: [first], produces: [made.txt], "))
        result = program.run("run", "--only", "first", cwd=folder)
        assert "goes on too, and makes the same files: made.txt; whoever writes last wins" in result.stderr
    assert "goes on too" not in program.run("run", "--only", "first", cwd=folder).stderr
