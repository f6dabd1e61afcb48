"""An experience's folder may be renamed, moved or mounted elsewhere: its runs, its state and what is cached go with it."""

from __future__ import annotations

from pathlib import Path

from tests.support.experiences import write_experience
from tests.support.program import Program

OUTER = """\
name: outer
version: 1.0.0
args: {day: {type: integer}}
state:
  schema:
    days: {type: array, items: {type: integer}, merge: array_append, persist: true}
    seen: {type: array, items: {type: integer}}
graph:
  nodes:
    - {id: note, kind: tool, impl: "./tool.py:note", args: {day: $args.day}, writes: [days]}
    - {id: look, kind: experience, needs: [note], impl: ./inner, args: {day: $args.day}, outputs: {seen: seen}, writes: [seen]}
    - {id: gate, kind: tool, needs: [look], impl: "./tool.py:gate", cache: false}
"""
INNER = """\
name: inner
version: 1.0.0
args: {day: {type: integer}}
state:
  schema:
    seen: {type: array, items: {type: integer}, merge: array_append, persist: true}
graph:
  nodes:
    - {id: add, kind: tool, impl: ./tool.py, args: {day: $args.day}, writes: [seen]}
"""
TOOL = """\
import os

def note(inputs, ctx):
    return {"days": [inputs["day"]]}

def gate(inputs, ctx):
    if os.path.exists("closed"):
        raise ValueError("closed")
"""
INNER_TOOL = """\
def run(inputs, ctx):
    return {"seen": [inputs["day"]]}
"""


def test_a_folder_is_moved_with_its_runs(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "here", OUTER, tool=TOOL)
    write_experience(folder / "inner", INNER, tool=INNER_TOOL)
    assert program.run("run", "-q", "--arg", "day=1", cwd=folder).exit_code == 0
    (folder / "closed").touch()
    assert program.run("run", "-q", "--arg", "day=2", cwd=folder).exit_code == 8

    moved = folder.rename(tmp_path / "there")
    (moved / "closed").unlink()
    listed = program.run("runs", "--json", cwd=moved).json()["runs"]
    assert [run["status"] for run in listed] == ["partial", "success"]
    resumed = program.run("resume", "--json", cwd=moved).json()
    assert (resumed["run_id"], resumed["state"]["seen"]) == (listed[0]["run_id"], [1, 2])
    assert program.run("state", "days", "--workspace", cwd=moved).json() == [1, 2]
    again = program.run("run", "--json", "--arg", "day=1", cwd=moved).json()
    assert (again["totals"]["cached"], again["state"]) == (2, {"days": [1, 2, 1], "seen": [1, 2, 1]})


def test_another_file_of_the_folder_has_runs_of_its_own(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "here", INNER, tool=INNER_TOOL)
    other = folder / "other.yaml"
    other.write_bytes((folder / "experience.yaml").read_bytes())
    for _ in range(2):
        assert program.run("run", "-q", "--arg", "day=1", cwd=folder).exit_code == 0
    assert program.run("run", "-q", "other.yaml", "--arg", "day=5", cwd=folder).exit_code == 0
    moved = folder.rename(tmp_path / "there")
    assert [len(program.run("runs", name, "--json", cwd=moved).json()["runs"]) for name in (".", "other.yaml")] == [2, 1]
    assert program.run("state", "seen", "--workspace", "-e", "other.yaml", cwd=moved).json() == [5]
