"""The importer of the built archive: modules from one block of bytecode, everything else from the zip around it.

Runs inside `oe.pyz` only, before anything else of the program, so it imports nothing that Python has not loaded by then
(`typing` alone would cost as much as all of this). A zip cannot cache bytecode, and zipimport reads and parses a module
twice, once only to learn its file name; one block read at once is cheaper, and a run goes on when the archive is
replaced beneath it.
"""

from __future__ import annotations

import marshal
import sys
from importlib.machinery import ModuleSpec
from zipimport import zipimporter
from zlib import decompress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.resources.abc import ResourceReader
    from types import CodeType, ModuleType

    Modules = Mapping[str, tuple[bool, bytes]]
    """Dotted name -> (whether it is a package, its compressed marshalled code)."""


class ArchiveImporter:
    """Finds and loads the modules of one block. Source and data files are read from the zip when someone asks."""

    def __init__(self, archive: str, modules: Modules) -> None:
        self.archive = archive
        self._modules = modules

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None,
                  ) -> ModuleSpec | None:
        """The module of this name, or None: the search then goes on along `sys.path`, as for any finder."""
        if name not in self._modules:
            return None
        is_package = self.is_package(name)
        origin = self.get_filename(name)
        spec = ModuleSpec(name, self, origin=origin, is_package=is_package)  # type: ignore[arg-type]  # a Loader in form
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [f"{self.archive}/{name.replace('.', '/')}"]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """None: Python makes the module object."""

    def exec_module(self, module: ModuleType) -> None:
        """Runs the module's bytecode in it."""
        exec(self.get_code(module.__name__), module.__dict__)

    def is_package(self, name: str) -> bool:
        return self._modules[name][0]

    def get_filename(self, name: str) -> str:
        """The source file's path, a path into the archive."""
        return f"{self.archive}/{name.replace('.', '/')}{'/__init__' if self.is_package(name) else ''}.py"

    def get_code(self, name: str) -> CodeType:
        code: CodeType = marshal.loads(decompress(self._modules[name][1]))
        return code

    def get_source(self, name: str) -> str:
        """What a traceback shows lines of."""
        return self.get_data(self.get_filename(name)).decode()

    def get_data(self, path: str) -> bytes:
        """The bytes of a file of the archive, by its path into it. Raises OSError."""
        return zipimporter(self.archive).get_data(path)

    def get_resource_reader(self, name: str) -> ResourceReader | None:
        """What `importlib.resources` reads a package's data files with."""
        folder = name.rpartition(".")[0].replace(".", "/")
        return zipimporter(f"{self.archive}/{folder}" if folder else self.archive).get_resource_reader(name)


def install(archive: str, modules: Modules) -> None:
    """Makes the block the first place where modules are looked for."""
    importer = ArchiveImporter(archive, modules)
    globals()["__loader__"] = importer  # this module was started by hand; so a traceback finds its lines too
    sys.meta_path.insert(0, importer)


def is_archive() -> bool:
    """Whether the program runs from a built archive, with bytecode or from the source in it."""
    return isinstance(getattr(sys.modules["oe"], "__loader__", None), zipimporter) or has_bytecode()


def has_bytecode() -> bool:
    """Whether the program runs from an archive's bytecode: not so on a Python for which the archive carries none."""
    return type(getattr(sys.modules["oe"], "__loader__", None)).__name__ == ArchiveImporter.__name__
