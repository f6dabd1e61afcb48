"""Modules of tools: each folder a world of its own, so that `import helper` means the helper beside the tool.

Every module of a folder is known to Python under a private name (`oe_tool_3.helper`), and its code is run with an
`__import__` of its own, which looks into the folder before the rest of the world. So two folders may each have a
`helper.py`; that holds for an import inside a function too, in any thread, as an import statement asks the built-ins of
the code that it stands in. The standard library comes first: a tool named `json.py` does not hide json from the others
(`from . import json` finds it). Nothing is written: no bytecode beside the tools. The limit: a name that is a string
when it is imported (`importlib.import_module("helper")`) is looked up as if the tool were not there.

Runs on Python 3.8 and newer with the standard library alone, as it is handed to other interpreters (tool_process).
"""

from __future__ import annotations

import builtins
import itertools
import os
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType, ModuleType
from typing import Any

_numbers = itertools.count(1)


class ToolFolder:
    """One folder whose modules are loaded. When it is no longer used, its modules are forgotten."""

    def __init__(self, folder: str, read: Callable[[str], bytes] | None = None) -> None:
        self._finder = _Finder(f"oe_tool_{next(_numbers)}", folder, read or _read)
        package = ModuleType(self._finder.root)
        package.__path__ = [folder]
        sys.modules[self._finder.root] = package
        sys.meta_path.insert(0, self._finder)
        weakref.finalize(self, _forget, self._finder).atexit = False

    def load(self, path: str) -> ModuleType:
        """The module in the file `path` of the folder, run once however many threads ask. Raises what it raises."""
        name = os.path.basename(path)
        name = (name[:-3] if name.endswith(".py") else name).replace(".", "_")
        full = f"{self._finder.root}.{name}"
        self._finder.files[full] = path
        return import_module(full)


class _Finder:
    """Finds the modules of one folder by their private names. Must not refer to its ToolFolder, whose end it awaits."""

    def __init__(self, root: str, folder: str, read: Callable[[str], bytes]) -> None:
        self.root = root
        self.files: dict[str, str] = {}
        self._prefix = root + "."
        self._read = read
        self._names = _importable(folder)
        self._builtins: dict[str, Any] = dict(vars(builtins))
        self._builtins["__import__"] = self._import

    def find_spec(self, name: str, path: Sequence[str] | None = None,
                  target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec of a module of this folder; None for every other."""
        if not name.startswith(self._prefix):
            return None
        file = self.files.get(name)
        if file is not None:
            return spec_from_file_location(name, file, loader=_Loader(name, file, self._read, self._builtins))
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(name, spec.loader.path, self._read, self._builtins)
        return spec

    def _import(self, name: str, globals: Mapping[str, object] | None = None,
                locals: Mapping[str, object] | None = None, fromlist: Sequence[str] = (),
                level: int = 0) -> ModuleType:
        """`__import__` of the code in this folder."""
        top = name.partition(".")[0]
        if level or top not in self._names:
            return builtins.__import__(name, globals, locals, fromlist, level)
        found = builtins.__import__(self._prefix + name, globals, locals, fromlist, 0)
        return found if fromlist else sys.modules[self._prefix + top]


class _Loader(SourceFileLoader):
    """Runs a source file with the folder's own built-ins; neither reads nor writes bytecode."""

    def __init__(self, name: str, path: str, read: Callable[[str], bytes], own_builtins: dict[str, Any]) -> None:
        super().__init__(name, path)
        self._read = read
        self._builtins = own_builtins

    def get_data(self, path: str) -> bytes:
        """The file's bytes."""
        return self._read(path)

    def get_code(self, fullname: str) -> CodeType:
        """The code, from source."""
        return compile(self.get_data(self.path), self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        """Runs the module."""
        vars(module)["__builtins__"] = self._builtins
        exec(self.get_code(module.__name__), vars(module))


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _importable(folder: str) -> frozenset[str]:
    """The names that an import in this folder finds here, as they were when it was first used."""
    names = set()
    suffixes = (".py", *EXTENSION_SUFFIXES)
    with os.scandir(folder) as entries:
        for entry in entries:
            stem, dot, _ = entry.name.partition(".")
            is_module = entry.name[len(stem):] in suffixes if dot else entry.is_dir() and _holds_python(entry.path)
            if is_module and stem.isidentifier():
                names.add(stem)
    return frozenset(names - _standard_names())


def _holds_python(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(entry.name.endswith(".py") for entry in entries)
    except OSError:
        return False


def _standard_names() -> frozenset[str]:
    names = getattr(sys, "stdlib_module_names", None)  # from Python 3.10 on
    if names is not None:
        return frozenset(names)
    found = (name.partition(".")[0] for name in os.listdir(os.path.dirname(os.__file__)))
    return frozenset(sys.builtin_module_names) | frozenset(found)


def _forget(finder: _Finder) -> None:
    if finder in sys.meta_path:
        sys.meta_path.remove(finder)
    prefix = finder.root + "."
    for name in [name for name in sys.modules if name == finder.root or name.startswith(prefix)]:
        del sys.modules[name]
