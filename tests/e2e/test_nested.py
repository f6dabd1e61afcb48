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


def test_fields_of_what_was_never_run_by_itself_are_those_of_its_file(program: Program, tmp_path: Path) -> None:
    folder = experience(tmp_path / "nested")
    assert program.run("run", "--quiet", cwd=folder).exit_code == 0
    here = ("-e", folder / "child", "--data-dir", folder / ".openexpertise")
    assert program.run("state", "lag", "--workspace", *here).stderr.endswith("hint: did you mean 'log'?\n")
    assert "'sum' does not persist" in program.run("reset-state", "sum", "--yes", *here).stderr
    assert program.run("reset-state", "log", "--yes", *here).stdout == "cleared log\n"
    assert "'log' has no value in the workspace" in program.run("state", "log", "--workspace", *here).stderr


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


MORE = PARENT.replace("sums: {", "sum: {type: integer}, sums: {") + """\
    - {id: inner, kind: experience, impl: ./child, args: {n: 7}, outputs: {sum: sum}, writes: [sum]}
"""


def more(folder: Path) -> Path:
    """The experience with one more node, which depends on nothing."""
    (experience(folder) / "experience.yaml").write_text(MORE)
    return folder


def planned(program: Program, folder: Path, *options: str) -> dict[str, tuple[str, str, str | None]]:
    """What `oe plan` says of each unit: action, reason, and the slot inside it that the reason is of."""
    result = program.run("plan", "--json", *options, cwd=folder)
    assert result.exit_code == 0, result.stderr
    return {node["id"]: (node["action"], node["reason"], node.get("inside")) for node in result.json()["nodes"]}


def test_a_plan_looks_into_it(program: Program, tmp_path: Path) -> None:
    folder = more(tmp_path / "nested")
    assert planned(program, folder)["inner"] == ("run", "it has no earlier result", "inner/note")
    assert program.run("run", "--quiet", cwd=folder).exit_code == 0
    assert planned(program, folder) == {
        "list": ("cached", planned(program, folder)["list"][1], None), "each": ("cached", "all of 3 items", None),
        "inner": ("cached", "all of 2 units", None)}
    assert "cached   each  all of 3 items" in program.run("plan", cwd=folder).stdout.splitlines()
    assert planned(program, folder, "--no-cache")["inner"][0] == "run"
    (folder / "child/more.py").write_text(CHILD_TOOLS)
    text = (folder / "child/experience.yaml").read_text()
    (folder / "child/experience.yaml").write_text(text.replace("tools.py:add, needs", "more.py:add, needs"))
    after = planned(program, folder)
    assert after["inner"] == ("run", "changed: spec, more.py, tools.py", "inner/add")
    assert after["each"][0] == "run" and after["each"][2] == "each[0]/add"
    assert "inner/add: changed: " in program.run("plan", cwd=folder).stdout
    result = program.run("run", "--json", cwd=folder).json()
    assert [node["cached"] for node in result["nodes"]] == [True, False, False]


def test_a_plan_tells_what_would_fail_in_it(program: Program, tmp_path: Path) -> None:
    folder = more(tmp_path / "nested")
    text = MORE.replace("n: 7", "n: $args.n").replace("integer, default: 3", "string, default: x")
    (folder / "experience.yaml").write_text(text)
    action, reason, _ = planned(program, folder)["inner"]
    assert action == "run" and reason.startswith("it would fail: the arguments do not fit 'child': ")


def test_one_that_contains_itself_is_looked_into_as_deep_as_it_would_run(program: Program, tmp_path: Path) -> None:
    (tmp_path / "experience.yaml").write_text(
        "name: self\nversion: 1.0.0\n"
        "graph: {nodes: [{id: again, kind: experience, impl: .}, {id: once_more, kind: experience, impl: .}]}\n")
    action, reason, inside = planned(program, tmp_path)["again"]
    assert (action, reason) == ("run", "it would fail: experiences are nested more than 16 deep")
    assert inside == "/".join(["again"] * 17)


def test_an_explanation_goes_to_where_it_began(program: Program, tmp_path: Path) -> None:
    folder = more(tmp_path / "nested")
    program.run("run", "--quiet", cwd=folder)
    first = program.run("explain", "inner", cwd=folder).stdout
    assert first.startswith("inner was run in r-") and first.endswith(": inner/note in it was: there was no earlier result\n")
    (folder / "child/tools.py").write_text(CHILD_TOOLS.replace("* 10", "* 100"))
    program.run("run", "--quiet", cwd=folder)
    for name, slot, inside in (("inner", "inner", "inner/note"), ("each[1]", "each[1]", "each[1]/note"),
                               ("inner/add", "inner/add", None)):
        told = program.run("explain", name, "--json", cwd=folder).json()
        assert (told["slot"], told["decision"], told.get("inside")) == (slot, "run", inside)
        assert [change["part"] for change in told["changed"]] == ["tools.py"]
    assert program.run("explain", "add", "--json", cwd=folder).json()["slot"].endswith("/add")
    assert program.run("explain", "nothing", cwd=folder).exit_code == 5
    program.run("run", "--quiet", cwd=folder)
    assert " was cached in r-" in program.run("explain", "inner", cwd=folder).stdout


def test_the_history_of_a_field_is_that_of_the_run_s_own(program: Program, tmp_path: Path) -> None:
    folder = more(tmp_path / "nested")
    program.run("run", "--quiet", cwd=folder)

    def slots(*options: str) -> list[str]:
        return sorted(write["slot"] for write in program.run("state", "--history", *options, cwd=folder).json())
    assert slots("sum") == ["inner"]
    assert slots() == ["each[0]", "each[1]", "each[2]", "inner"]
    assert slots("sum", "--nested") == ["each[0]/add", "each[1]/add", "each[2]/add", "inner", "inner/add"]
    assert slots("log", "--nested") == ["each[0]/note", "each[1]/note", "each[2]/note", "inner/note"]
    assert program.run("state", "sum", "--nested", cwd=folder).exit_code == 2


def test_what_units_inside_it_print_is_found_by_slot_and_by_name(program: Program, tmp_path: Path) -> None:
    folder = more(tmp_path / "nested")
    (folder / "child/tools.py").write_text(CHILD_TOOLS.replace("import os", "import os\nprint('loaded')").replace(
        "def add(inputs, ctx):", "def add(inputs, ctx):\n    print('adds', inputs['n'])"))
    program.run("run", "--quiet", cwd=folder)
    assert "adds 7" in program.run("logs", "latest", "inner/add", cwd=folder).stdout
    assert program.run("logs", "latest", "inner", cwd=folder).stdout.count("adds") == 1
    assert program.run("logs", "latest", "add", cwd=folder).stdout.count("adds") == 4


def test_a_graph_shows_its_node_as_what_it_is(program: Program, tmp_path: Path) -> None:
    folder = more(tmp_path / "nested")
    shown = {node["id"]: node["kind"] for node in program.run("graph", "--json", cwd=folder).json()["nodes"]}
    assert shown == {"list": "tool", "each": "experience", "inner": "experience"}


def test_a_tree_of_a_run_that_is_over_shows_its_units(program: Program, tmp_path: Path) -> None:
    folder = more(tmp_path / "nested")
    program.run("run", "--quiet", cwd=folder)
    tree = program.run("inspect", "latest", "--tree", cwd=folder).stdout
    lines = [line.split(" (")[0] for line in tree.splitlines()[1:-2]]
    assert lines == ["|- ok list", "|- ok each", "`- ok inner", "   |- ok inner/note", "   `- ok inner/add"]
    assert "`- ok inner/add (" in tree
