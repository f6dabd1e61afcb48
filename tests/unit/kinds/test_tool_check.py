"""What validation sees of tools: each problem with its code, its place and what was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from oe.kinds.tool import ToolKind
from oe.kinds.tool_source import read_source
from oe.values import Json
from tests.unit.kinds.attempts import Experiment

GOOD = "def run(inputs, ctx): return {}\ndef fetch_all(inputs): return {}\n"


def codes(experiment: Experiment, **options: Json) -> list[str]:
    return [problem.code for problem in experiment.check(**options)]


@pytest.mark.parametrize(("impl", "code", "message", "hint"), [
    ("./tools/good.py:fetch_al", "tool-no-function", "defines no function 'fetch_al'",
     "did you mean './tools/good.py:fetch_all'?"),
    ("./tools/god.py", "missing-file", "there is no file './tools/god.py'", "did you mean './tools/good.py'?"),
    ("./tool/good.py", "missing-file", "there is no file", "did you mean './tools/good.py'?"),
    ("../good.py", "path-outside", "", None),
    ("/etc/passwd", "path-outside", "", None),
    ("./tools/link.py", "path-outside", "", None),
    ("./tools", "not-a-file", "is a folder", None),
    ("./tools/broken.py", "tool-not-python", "tools/broken.py:2:", None),
    ("./tools/nul.py", "tool-not-python", "tools/nul.py", None),
    ("./tools/many.py", "tool-parameters", "wants 3 arguments", "write def run(inputs, ctx)"),
    ("./tools/many.py:keyword", "tool-parameters", "wants the keyword 'name'", None),
    ("./tools/none.py", "tool-no-function", "defines no function 'run'", "write './tools/none.py:other', or"),
    ("./tools/empty.py", "tool-no-function", "defines no function 'run'", "write def run(inputs, ctx)"),
])
def test_a_python_tool_that_cannot_be_run(experiment: Experiment, impl: str, code: str, message: str,
                                          hint: str | None) -> None:
    experiment.write("tools/good.py", GOOD)
    experiment.write("tools/broken.py", "x = 1\ndef run(:\n")
    experiment.write("tools/nul.py", b"x = 1\0")
    experiment.write("tools/many.py", "def run(a, b, c): pass\ndef keyword(inputs, *, name): pass")
    experiment.write("tools/none.py", "def other(): pass\ndef _hidden(): pass")
    experiment.write("tools/empty.py", "")
    (experiment.folder / "tools" / "link.py").symlink_to("/etc/hostname")
    (experiment.folder.parent / "good.py").write_text(GOOD)
    problem = next(each for each in experiment.check(impl=impl) if each.severity == "error")
    assert (problem.code, message in problem.message) == (code, True), problem
    assert problem.span is not None
    assert problem.span.line > 1
    if hint is not None:
        assert hint in (problem.hint or "")


@pytest.mark.parametrize("source", [
    GOOD, "async def run(inputs): pass", "from helper import run", "import helper as run", "from helper import *",
    "def make(): pass\nrun = make()", "run: object = 3", "try:\n    from a import run\nexcept ImportError:\n    pass",
    "if True:\n    def run(): pass", "class run:\n    pass", "def __getattr__(name): pass",
    "@decorated\ndef run(a, b, c, d): pass", "with x as run: pass", "for run in y: pass",
    "def run(inputs, ctx, more=1, *, name=2, **rest): pass",
])
def test_a_function_may_come_about_in_many_ways(experiment: Experiment, source: str) -> None:
    experiment.write("tools/x.py", source)
    assert codes(experiment, impl="./tools/x.py") == []


@pytest.mark.parametrize(("options", "code", "at"), [
    ({}, "tool-nothing-to-run", '"id"'),
    ({"impl": "./x.py", "command": ["true"]}, "tool-impl-and-command", '"command"'),
    ({"impl": "./x.py", "output": "text"}, "tool-output-without-command", '"output"'),
    ({"impl": "./x.py", "python": "python3", "isolation": "inline"}, "tool-python-inline", '"python"'),
    ({"impl": "./x.py", "workdir": ".", "isolation": "inline"}, "tool-workdir-inline", '"workdir"'),
    ({"command": ["true"], "isolation": "process"}, "tool-key-without-impl", '"isolation"'),
    ({"command": ["true"], "python": "python3"}, "tool-key-without-impl", '"python"'),
    ({"command": ["x"], "output": "lines", "writes": ["a", "b"]}, "tool-output-fields", '"lines"'),
    ({"command": [3]}, "tool-no-program", "3"),
    ({"command": [""]}, "tool-no-program", '""'),
    ({"command": ["$args.given"]}, "tool-program-reference", '"$args.given"'),
    ({"command": ["../x"]}, "path-outside", '"../x"'),
    ({"command": ["./tools/../../x"]}, "path-outside", '"./tools'),
    ({"command": ["./y.sh"]}, "missing-file", '"./y.sh"'),
    ({"command": ["true", "$arg.given"]}, "invalid-reference", '"$arg.given"'),
    ({"command": ["true", {"k": "$args.["}]}, "invalid-reference", '"$args.["'),
    ({"command": ["true"], "workdir": "$nope.x"}, "invalid-reference", '"$nope.x"'),
    ({"command": ["true"], "workdir": "../.."}, "path-outside", '"../.."'),
    ({"command": ["true"], "workdir": "subb"}, "missing-folder", '"subb"'),
])
def test_keys_that_do_not_go_together(experiment: Experiment, options: dict[str, Json], code: str, at: str) -> None:
    experiment.write("x.py", GOOD)
    experiment.write("x.sh", "#!/bin/sh\n", executable=True)
    experiment.write("sub/x", "")
    experiment_, problems = experiment.build(**options)
    assert experiment_ is None
    problem = next(each for each in problems if each.code == code)
    assert problem.span is not None
    lines = _text_of(experiment, options).splitlines()
    assert lines[problem.span.line - 1][problem.span.column - 1:].startswith(at) or at == '"id"'


def test_a_program_whose_name_is_no_text_in_yaml_is_to_be_quoted(experiment: Experiment) -> None:
    _, problems = experiment.build(command=[True])
    assert [(each.code, each.hint) for each in problems] == [("tool-no-program", "quote it: 'true'")]


def _text_of(experiment: Experiment, options: dict[str, Json]) -> str:
    """The text in which the problem stands, as `Experiment.build` writes it."""
    import json

    from tests.unit.kinds.attempts import FIELDS

    node = {"id": "node", "kind": "tool", "cache": False, **options}
    return json.dumps({"name": "x", "version": "1.0.0", "args": {"given": {}},
                       "state": {"schema": {field: {} for field in FIELDS}}, "graph": {"nodes": [node]}}, indent=1)


@pytest.mark.parametrize("options", [
    {"command": ["./x.sh"]}, {"command": ["x.sh"], "workdir": "sub"}, {"command": ["../x.sh"], "workdir": "sub"},
    {"command": ["/bin/true"]}, {"command": ["$$HOME"]}, {"command": ["./venv/python"]},
    {"command": ["./anything"], "workdir": "$args.given"},
    {"command": ["x"], "output": "text", "writes": ["a"]}, {"impl": "./x.py", "python": "./venv/python"},
    {"impl": "./x.py", "workdir": "sub"},
])
def test_what_goes_together(experiment: Experiment, options: dict[str, Json]) -> None:
    experiment.write("x.py", GOOD)
    experiment.write("x.sh", "#!/bin/sh\n", executable=True)
    experiment.write("venv/x", "")
    (experiment.folder / "venv" / "python").symlink_to("/usr/bin/env")
    experiment.write("sub/x", "")
    assert codes(experiment, **options) == []


def test_checking_and_preparing_never_execute_a_tool(experiment: Experiment) -> None:
    trap = experiment.folder / "executed"
    experiment.write("tools/x.py", f"open({str(trap)!r}, 'w')\ndef run(): return {{}}")
    experiment.write("x.sh", f"#!/bin/sh\ntouch {trap}\n", executable=True)
    experiment.executor(impl="./tools/x.py")
    experiment.executor(impl="./tools/x.py", isolation="process")
    experiment.executor(command=["./x.sh"])
    assert not trap.exists()


def test_references_are_told_with_their_path(experiment: Experiment) -> None:
    node = experiment.node(command=["true", "$args.given", {"deep": ["$.a.b"]}], workdir="$args.given.x", reads=["a"])
    assert [(path, reference.text) for path, reference in ToolKind().references(node)] == [
        (("command", 1), "$args.given"), (("command", 2, "deep", 0), "$.a.b"), (("workdir",), "$args.given.x")]


def test_a_file_that_many_nodes_name_is_read_once(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment.write("x.py", GOOD)
    read: list[str] = []
    original = experiment.files.read_bytes
    monkeypatch.setattr(experiment.files, "read_bytes", lambda path: (read.append(path), original(path))[1])
    kind = ToolKind()
    experience, _ = experiment.build(impl="./x.py", timeout=3)
    assert experience is not None
    read.clear()
    for _ in range(50):
        list(kind.check(experience.nodes["node"], experience, experiment.files))
        kind.prepare(experience.nodes["node"], experiment.files)
    assert len(read) == 1


def test_hostile_sources_are_problems() -> None:
    for source in (b"(" * 100_000, b"x = " + b"-" * 100_000 + b"1", b"# coding: no-such-codec\n", b"\xff\xfe",
                   "x = '\ud800'".encode("utf-8", "surrogatepass")):
        assert read_source(source, "x.py").problem is not None


def test_nothing_is_left_beside_the_tools(experiment: Experiment) -> None:
    experiment.write("tools/helper.py", "")
    experiment.write("tools/x.py", "import helper\ndef run(): return {}")
    for isolation in ("inline", "process"):
        experiment.run(impl="./tools/x.py", isolation=isolation)
    assert sorted(path.name for path in Path(experiment.folder, "tools").iterdir()) == ["helper.py", "x.py"]
