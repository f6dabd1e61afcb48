"""Modules of tools: each folder a world of its own, nothing written, nothing left."""

from __future__ import annotations

import gc
import sys
import threading
from pathlib import Path

import pytest

from oe.kinds.tool_modules import ToolFolder


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def load(folder: ToolFolder, path: Path) -> dict[str, object]:
    return vars(folder.load(str(path)))


def test_two_folders_each_have_their_own_helper_even_in_late_imports_and_threads(tmp_path: Path) -> None:
    late = "def late():\n    import helper\n    from helper import name\n    return [helper.name, name]\n"
    worlds = {}
    for each in ("one", "two"):
        write(tmp_path / each, helper=f"name = '{each}'", tool=f"import helper\nearly = helper.name\n{late}")
        worlds[each] = ToolFolder(str(tmp_path / each))
    found: dict[str, object] = {}

    def work(each: str) -> None:
        module = worlds[each].load(str(tmp_path / each / "tool.py"))
        found[each] = [module.early, *module.late()]

    threads = [threading.Thread(target=work, args=(each,)) for each in worlds for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"one": ["one"] * 3, "two": ["two"] * 3}
    assert "helper" not in sys.modules
    assert "tool" not in sys.modules


def test_tools_of_one_name_do_not_clash(tmp_path: Path) -> None:
    for each in ("one", "two"):
        write(tmp_path / each, fetch=f"name = '{each}'")
    folders = [ToolFolder(str(tmp_path / each)) for each in ("one", "two")]
    assert [load(folder, tmp_path / each / "fetch.py")["name"]
            for folder, each in zip(folders, ("one", "two"), strict=True)] == ["one", "two"]


def test_packages_submodules_relative_imports_and_circles(tmp_path: Path) -> None:
    write(tmp_path, package__inner="import sibling\nvalue = sibling.value + 1", sibling="value = 1\nimport package",
          beside="value = 5",
          tool="import package.inner\nimport package.inner as direct\nfrom package import inner, value\n"
               "from . import beside\nimport os.path\n"
               "seen = [package.inner.value, direct.value, inner.value, value, beside.value, os.path.sep]")
    (tmp_path / "package" / "__init__.py").write_text("from . import inner\nfrom .inner import value")
    assert load(ToolFolder(str(tmp_path)), tmp_path / "tool.py")["seen"] == [2, 2, 2, 2, 5, "/"]


def test_the_standard_library_is_not_hidden_by_a_tool_of_its_name(tmp_path: Path) -> None:
    write(tmp_path, json="import json\ndumps = json.dumps", statistics="ours = True",
          tool="import json\nimport statistics\nfrom . import statistics as own\n"
               "seen = [json.dumps(1), hasattr(statistics, 'mean'), own.ours]")
    folder = ToolFolder(str(tmp_path))
    assert load(folder, tmp_path / "tool.py")["seen"] == ["1", True, True]
    assert callable(load(folder, tmp_path / "json.py")["dumps"])


def test_the_current_folder_and_the_path_are_as_before(tmp_path: Path) -> None:
    write(tmp_path, helper="", tool="import helper")
    before = list(sys.path)
    load(ToolFolder(str(tmp_path)), tmp_path / "tool.py")
    assert sys.path == before


def test_no_bytecode_is_written(tmp_path: Path) -> None:
    write(tmp_path, helper="", package__inner="", tool="import helper\nimport package.inner")
    load(ToolFolder(str(tmp_path)), tmp_path / "tool.py")
    assert not list(tmp_path.rglob("__pycache__"))
    assert not list(tmp_path.rglob("*.pyc"))


def test_a_module_is_run_once_however_many_threads_ask(tmp_path: Path) -> None:
    write(tmp_path, tool="import counter\ncounter.runs.append(1)", counter="runs = []")
    folder = ToolFolder(str(tmp_path))
    barrier = threading.Barrier(8)
    modules = []

    def work() -> None:
        barrier.wait(100)
        modules.append(folder.load(str(tmp_path / "tool.py")))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, modules))) == 1
    assert modules[0].counter.runs == [1]


def test_an_edit_is_seen_by_the_next_world_at_once(tmp_path: Path) -> None:
    write(tmp_path, tool="from helper import value", helper="value = 1")
    assert load(ToolFolder(str(tmp_path)), tmp_path / "tool.py")["value"] == 1
    write(tmp_path, helper="value = 2")
    assert load(ToolFolder(str(tmp_path)), tmp_path / "tool.py")["value"] == 2


def test_a_world_that_is_no_longer_used_is_forgotten(tmp_path: Path) -> None:
    write(tmp_path, helper="", tool="import helper")
    gc.collect()  # of worlds of other tests
    modules, finders = set(sys.modules), list(sys.meta_path)
    folder = ToolFolder(str(tmp_path))
    load(folder, tmp_path / "tool.py")
    assert set(sys.modules) != modules
    del folder
    gc.collect()
    assert set(sys.modules) == modules
    assert sys.meta_path == finders


@pytest.mark.parametrize("name", ["fetch-diff.py", "v1.2.py", "no_suffix", "ünïcode.py", "class.py"])
def test_any_file_name_is_a_tool(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("value = __file__")
    assert load(ToolFolder(str(tmp_path)), tmp_path / name)["value"] == str(tmp_path / name)


def test_classes_know_their_module(tmp_path: Path) -> None:
    write(tmp_path, tool="import dataclasses, pickle, typing\n@dataclasses.dataclass\nclass Point:\n    x: 'int'\n"
          "same = pickle.loads(pickle.dumps(Point(1))) == Point(1)\nhints = typing.get_type_hints(Point)")
    folder = ToolFolder(str(tmp_path))
    assert load(folder, tmp_path / "tool.py")["same"] is True
    assert load(folder, tmp_path / "tool.py")["hints"] == {"x": int}


def test_a_missing_module_says_so_in_the_tools_words(tmp_path: Path) -> None:
    write(tmp_path, tool="import package.missing", package__inner="")
    folder = ToolFolder(str(tmp_path))
    with pytest.raises(ModuleNotFoundError):
        load(folder, tmp_path / "tool.py")
