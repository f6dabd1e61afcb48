"""Keys of the cache: what changes a result changes its key, and nothing else does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.counted import Counted
from tests.support.program import Program

HEAD = "name: keys\nversion: 1.0.0\n"


def test_an_input_file_that_changes_between_iterations_is_seen(program: Program, tmp_path: Path) -> None:
    counted = Counted(program, tmp_path / "keys", HEAD + """\
state: {schema: {seen: {type: array, merge: array_append}}}
graph:
  nodes:
    - {id: write, kind: tool, impl: ./tools/tool.py:write, effects: true}
    - {id: look, kind: tool, impl: ./tools/tool.py:look, inputs: ["data/*.txt"], writes: [seen]}
  loops:
    - {id: again, body: [write, look], max_iters: 3}
""", """\
def write(inputs, ctx):
    with open(ctx.folder + "/data/n.txt", "a") as file:
        file.write("x")

def look(inputs, ctx):
    return {"seen": [open(ctx.folder + "/data/n.txt").read()]}
""")
    counted.write("data/n.txt", "")
    assert counted.run().state == {"seen": ["x", "xx", "xxx"]}


EACH = """\
args: {items: {type: array}}
state: {schema: {out: {type: array, merge: array_append}}}
graph:
  nodes:
    - {id: each, kind: tool, impl: ./tools/tool.py:run, for_each: {source: $args.items, concurrency: 1}, writes: [out]}
"""


@pytest.mark.xfail(strict=True, reason="the index is given but not in the key: oe/kinds/tool_inputs.py:20")
def test_a_tool_that_hands_on_all_its_inputs_gets_its_own_index(program: Program, tmp_path: Path) -> None:
    counted = Counted(program, tmp_path / "keys", HEAD + EACH, """\
def run(inputs, ctx):
    return {"out": [[value for name, value in sorted(inputs.items()) if not name.startswith("_")]]}
""")
    assert counted.run("--arg", "items=[7,7]").state["out"] == [[0, 7], [1, 7]]


def test_a_list_that_grows_along_an_edge_runs_the_new_item_of_a_pipeline(program: Program, tmp_path: Path) -> None:
    counted = Counted(program, tmp_path / "keys", HEAD + """\
graph:
  nodes:
    - {id: listing, kind: tool, impl: ./tools/tool.py:listing, cache: false}
    - {id: stage, kind: tool, impl: ./tools/tool.py:stage, args: {word: $item}}
  pipelines:
    - {id: pipe, items: $inputs.listing, stages: [stage], needs: [listing]}
""", """\
import json
from count import count

def listing(inputs, ctx):
    return {"state_delta": {}, "edge_output": json.load(open(ctx.folder + "/words.json"))}

def stage(inputs, ctx):
    count(inputs["word"], ctx)
    return {"state_delta": {}, "edge_output": inputs["word"]}
""")
    counted.write("words.json", '["a", "b"]')
    assert counted.run().names == ["a", "b"]
    counted.write("words.json", '["a", "b", "c"]')
    assert counted.run().names == ["c"], "every item ran again, as the whole list is part of every key"


@pytest.mark.xfail(strict=True, reason="the key is made before the attempts: oe/run/slots.py:56")
def test_a_file_that_changes_between_two_attempts_is_not_kept_under_its_old_contents(program: Program,
                                                                                     tmp_path: Path) -> None:
    counted = Counted(program, tmp_path / "keys", HEAD + """\
state: {schema: {text: {type: string}}}
graph:
  nodes:
    - id: look
      kind: tool
      impl: ./tools/tool.py:run
      inputs: [n.txt]
      writes: [text]
      on_error: {policy: retry, attempts: 2, base_ms: 1}
""", """\
def run(inputs, ctx):
    text = open(ctx.folder + "/n.txt").read()
    if text == "bad" and ctx.attempt == 1:
        with open(ctx.folder + "/n.txt", "w") as file:
            file.write("good")
        raise ValueError("it is mended now")
    return {"text": text}
""")
    counted.write("n.txt", "bad")
    assert counted.run().state == {"text": "good"}
    counted.write("n.txt", "bad")
    assert counted.run().node("look")["cached"] is False


def test_a_name_that_is_no_utf8_is_no_fault_of_the_program(program: Program, tmp_path: Path) -> None:
    counted = Counted(program, tmp_path / "keys", HEAD + """\
graph:
  nodes:
    - {id: look, kind: tool, impl: ./tools/tool.py:run, inputs: ["data/*.txt"]}
""", "def run(inputs, ctx):\n    return None\n")
    (counted.folder / "data").mkdir()
    Path(os.fsdecode(os.fsencode(counted.folder / "data") + b"/caf\xe9.txt")).write_text("x")
    done = program.run("run", "--json", cwd=counted.folder)
    assert done.exit_code == 0, done.stderr


_SPEC = HEAD + """\
graph:
  nodes:
    - {id: look, kind: tool, impl: ./tools/tool.py:run, args: {x: VALUE}}
"""


@pytest.mark.xfail(strict=True, reason="a run is begun with it: oe/spec/arguments.py:23 looks at declared ones only")
@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("number", ["1e999", "-1e999"])
def test_an_infinite_argument_is_refused(program: Program, tmp_path: Path, number: str, command: str) -> None:
    counted = Counted(program, tmp_path / "keys", _SPEC.replace("VALUE", "$args.x"), "def run(inputs):\n    return None\n")
    done = program.run(command, "--args", f'{{"x": {number}}}', cwd=counted.folder)
    assert done.exit_code == 2, done.stderr[-400:]


@pytest.mark.xfail(strict=True, reason="the reader takes it, canonical refuses it: _spec_text in oe/launch.py")
@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan", "1e999"])
def test_an_infinite_number_in_the_spec_is_refused(program: Program, tmp_path: Path, number: str) -> None:
    counted = Counted(program, tmp_path / "keys", _SPEC.replace("VALUE", number), "def run(inputs):\n    return None\n")
    done = program.run("run", cwd=counted.folder)
    assert done.exit_code in (1, 3), done.stderr[-400:]
