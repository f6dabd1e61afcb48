"""The census of the standard library, run by the real program: what it counts, and what a second run leaves out."""

from __future__ import annotations

import ast
import os
import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.examples import copy_example
from tests.support.program import Program, interpreters, program_in

NODES = ["modules", "measures", "summary", "report"]


class Census:
    """A copy of the example that is run again and again."""

    def __init__(self, program: Program, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self._program = program
        self._arguments = arguments

    def run(self, *arguments: str) -> Any:
        """The result of a run that has to succeed."""
        result = self._program.run("run", self.folder, "--json", *self._arguments, *arguments)
        assert result.exit_code == 0, result.stderr
        return result.json()

    def replayed(self) -> Counter[str]:
        """How many results of each node the latest run took from the cache."""
        events = self._program.run("inspect", "--json", "-e", self.folder).json()["events"]
        return Counter(event["node_id"] for event in events if event["type"] == "node.cached")

    def edit(self, tool: str, old: str, new: str) -> None:
        """Changes the code of a tool."""
        path = self.folder / "tools" / tool
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(params=[40, pytest.param(None, marks=pytest.mark.long)], ids=["40 modules", "whole"])
def census(request: pytest.FixtureRequest, program: Program, tmp_path: Path) -> Census:
    limit = [] if request.param is None else ["--arg", f"limit={request.param}"]
    return Census(program, copy_example("stdlib-census", tmp_path), *limit)


def files_by_another_walk() -> Iterator[str]:
    """The library's modules, found with glob in place of walk."""
    root = Path(sysconfig.get_path("stdlib"))
    for path in root.glob("**/*.py"):
        parents = path.relative_to(root).parts[:-1]
        if all(name.isidentifier() for name in parents) and not {"test", "tests", "idlelib"} & set(parents):
            yield str(path.relative_to(root))


def test_the_figures_are_those_of_the_files(census: Census) -> None:
    state = census.run()["state"]
    root = Path(sysconfig.get_path("stdlib"))
    files = sorted(files_by_another_walk())[:len(state["modules"])]
    assert [row["file"] for row in state["modules"]] == files
    parsed = [ast.parse((root / file).read_bytes()) for file in files]
    kinds = Counter(type(node) for tree in parsed for node in ast.walk(tree))
    totals = state["totals"]
    assert (totals["modules"], totals["classes"], totals["not_parsed"]) == (len(files), kinds[ast.ClassDef], [])
    assert totals["functions"] == kinds[ast.FunctionDef] + kinds[ast.AsyncFunctionDef] > 100
    assert totals["lines"] == sum(len((root / file).read_bytes().splitlines()) for file in files)
    longest = max(node.end_lineno - node.lineno + 1 for tree in parsed for node in ast.walk(tree)  # type: ignore[operator]
                  if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    assert state["longest_functions"][0]["lines"] == longest
    report = (census.folder / "census.md").read_text(encoding="utf-8")
    assert report.startswith(f"# The standard library of Python {state['python']}\n\n{len(files)} modules, ")
    assert f"| `{state['most_imported'][0]['module']}` | {state['most_imported'][0]['importers']} |\n" in report


def test_the_second_run_only_lists(census: Census) -> None:
    first = census.run()
    items = len(first["state"]["modules"])
    assert census.replayed() == {}
    second = census.run()
    assert census.replayed() == {"measures": items, "summary": 1, "report": 1}
    assert {node["id"]: node["cached"] for node in second["nodes"] if node["id"] != "measures"} == {
        "modules": False, "summary": True, "report": True}
    assert second["state"] == first["state"] and [node["id"] for node in second["nodes"]] == NODES


def test_a_fan_out_that_was_all_replayed_says_so(census: Census) -> None:
    census.run()
    cached = {node["id"]: node["cached"] for node in census.run()["nodes"]}
    assert cached == {"modules": False, "measures": True, "summary": True, "report": True}


def test_an_edit_of_the_last_tool_runs_that_one_alone(census: Census) -> None:
    items = len(census.run()["state"]["modules"])
    census.edit("report.py", "# The standard library of", "# A census of")
    nodes = census.run()["nodes"]
    assert {node["id"]: node["cached"] for node in nodes if node["id"] != "measures"} == {
        "modules": False, "summary": True, "report": False}
    assert census.replayed() == {"measures": items, "summary": 1}
    assert (census.folder / "census.md").read_text(encoding="utf-8").startswith("# A census of Python")


def test_a_report_that_is_gone_or_spoilt_is_written_again(census: Census) -> None:
    census.run()
    report = census.folder / "census.md"
    whole = report.read_bytes()
    for spoil in (report.unlink, lambda: report.write_bytes(b"spoilt")):
        spoil()
        census.run()
        assert census.replayed()["report"] == 0 and report.read_bytes() == whole
    census.run()
    assert census.replayed()["report"] == 1


def test_more_modules_run_only_those_that_are_new(program: Program, tmp_path: Path) -> None:
    census = Census(program, copy_example("stdlib-census", tmp_path))
    census.run("--arg", "limit=15")
    state = census.run("--arg", "limit=20")["state"]
    assert census.replayed() == {"measures": 15} and state["totals"]["modules"] == 20


def test_another_python_reads_all_again(census_by_python: list[Census]) -> None:
    first, second = census_by_python
    first.run()
    second.run()
    assert second.replayed() == {}
    first.run()
    assert first.replayed()["measures"] == 5


@pytest.fixture
def census_by_python(tmp_path: Path) -> list[Census]:
    """One folder that two minor versions of Python run."""
    pythons = {version.split(".")[1]: python for version, python in interpreters().items()}
    if len(pythons) < 2:
        pytest.skip("only one minor version of Python is installed")
    folder = copy_example("stdlib-census", tmp_path)
    return [Census(program_in("checkout", tmp_path, python=python), folder, "--arg", "limit=5")
            for python in list(pythons.values())[:2]]


def test_a_library_with_a_changed_and_a_broken_file(program: Program, tmp_path: Path) -> None:
    census = Census(program, copy_example("stdlib-census", tmp_path))
    library = tmp_path / "library"
    library.mkdir()
    for name in ("a", "b", "c"):
        (library / f"{name}.py").write_text(f"def {name}():\n    return 1\n", encoding="utf-8")
    census.edit("library.py", 'Path(sysconfig.get_path("stdlib"))', f"Path({os.fspath(library)!r})")
    census.run()
    (library / "a.py").write_text("import json\n", encoding="utf-8")
    (library / "b.py").write_text("def broken(:\n", encoding="utf-8")
    state = census.run()["state"]
    assert census.replayed() == {"measures": 1}
    assert (state["totals"]["modules"], state["totals"]["not_parsed"]) == (2, ["b"])
    assert "Not parsed: `b`." in (census.folder / "census.md").read_text(encoding="utf-8")
