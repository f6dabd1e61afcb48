"""Nested experiences with the real program: what validation sees of them, kill and resume, one workspace."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.support.program import Program

PARENT = """\
name: parent
version: 1.0.0
args: {n: {type: integer, default: 3}}
state: {schema: {sums: {type: array, merge: array_append}}}
graph:
  nodes:
    - {id: list, kind: tool, impl: ./tools.py:numbers, args: {n: $args.n}, cache: true}
    - {id: each, kind: experience, impl: ./child, needs: [list], for_each: {source: $inputs.list, concurrency: 2},
       args: {n: $item}, outputs: {sums: sum}, writes: [sums]}
"""
CHILD = """\
name: child
version: 1.0.0
args: {n: {type: integer, required: true}}
state: {schema: {sum: {type: integer}, log: {type: array, merge: array_append, persist: true}}}
graph:
  nodes:
    - {id: note, kind: tool, impl: ./tools.py:note, args: {n: $args.n}, writes: [log]}
    - {id: add, kind: tool, impl: ./tools.py:add, needs: [note], args: {n: $args.n}, writes: [sum]}
"""
PARENT_TOOLS = "def numbers(inputs, ctx):\n    return {'edge_output': list(range(inputs['n']))}\n"
CHILD_TOOLS = """\
import os

def note(inputs, ctx):
    with open(ctx.folder + "/../noted", "a") as file:
        file.write(f"{inputs['n']}\\n")
    return {"log": [inputs["n"]]}

def add(inputs, ctx):
    if inputs["n"] == 2 and os.path.exists(ctx.folder + "/../gate"):
        open(ctx.folder + "/../gate").read()
    return {"sum": inputs["n"] * 10}
"""


def experience(folder: Path) -> Path:
    (folder / "child").mkdir(parents=True)
    (folder / "experience.yaml").write_text(PARENT)
    (folder / "tools.py").write_text(PARENT_TOOLS)
    (folder / "child/experience.yaml").write_text(CHILD)
    (folder / "child/tools.py").write_text(CHILD_TOOLS)
    return folder


def test_a_mistake_in_a_nested_file_is_told_where_it_is(program: Program, tmp_path: Path) -> None:
    folder = experience(tmp_path / "nested")
    (folder / "child/experience.yaml").write_text(CHILD.replace("needs: [note]", "needs: [not]"))
    for command in ("validate", "run"):
        result = program.run(command, cwd=folder)
        assert result.exit_code == 3
        assert "child/experience.yaml:8:59: error: there is no node" in result.stderr + result.stdout
    assert not (folder / ".openexpertise").exists()


def test_a_run_killed_inside_a_nested_experience_goes_on_there(program: Program, tmp_path: Path) -> None:
    folder = experience(tmp_path / "nested")
    os.mkfifo(folder / "gate")
    process = program.start("run", "--quiet", cwd=folder)
    with (folder / "gate").open("w"):  # somebody reads it: the third child is at its second node
        process.send_signal(signal.SIGKILL)
        process.wait(60)
    (folder / "gate").unlink()
    result = program.run("resume", "--json", "--quiet", cwd=folder)
    assert (result.exit_code, result.json()["state"]) == (0, {"sums": [0, 10, 20]})
    assert sorted((folder / "noted").read_text().split()) == ["0", "1", "2"], "what was committed is not run again"
    published = program.run("state", "log", "--workspace", "--data-dir", str(folder / ".openexpertise"),
                            cwd=folder / "child")
    assert published.json() == [0, 1, 2]


def test_editing_one_file_of_it_runs_only_what_reads_that(program: Program, tmp_path: Path) -> None:
    folder = experience(tmp_path / "nested")
    assert program.run("run", "--quiet", cwd=folder).exit_code == 0
    again = program.run("run", "--json", cwd=folder)
    assert [node["cached"] for node in again.json()["nodes"]] == [True, True]
    text = (folder / "child/experience.yaml").read_text()
    (folder / "child/experience.yaml").write_text(text.replace("tools.py:add, needs", "more.py:add, needs"))
    (folder / "child/more.py").write_text(CHILD_TOOLS.replace("* 10", "* 100"))
    edited = program.run("run", "--json", cwd=folder)
    assert edited.json()["state"] == {"sums": [0, 100, 200]}
    assert sorted((folder / "noted").read_text().split()) == ["0", "1", "2"]
