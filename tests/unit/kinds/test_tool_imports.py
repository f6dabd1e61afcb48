"""The files that a tool is made of: each that an import of it can lead to."""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from oe.kinds.tool_imports import import_closure
from oe.store.local_files import LocalFiles


def closure(folder: Path, tool: str, *others: str, is_own_python: bool = True) -> list[str]:
    """What the tool `tools/x.py` is made of, beside itself; `others` are there, with nothing in them."""
    for name, text in (("tools/x.py", tool), *((name, "") for name in others)):
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    files = LocalFiles(folder)
    found = import_closure("tools/x.py", files, files.read_bytes, is_own_python=is_own_python)
    return sorted(found.keys() - {"tools/x.py"})


@pytest.mark.parametrize(("text", "expected"), [
    ("import a", ["tools/a.py"]),
    ("def run(inputs):\n    if inputs:\n        import a", ["tools/a.py"]),
    ("from a import name", ["tools/a.py"]),
    ("from . import a, json", ["tools/a.py", "tools/json.py"]),
    ("import json", []),
    ("from json import loads\nfrom json import *", []),
    ("import p.q.r", ["tools/p/__init__.py", "tools/p/q/__init__.py", "tools/p/q/r.py"]),
    ("from p.q import r", ["tools/p/__init__.py", "tools/p/q/__init__.py", "tools/p/q/r.py"]),
    ("from p import *", ["tools/p/__init__.py", "tools/p/listed.py"]),
    ("from .p import *", ["tools/p/__init__.py", "tools/p/listed.py"]),
    ("a = __import__('a')", ["tools/a.py"]),
    ("import importlib\nimportlib.import_module('.a', __package__)", ["tools/a.py"]),
    ("from importlib import import_module as load, import_module\nimport_module('p.q')",
     ["tools/p/__init__.py", "tools/p/q/__init__.py"]),
    ("import importlib\nname = 'a'\nimportlib.import_module(name)", []),
    ("import_module('json')", []),
    ("import_module('../a')\nimport_module('')\nimport_module('...')\n__import__()", []),
    ("import fast", [f"tools/fast{EXTENSION_SUFFIXES[0]}"]),
    ("import nowhere", []),
    ("import a from b", []),
])
def test_what_an_import_leads_to(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert closure(tmp_path, text, "tools/a.py", "tools/json.py", "tools/p/__init__.py", "tools/p/listed.py",
                   "tools/p/q/__init__.py", "tools/p/q/r.py", f"tools/fast{EXTENSION_SUFFIXES[0]}", "a.py") == expected


def test_imports_of_imports_in_circles(tmp_path: Path) -> None:
    closure(tmp_path, "", "tools/p/__init__.py")
    (tmp_path / "tools/p/deep.py").write_text("from .. import a\nfrom . import deep\nimport x\n", encoding="utf-8")
    assert closure(tmp_path, "import p.deep", "tools/a.py") == ["tools/a.py", "tools/p/__init__.py", "tools/p/deep.py"]


def test_another_python_may_lack_what_this_one_has(tmp_path: Path) -> None:
    assert closure(tmp_path, "import tomllib", "tools/tomllib.py", is_own_python=False) == ["tools/tomllib.py"]
