"""`oe plan` inside loops, pipelines and what is nested in them: what the real program tells, and runs nothing for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.experiences import write_experience
from tests.support.program import Program
from tests.support.shapes import check_shape

EXPERIENCE = """\
name: passes
version: 1.0.0
args: {items: {type: array, default: [1, 2, 3]}}
state:
  schema:
    n: {type: integer, default: 0}
    out: {type: array, merge: array_append}
graph:
  nodes:
    - {id: double, kind: tool, impl: ./tool.py:double}
    - {id: keep, kind: tool, impl: ./more.py:keep, args: {prev: $prev}, writes: [out]}
    - {id: inc, kind: tool, impl: ./tool.py:inc, args: {n: $.n}, writes: [n]}
  pipelines:
    - {id: pipe, items: $args.items, stages: [double, keep]}
  loops:
    - {id: count, body: inc, until: $.n >= 3, max_iters: 5}
"""
TOOL = """\
def double(inputs):
    return {"edge_output": inputs["$item"] * 2}

def inc(inputs):
    return {"n": inputs["n"] + 1}
"""
MORE = "def keep(inputs):\n    return {'out': inputs['prev']}\n"
ASKING = """\
name: asking
version: 1.0.0
state: {schema: {m: {type: integer, default: 0}, text: {type: array, merge: array_append}}}
graph:
  nodes:
    - {id: ask, kind: cli-agent, command: [cat], prompt: BODY, reserve: {usd: 0.5, tokens: 100}, writes: [text]}
  loops:
    - {id: chat, body: ask, LOOP}
"""


def planned(program: Program, folder: Path, *options: str) -> dict[str, Any]:
    result = program.run("plan", "--json", *options, cwd=folder)
    assert result.exit_code == 0, result.stderr
    check_shape(result.json(), "plan")
    return {unit["id"]: unit for unit in result.json()["nodes"]}


def actions(unit: dict[str, Any]) -> dict[str, str]:
    return {each["id"]: each["action"] for each in unit["units"]}


def test_a_plan_looks_into_pipelines_and_loops(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "passes", EXPERIENCE, tool=TOOL, more=MORE)
    before = planned(program, folder)
    assert (before["pipe"]["inside"], before["pipe"]["items_run"]) == ("pipe[0]/double", 3)
    assert actions(before["pipe"]) == {"pipe[0]/double": "run", "pipe[0]/keep": "unknown"}
    assert actions(before["count"]) == {"count[0]/inc": "run"}
    assert before["count"]["reason"] == "it has no earlier result (iteration 1 of at most 5)"
    assert program.run("run", "--quiet", cwd=folder).exit_code == 0
    after = planned(program, folder)
    assert {name: unit["action"] for name, unit in after.items()} == {"pipe": "cached", "count": "cached"}
    assert after["count"]["reason"] == "all of 3 iterations"
    assert program.run("run", "--json", cwd=folder).json()["totals"]["cached"] == 2, "and so it is"


def test_a_plan_finds_the_first_pass_that_would_run(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "passes", EXPERIENCE, tool=TOOL, more=MORE)
    assert program.run("run", "--quiet", cwd=folder).exit_code == 0
    write_experience(folder, EXPERIENCE.replace(">= 3", ">= 4"), more=MORE.replace("prev']", "prev'] + 1"))
    after = planned(program, folder, "--arg", "items=[1, 7, 3]")
    assert (after["count"]["inside"], actions(after["count"])) == ("count[3]/inc", {"count[3]/inc": "run"})
    assert after["pipe"]["items_run"] == 3
    assert actions(after["pipe"]) == {"pipe[0]/double": "cached", "pipe[0]/keep": "run"}
    lines = program.run("plan", cwd=folder).stdout.splitlines()
    assert "cached     pipe[0]/double" in lines[1] and "changed: spec, more.py" not in lines[1]
    assert lines[2].startswith("run        pipe[0]/keep changed: ")


def test_a_plan_looks_into_what_a_loop_nests(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "outer"
    write_experience(folder / "child", EXPERIENCE, tool=TOOL, more=MORE)
    write_experience(folder, """\
        name: outer
        version: 1.0.0
        graph:
          nodes:
            - {id: inner, kind: experience, impl: ./child}
          loops:
            - {id: again, body: inner, max_iters: 2}
        """)
    assert planned(program, folder)["again"]["inside"] == "again[0]/inner/pipe[0]/double"
    inner = planned(program, folder)["again"]["units"][0]
    assert actions(inner) == {"again[0]/inner/pipe": "run", "again[0]/inner/count": "run"}
    assert actions(inner["units"][1]) == {"again[0]/inner/count[0]/inc": "run"}
    assert program.run("run", "--quiet", cwd=folder).exit_code == 0
    assert planned(program, folder)["again"]["reason"] == "all of 2 iterations"


@pytest.mark.parametrize(("loop", "body", "calls", "line"), [
    ("max_iters: 7", "Hi", 7, "at most 7 calls, 700 tokens, $3.5000"),
    ("max_iters: 7", "'Round {{ $iter }}'", 7,
     "about 7 calls, 700 tokens, $3.5000: loops counted to their max_iters, the rest is not known yet"),
    ("until: $iter > 3", "Hi", 1, "at least 1 call, 100 tokens, $0.5000: the rest is not known yet"),
])
def test_a_plan_counts_calls_of_a_loop_to_its_bound(program: Program, tmp_path: Path, loop: str, body: str, calls: int,
                                                    line: str) -> None:
    folder = write_experience(tmp_path, ASKING.replace("BODY", body).replace("LOOP", loop))
    result = program.run("plan", "--json", cwd=folder)
    assert result.exit_code == 0, result.stderr
    assert result.json()["estimate"]["calls"] == calls
    assert program.run("plan", cwd=folder).stdout.splitlines()[-1] == line


def test_a_plan_counts_items_of_units_that_wait(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path, """\
        name: waiting
        version: 1.0.0
        args: {items: {type: array, default: [1, 2, 3]}}
        graph:
          nodes:
            - {id: first, kind: tool, impl: ./tool.py:inc, cache: false}
            - {id: each, kind: cli-agent, command: [cat], prompt: Hi, reserve: {tokens: 100}, needs: [first],
               for_each: {source: $args.items}}
            - {id: stage, kind: cli-agent, command: [cat], prompt: Hi, reserve: {tokens: 100}}
            - {id: body, kind: cli-agent, command: [cat], prompt: Hi, reserve: {tokens: 100}}
          pipelines:
            - {id: pipe, items: [1, 2], stages: [stage], needs: [first]}
          loops:
            - {id: loop, body: body, max_iters: 4, needs: [first]}
        """, tool=TOOL)
    estimate = program.run("plan", "--json", cwd=folder).json()["estimate"]
    assert (estimate["calls"], estimate["tokens"], estimate["loops_at_most"]) == (9, 900, True)
