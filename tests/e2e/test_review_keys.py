"""Keys of the cache: what changes a result changes its key, and nothing else does."""

from __future__ import annotations

import json
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


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("number", ["1e999", "-1e999"])
def test_an_infinite_argument_is_refused(program: Program, tmp_path: Path, number: str, command: str) -> None:
    counted = Counted(program, tmp_path / "keys", _SPEC.replace("VALUE", "$args.x"), "def run(inputs):\n    return None\n")
    done = program.run(command, "--args", f'{{"x": {number}}}', cwd=counted.folder)
    assert done.exit_code == 2, done.stderr[-400:]


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan", "1e999"])
def test_an_infinite_number_in_the_spec_is_refused(program: Program, tmp_path: Path, number: str) -> None:
    counted = Counted(program, tmp_path / "keys", _SPEC.replace("VALUE", number), "def run(inputs):\n    return None\n")
    done = program.run("run", cwd=counted.folder)
    assert (done.exit_code, done.stderr.count('not-finite')) == (3, 1), done.stderr[-400:]
    assert 'experience.yaml:5:' in done.stderr


def test_the_index_is_given_where_the_tool_can_see_it_and_nowhere_else(program: Program, tmp_path: Path) -> None:
    """The same inline and in a process of its own."""
    for number, isolation in enumerate(("inline", "process")):
        text = HEAD + EACH.replace("kind: tool,", f"kind: tool, isolation: {isolation},")
        counted = Counted(program, tmp_path / str(number), text, """\
from count import count

def run(inputs, ctx):
    count(inputs["$item"], ctx)
    return {"out": [inputs["$item"], getattr(ctx, "x", None)]}
""")
        assert counted.run("--arg", "items=[1,2]").names == [1, 2]
        assert counted.run("--arg", "items=[2,1,3]").names == [3], "items that only moved ran again"
        counted.edit("tools/tool.py", "count(", "list(inputs); count(")
        counted.run("--arg", "items=[2,1,3]")
        assert counted.run("--arg", "items=[2,1,3,4]").names == [4], "one more at the end is one more to run"
        assert counted.run("--arg", "items=[5,2]").names == [2, 5]


def test_a_tool_that_is_a_link_is_known_by_the_modules_beside_its_file(program: Program, tmp_path: Path) -> None:
    counted = Counted(program, tmp_path / "keys", HEAD + """\
state: {schema: {text: {type: string}}}
graph:
  nodes:
    - {id: look, kind: tool, impl: ./tools/link.py:run, writes: [text]}
""", "")
    counted.write("lib/real.py", "import helper\n\ndef run(inputs):\n    return {'text': helper.TEXT}\n")
    counted.write("lib/helper.py", "TEXT = 'old'\n")
    (counted.folder / "tools/link.py").symlink_to("../lib/real.py")
    assert counted.run().state == {"text": "old"}
    counted.write("lib/helper.py", "TEXT = 'new'\n")
    assert counted.run().state == {"text": "new"}


def test_a_process_runs_the_code_that_its_key_holds(program: Program, tmp_path: Path) -> None:
    counted = Counted(program, tmp_path / "keys", HEAD + """\
state: {schema: {text: {type: string}}}
graph:
  nodes:
    - {id: look, kind: tool, impl: ./tools/tool.py:look, isolation: process, writes: [text],
       on_error: {policy: retry, attempts: 2, base_ms: 1}}
""", """\
def look(inputs, ctx):
    import helper
    if ctx.attempt == 1:
        with open(ctx.folder + "/tools/helper.py", "w") as file:
            file.write("TEXT = 'new'")
        raise ValueError("again")
    return {"text": helper.TEXT}
""")
    counted.write("tools/helper.py", "TEXT = 'old'")
    assert counted.run().state == {"text": "old"}
    assert counted.run().node("look")["cached"] is False, "the code is another by now"


def test_a_file_that_is_named_twice_is_in_a_key_once(program: Program, tmp_path: Path) -> None:
    text = HEAD + "graph:\n  nodes:\n    - {id: look, kind: tool, impl: ./tools/tool.py:run, inputs: ['tools/*.py']}\n"
    counted = Counted(program, tmp_path / "keys", text, "import count\n\ndef run(inputs):\n    return None\n")
    counted.run()
    parts = json.loads(counted.entries()[0].read_text(encoding="utf-8"))["meta"]["parts"]
    assert sorted(parts) == ["file:tools/count.py", "file:tools/tool.py", "spec"]


@pytest.mark.parametrize("pattern", ["data/link/*.txt", "data/**", "data/**/*.txt", "data/l*/n.txt"])
def test_files_behind_a_link_to_a_folder_are_seen(program: Program, tmp_path: Path, pattern: str) -> None:
    counted = Counted(program, tmp_path / "keys", HEAD + f"""\
state: {{schema: {{text: {{type: string}}}}}}
graph:
  nodes:
    - {{id: look, kind: tool, impl: ./tools/tool.py:run, inputs: ["{pattern}"], writes: [text]}}
""", "def run(inputs, ctx):\n    return {'text': open(ctx.folder + '/data/link/n.txt').read()}\n")
    counted.write("real/n.txt", "old")
    counted.write("data/other.txt", "")
    (counted.folder / "data/link").symlink_to("../real")
    (counted.folder / "real/round").symlink_to("..")
    assert counted.run().state == {"text": "old"}
    counted.write("real/n.txt", "new")
    assert counted.run().state == {"text": "new"}


def test_an_infinite_number_in_a_spec_of_json_is_refused(program: Program, tmp_path: Path) -> None:
    counted = Counted(program, tmp_path / "keys", "", "")
    (counted.folder / "experience.yaml").unlink()
    counted.write("experience.json", '{"name": "x", "version": "1.0.0", "graph": {"nodes": [{"id": "a", "x": 1e999}]}}')
    done = program.run("validate", "experience.json", cwd=counted.folder)
    assert done.exit_code == 3 and "experience.json:1:" in done.stdout, done.stderr


@pytest.mark.parametrize("argument", ["x=1e999", "x=[1, {\"y\": -1e999}]", "x=NaN"])
def test_an_infinite_argument_is_refused_one_by_one(program: Program, tmp_path: Path, argument: str) -> None:
    text = _SPEC.replace("graph:", "args: {x: {type: [array, number]}}\ngraph:").replace("VALUE", "$args.x")
    counted = Counted(program, tmp_path / "keys", text, "def run(inputs):\n    return None\n")
    done = program.run("run", "--arg", argument, cwd=counted.folder)
    assert done.exit_code == 2 and "Traceback" not in done.stderr, done.stderr[-400:]
