"""`oe graph` through the real program: experiences with everything in them, and with very many nodes."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from tests.support.experiences import write_experience
from tests.support.program import ROOT, Program
from tests.support.shapes import check_shape

SPEC = """\
name: drawn
version: 1.0.0
phases: [{id: get, title: "1. Get"}]
state: {schema: {files: {type: array, default: []}, n: {type: integer, default: 1}}}
graph:
  nodes:
    - {id: fetch, kind: tool, command: [x], phase: get, writes: [files]}
    - {id: review, kind: tool, command: [x], for_each: {source: $.files}, reads: [files]}
    - {id: one, kind: tool, command: [x]}
    - {id: two, kind: tool, command: [x]}
    - {id: body, kind: tool, command: [x]}
    - {id: last, kind: tool, command: [x], join: always, needs: [again, review]}
  pipelines: [{id: pipe, items: [1, 2], stages: [one, two]}]
  loops: [{id: again, body: body, until: $.n > 3, max_iters: 4}]
  edges:
    - {from: fetch, to: review, when: length($.files) > 0}
    - {from: fetch, to: pipe}
    - {from: pipe, to: again}
"""


@pytest.mark.every_form
def test_each_format_shows_every_unit(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "drawn", SPEC)
    for arguments in ((), ("--format", "text"), ("--format", "mermaid"), ("--format", "dot")):
        result = program.run("graph", *arguments, folder)
        assert (result.exit_code, result.stderr) == (0, "")
        for name in ("fetch", "review", "one", "two", "body", "last", "pipe", "again"):
            assert name in result.stdout
    value = program.run("graph", "--json", cwd=folder).json()
    check_shape(value, "graph")
    assert {node["id"]: node["depth"] for node in value["nodes"]} == {"fetch": 0, "review": 1, "pipe": 1, "again": 2, "last": 3}
    assert {"from": "fetch", "to": "review", "when": "length($.files) > 0"} in value["edges"]
    assert [member["id"] for node in value["nodes"] for member in node["members"]] == ["one", "two", "body"]
    assert sorted(path.name for path in folder.iterdir()) == ["experience.yaml"], "nothing is made"


def test_wrong_calls_and_wrong_experiences(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "bad", SPEC.replace("from: pipe", "from: pip"))
    assert program.run("graph", folder).exit_code == 3
    assert program.run("graph", tmp_path / "none").exit_code == 5
    wrong = program.run("graph", folder, "--format", "mermaud")
    assert (wrong.exit_code, "did you mean 'mermaid'?" in wrong.stderr) == (2, True)
    assert program.run("graph", folder, "--format", "dot", "--json").exit_code == 2


@pytest.mark.parametrize("example", [path.name for path in sorted((ROOT / "examples").iterdir()) if (path / "experience.yaml").is_file()])
def test_every_example_is_drawn(program: Program, example: str) -> None:
    lines = program.run("graph", ROOT / "examples" / example).stdout.splitlines()
    assert lines[0].startswith(f"{example} ") and len(lines) > 3


def test_ten_thousand_nodes_in_a_chain(program: Program, tmp_path: Path) -> None:
    folders = {size: chain(tmp_path / str(size), size) for size in (1_000, 10_000)}
    for form, last in (("text", " 9999  n9999"), ("mermaid", "  u9998 --> u9999"), ("dot", '  "n9998" -> "n9999";')):
        took: dict[int, float] = {}
        for size, folder in folders.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            result = program.run("graph", "--format", form, cwd=folder)
            took[size] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        assert result.exit_code == 0
        assert last in result.stdout
        assert took[10_000] < 40 * took[1_000], "a quadratic one would take a hundred times as long"
        assert ("maxEdges" in result.stderr) == (form == "mermaid")


def chain(folder: Path, size: int) -> Path:
    nodes = "\n".join(f"    - {{id: n{number}, kind: tool, command: [x], needs: [{f'n{number - 1}' if number else ''}]}}"
                      for number in range(size))
    return write_experience(folder, f"name: chain\nversion: 1.0.0\ngraph:\n  nodes:\n{nodes}\n")
