"""`oe explain` through the real program: what it tells of runs that failed, were resumed, or keep nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.experiences import write_experience
from tests.support.program import Program
from tests.support.shapes import check_shape

SPEC = """\
name: two
version: 1.0.0
args: {who: {type: string, default: a}}
state: {schema: {one: {type: string}, two: {type: string}}}
graph:
  nodes:
    - {id: first, kind: tool, impl: ./t.py, args: {who: $args.who}, writes: [one]}
    - {id: second, kind: tool, impl: ./t.py:second, needs: [first], reads: [one], writes: [two]}
    - {id: anew, kind: tool, impl: ./t.py:nothing, args: {x: 1}, cache: false}
"""
TOOL = """\
def run(inputs, ctx):
    return {'one': inputs['who']}

def second(inputs, ctx):
    if inputs['_state']['one'] == 'bad':
        raise ValueError('bad')
    return {'two': 'x'}

def nothing(inputs, ctx):
    return {}
"""


def explained(program: Program, folder: Path, node: str) -> dict[str, Any]:
    told: dict[str, Any] = program.run("explain", node, "--json", cwd=folder).json()
    check_shape(told, "explain")
    return told


def test_of_a_resumed_run_the_last_attempt_is_explained(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "two", SPEC.replace("default: a}", "default: bad}"), t=TOOL)
    assert program.run("run", "--quiet", cwd=folder).exit_code == 8
    (folder / "t.py").write_text(TOOL.replace("== 'bad'", "== 'worse'"))
    assert program.run("resume", "--quiet", cwd=folder).exit_code == 0
    told = explained(program, folder, "second")
    assert (told["decision"], told["compared_with"]) == ("run", told["run_id"])
    assert [change["part"] for change in told["changed"]] == ["t.py"]
    assert ": changed since before it was resumed:" in program.run("explain", "second", cwd=folder).stdout


def test_a_slot_that_failed_and_was_then_cached_is_told_as_cached(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "two", SPEC, t=TOOL)
    program.run("run", "--quiet", cwd=folder)
    good = explained(program, folder, "second")["run_id"]
    (folder / "t.py").write_text(TOOL.replace("== 'bad'", "!= 'bad'"))
    assert program.run("run", "--quiet", cwd=folder).exit_code == 8
    (folder / "t.py").write_text(TOOL)
    assert program.run("resume", "--quiet", cwd=folder).exit_code == 0
    told = explained(program, folder, "second")
    assert (told["decision"], told["compared_with"], told["changed"]) == ("cached", good, [])


def test_why_it_ran_although_nothing_changed(program: Program, tmp_path: Path) -> None:
    spec = SPEC.replace("default: a}", "default: a}, token: {type: string, secret: true, required: true}") + (
        "    - {id: sealed, kind: tool, impl: ./t.py:nothing, args: {token: $args.token}}\n")
    folder = write_experience(tmp_path / "two", spec, t=TOOL)
    arguments = ("run", "--quiet", "--arg", "who=bad", "--arg", "token=hunter2-of-mine")
    for _ in range(2):
        assert program.run(*arguments, cwd=folder).exit_code == 8
    assert explained(program, folder, "second")["reason"] == "it had failed"
    assert explained(program, folder, "sealed")["reason"] == "its result depends on a secret and is not kept"
    assert explained(program, folder, "anew")["reason"] == "its results are not cached"
    planned = {unit["id"]: unit["reason"] for unit in program.run(
        "plan", "--json", *arguments[2:], cwd=folder).json()["nodes"]}
    assert planned["second"] == "last it failed"
    assert planned["sealed"] == "its result depends on a secret and is not kept"


def test_a_name_that_no_node_has_gets_the_nearest(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "two", SPEC, t=TOOL)
    program.run("run", "--quiet", cwd=folder)
    refused = program.run("explain", "secnd", cwd=folder)
    assert refused.exit_code == 5 and "did you mean 'second'?" in refused.stderr
