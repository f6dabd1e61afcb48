"""Compiles the staged source into one block of the archive, for the Python that runs this.

Run as `compile_modules.py TREE BLOCKS`, in a fresh process with `-X no_debug_ranges`: marshalled bytecode depends on
what a process has done before, and tables of columns are a quarter of the size; a traceback keeps lines, not carets.
What it writes for `pack.py`, marshalled: Python's magic number, the importer's compressed code, the modules each with
the number of its group, and for each group the marshalled code by name.
"""

from __future__ import annotations

import ast
import importlib.util
import marshal
import subprocess
import sys
import zlib
from pathlib import Path
from types import CodeType

sys.path.insert(0, str(Path(__file__).parent.parent))

from archiver.line_tables import shorten_line_tables
from archiver.reduce import reduce_modules

Codes = dict[str, CodeType]

STARTS = ("--version", "run", "live", "plan", "inspect")
"""What `record_start.py` can do; each loads the groups up to its own, those who only look at runs too."""


def compile_tree(tree: Path) -> tuple[Codes, set[str]]:
    """The code of every module by dotted name, and which are packages."""
    files = {_module_of(path.relative_to(tree)): path for path in sorted(tree.rglob("*.py"))}
    trees = reduce_modules({name: path.read_bytes() for name, path in files.items()})
    packages = {name for name, path in files.items() if path.stem == "__init__"}
    return {name: _compile(trees[name], path.relative_to(tree)) for name, path in files.items()}, packages


def _module_of(file: Path) -> str:
    return ".".join(file.with_suffix("").parts).removesuffix(".__init__")


def _compile(tree: ast.Module, file: Path) -> CodeType:
    # A file name that is nowhere on disk: a traceback asks the importer for its lines.
    return shorten_line_tables(compile(tree, f"oe.pyz/{file}", "exec", dont_inherit=True, optimize=0))


def group(names: list[str], tree: Path, codes: bytes) -> list[list[str]]:
    """The names in groups: what every start needs, what a run of tools needs besides, what those who look at it need
    besides that, and all others.

    Each start that a group serves is made once, in another process, which says what it has imported.
    """
    groups: list[list[str]] = []
    left = names
    for what in STARTS:
        command = [sys.executable, "-S", "-s", "-B", str(Path(__file__).with_name("record_start.py")), str(tree), what]
        imported = subprocess.run(command, input=codes, stdout=subprocess.PIPE, check=True).stdout.decode().split()
        groups.append([name for name in left if name in imported])
        left = [name for name in left if name not in imported]
    return [*groups, left]


def build_block(tree: Path) -> bytes:
    """The whole block."""
    codes, packages = compile_tree(tree)
    groups = group(list(codes), tree, marshal.dumps((codes, sorted(packages))))
    modules = {name: (name in packages, number) for number, names in enumerate(groups) for name in names}
    marshalled = tuple({name: marshal.dumps(codes[name]) for name in names} for names in groups)
    importer = zlib.compress(marshal.dumps(codes["oe.archive"]), 9)
    return marshal.dumps((importlib.util.MAGIC_NUMBER, importer, modules, marshalled), 2)


if __name__ == "__main__":
    Path(sys.argv[2], str(sys.implementation.cache_tag)).write_bytes(build_block(Path(sys.argv[1])))
