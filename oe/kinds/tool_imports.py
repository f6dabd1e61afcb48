"""Which files a Python tool is made of: its static import closure inside the experience, read and never executed."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.machinery import EXTENSION_SUFFIXES

from oe.errors import OeError
from oe.ports.files import Files

_IMPORTERS = frozenset({"__import__", "import_module"})


def import_closure(path: str, files: Files, read: Callable[[str], bytes], *,
                   is_own_python: bool = True) -> dict[str, bytes]:
    """The tool's file and every file of the experience that it imports, directly or not, by path. A name that the
    standard library has means the standard library's, but another Python than this one may not have it. A name that is
    only known at run time is not seen. Raises OeError where the tool's own file is not there."""
    imports = _Imports(path.rpartition("/")[0], files, sys.stdlib_module_names if is_own_python else frozenset())
    found = {path: read(path)}
    waiting = [path]
    while waiting:
        current = waiting.pop()
        for candidate in imports.of(found[current], current.rpartition("/")[0]):
            if candidate not in found:
                with suppress(OeError):  # no such file, or one outside: not this tool's
                    if files.is_file(candidate):
                        found[candidate] = read(candidate)
                        waiting.append(candidate)
    return found


class _Imports:
    """What imports may mean. `folder` is the tool's, where absolute names start, but for those in `standard`."""

    def __init__(self, folder: str, files: Files, standard: frozenset[str]) -> None:
        self._folder = folder
        self._files = files
        self._standard = standard

    def of(self, data: bytes, place: str) -> Iterator[str]:
        """Paths that the imports of a file in the folder `place` may mean."""
        try:
            tree = ast.parse(data)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield from self._named(0, alias.name, place)
            elif isinstance(node, ast.ImportFrom):
                yield from self._from(node, place)
            elif isinstance(node, ast.Call):
                name = _written_name(node)
                relative = name.lstrip(".")
                yield from self._named(len(name) - len(relative), relative, place)

    def _from(self, node: ast.ImportFrom, place: str) -> Iterator[str]:
        module = node.module or ""
        yield from self._named(node.level, module, place)
        for alias in node.names:
            if alias.name == "*":
                yield from self._listed(node.level, module, place)
            else:
                yield from self._named(node.level, f"{module}.{alias.name}".strip("."), place)

    def _named(self, level: int, name: str, place: str) -> Iterator[str]:
        """A module file, or each package on the way to it."""
        names = name.split(".")
        if not name or "/" in name or (level == 0 and names[0] in self._standard):
            return
        stem = self._base(level, place)
        for part in names:
            stem = f"{stem}/{part}" if stem else part
            yield f"{stem}/__init__.py"
        yield f"{stem}.py"
        for suffix in EXTENSION_SUFFIXES:
            yield stem + suffix

    def _listed(self, level: int, name: str, place: str) -> Iterator[str]:
        """Every module of a package that all is imported from: which of them `__all__` names is known at run time."""
        base = self._base(level, place)
        package = "/".join(part for part in (base, *name.split(".")) if part)
        if level or name.partition(".")[0] not in self._standard:
            with suppress(OeError):
                for entry in self._files.names(package or "."):
                    if entry.endswith(".py"):
                        yield f"{package}/{entry}" if package else entry

    def _base(self, level: int, place: str) -> str:
        if level == 0:
            return self._folder
        for _ in range(level - 1):
            place = place.rpartition("/")[0]
        return place


def _written_name(call: ast.Call) -> str:
    """What `__import__("x")` and `importlib.import_module("x")` name where it is written out; else nothing."""
    function = call.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    match call.args:
        case [ast.Constant(value=str(module)), *_] if name in _IMPORTERS:
            return module
    return ""
