"""The tools of the census: what is listed, what is counted, what is refused."""

from __future__ import annotations

import ast
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = "stdlib-census"

SOURCE = b'''\
"""A module."""
import os.path, sys
from json import loads
from . import sibling
from .. import package
import own.other

class Outer:
    class Inner:
        async def deep(self):
            import time
            return time

def first():
    def second():
        return 1
    return second
'''


@pytest.fixture
def library(tools: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small library in place of the real one."""
    monkeypatch.setattr(tools.modules, "folder", lambda: tmp_path)
    monkeypatch.setattr(tools.measure, "folder", lambda: tmp_path)
    for name in ("own/__init__.py", "own/deep/x.py", "z.py", "test/t.py", "own/tests/t.py", "idlelib/i.py",
                 "site-packages/s.py", "own/__pycache__/c.py", "own/data.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(SOURCE)
    return tmp_path


def listed(tools: Any, limit: int | None = None) -> list[dict[str, Any]]:
    modules: list[dict[str, Any]] = tools.modules.run({"limit": limit}, None)["modules"]
    return modules


def test_what_is_listed(tools: Any, library: Path) -> None:
    digest = sha256(SOURCE).hexdigest()
    assert listed(tools) == [
        {"module": module, "file": file, "size_bytes": len(SOURCE), "sha256": digest}
        for module, file in (("own", "own/__init__.py"), ("own.deep.x", "own/deep/x.py"), ("z", "z.py"))]
    assert [row["module"] for row in listed(tools, 2)] == ["own", "own.deep.x"]


def test_no_library_is_an_error(tools: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tools.modules, "folder", lambda: tmp_path)
    with pytest.raises(tools.modules.NoLibraryError, match="no Python file"):
        listed(tools)


def test_what_is_measured(tools: Any) -> None:
    assert tools.measure.measure("own.deep", SOURCE) == {
        "module": "own.deep", "lines": 17, "functions": 3, "classes": 2, "imports": ["json", "os", "sys", "time"],
        "longest": [{"function": "own.deep.first", "line": 14, "lines": 4},
                    {"function": "own.deep.Outer.Inner.deep", "line": 10, "lines": 3},
                    {"function": "own.deep.first.second", "line": 15, "lines": 2}]}


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbfx = 1\r\n", b"# coding: latin-1\nx = '\xe9'\n"])
def test_any_text_that_python_reads_is_measured(tools: Any, data: bytes) -> None:
    assert tools.measure.measure("m", data)["functions"] == 0


def test_functions_are_all_that_a_walk_over_the_tree_finds(tools: Any) -> None:
    data = Path(ast.__file__).read_bytes()
    expected = sum(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(ast.parse(data)))
    assert tools.measure.measure("ast", data)["functions"] == expected > 50


def test_only_what_was_listed_is_measured(tools: Any, library: Path) -> None:
    item = listed(tools)[2]
    inputs = {"$item": item, "python": tools.library.python()}
    assert tools.measure.run(inputs, None)["measures"][0]["module"] == "z"
    with pytest.raises(tools.measure.ChangedError, match=r"listed by Python 3\.4"):
        tools.measure.run(inputs | {"python": "3.4"}, None)
    (library / "z.py").write_bytes(SOURCE + b"# more\n")
    with pytest.raises(tools.measure.ChangedError, match=r"'z\.py' has changed since it was listed"):
        tools.measure.run(inputs, None)


def test_the_summary(tools: Any) -> None:
    def row(module: str, lines: int, *imports: str) -> dict[str, Any]:
        function = {"function": f"{module}.f", "line": 1, "lines": lines // 2}
        return {"module": module, "lines": lines, "functions": 1, "classes": 0, "imports": list(imports),
                "longest": [function]}

    measures = [row("a", 10, "os", "sys"), row("a.b", 30, "sys"), row("c", 20, "a")]
    modules = [{"module": name} for name in ("a", "a.b", "broken", "c")]
    found = tools.summary.run({"shown": 2, "_state": {"modules": modules, "measures": measures}}, None)
    assert found["totals"] == {"modules": 3, "lines": 60, "functions": 3, "classes": 0, "not_parsed": ["broken"]}
    assert [(each["package"], each["modules"], each["lines"]) for each in found["largest"]] == [
        ("a", 2, 40), ("c", 1, 20)]
    assert [each["function"] for each in found["longest_functions"]] == ["a.b.f", "c.f"]
    assert found["most_imported"] == [{"module": "sys", "importers": 2}, {"module": "a", "importers": 1}]


def test_the_report_names_what_was_not_parsed(tools: Any) -> None:
    totals = {"modules": 1, "lines": 1234, "functions": 0, "classes": 0, "not_parsed": ["broken"]}
    text = tools.report.render({"python": "3.12", "totals": totals, "most_imported": [], "longest_functions": [],
                                "largest": [{"package": "a", **totals}]})
    assert text.startswith("# The standard library of Python 3.12\n\n1 modules, 1,234 lines,")
    assert "Not parsed: `broken`.\n" in text and "| `a` | 1 | 1,234 | 0 | 0 |\n" in text
