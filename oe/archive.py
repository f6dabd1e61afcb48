"""The importer of the built archive: modules from its blocks of bytecode or its source, data files from the zip around.

Runs inside `oe.pyz` only, before anything else of the program, so it imports nothing that Python has not loaded by then
(`typing` alone would cost as much as all of this). A zip cannot cache bytecode, and zipimport reads and parses a module
twice, once only to learn its file name; a block read at once is cheaper, and a run goes on when the archive is replaced
beneath it. Modules lie in groups that are loaded whole, the first with what every start needs: so they compress well.
"""

from __future__ import annotations

import marshal
import sys
from importlib.machinery import ModuleSpec
from itertools import accumulate, chain
from zipimport import zipimporter
from zlib import decompress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.resources.abc import ResourceReader
    from types import CodeType, ModuleType

    Modules = Mapping[str, tuple[bool, int]]
    """Dotted name -> (whether it is a package, the number of its group)."""

SOURCE = "source.tar.bz2"
"""The archive's file that holds the source."""


class ArchiveImporter:
    """Finds and loads the modules of an archive; without groups of bytecode, from the source."""

    def __init__(self, archive: str, modules: Modules, groups: Sequence[tuple[bytes, bytes]]) -> None:
        self.archive = archive
        self.has_bytecode = bool(groups)
        self._modules = modules
        self._groups = groups
        self._codes: dict[str, CodeType] = {}
        self._sources: dict[str, bytes] = {}

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None,
                  ) -> ModuleSpec | None:
        """The module of this name, or None: the search then goes on along `sys.path`, as for any finder."""
        if name not in self._modules:
            return None
        is_package = self.is_package(name)
        origin = self.get_filename(name)
        spec = ModuleSpec(name, self, origin=origin, is_package=is_package)  # type: ignore[arg-type]  # a Loader in form
        spec.has_location = True
        spec.cached = self.archive  # else Python works out the name of a file beside it, for every module
        if is_package:
            spec.submodule_search_locations = [f"{self.archive}/{name.replace('.', '/')}"]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """None: Python makes the module object."""

    def exec_module(self, module: ModuleType) -> None:
        """Runs the module's code in it."""
        exec(self.get_code(module.__name__), module.__dict__)

    def is_package(self, name: str) -> bool:
        return self._modules[name][0]

    def get_filename(self, name: str) -> str:
        """The source file's path, a path into the archive."""
        return f"{self.archive}/{name.replace('.', '/')}{'/__init__' if self.is_package(name) else ''}.py"

    def get_code(self, name: str) -> CodeType:
        if name not in self._codes:
            group = self._modules[name][1]
            self._codes |= self._compiled(name) if not self.has_bytecode else load_group(*self._groups[group])
        return self._codes[name]

    def _compiled(self, name: str) -> dict[str, CodeType]:
        return {name: compile(self.get_source(name), self.get_filename(name), "exec", dont_inherit=True)}

    def get_source(self, name: str) -> str:
        """What a traceback shows lines of."""
        return self.get_data(self.get_filename(name)).decode()

    def get_data(self, path: str) -> bytes:
        """The bytes of a file of the archive, source or data, by its path into it. Raises OSError."""
        if not path.endswith(".py"):
            return zipimporter(self.archive).get_data(path)
        if not self._sources:
            self._sources = read_sources(zipimporter(self.archive).get_data(SOURCE))
        try:
            return self._sources[path.removeprefix(f"{self.archive}/")]
        except KeyError:
            raise OSError(f"the archive has no file '{path}'") from None

    def get_resource_reader(self, name: str) -> ResourceReader:
        """What `importlib.resources` reads a package's data files with."""
        import zipfile
        from importlib.resources.abc import TraversableResources

        folder = zipfile.Path(self.archive, f"{name.replace('.', '/')}/")

        class PackageFiles(TraversableResources):
            def files(self) -> zipfile.Path:
                return folder

        return PackageFiles()


def load_group(group: bytes, shared: bytes) -> dict[str, CodeType]:
    """The modules of one group: compressed parts of a weave, which is marshalled code by name, and the compressed table
    of the pieces that all versions of Python share."""
    frame, mark, steps, columns = marshal.loads(decompress(group))
    table_mark, table = marshal.loads(decompress(shared))
    codes: dict[str, CodeType]
    _, codes = marshal.loads(weave(with_pieces(frame, mark, steps, table.split(table_mark)), *columns))
    return codes


def with_pieces(frame: bytes, mark: bytes, steps: Sequence[int], table: Sequence[bytes]) -> bytes:
    """Puts pieces where their marks stand in the frame; `steps` lead from one's place in the table to the next one's.
    """
    pieces = [table[place] for place in accumulate(steps)]
    pieces.append(b"")
    return b"".join(chain.from_iterable(zip(frame.split(mark), pieces, strict=True)))


def weave(frame: bytes, *columns: bytes) -> bytes:
    """Puts pieces back where their marks stand in the frame. `columns` are mark and column in turns, a column being the
    pieces of one kind, each with the mark behind it: bytes of one kind side by side compress better."""
    for mark, column in zip(columns[::2], columns[1::2], strict=True):
        pieces = zip(frame.split(mark), column.split(mark), strict=True)
        frame = b"".join(chain.from_iterable(pieces))
    return frame


def read_sources(tar: bytes) -> dict[str, bytes]:
    """The files of the archive's source by path. For tracebacks, and for a Python without bytecode: never in haste.
    Raises OSError on a Python that was built without bz2."""
    import io
    import tarfile

    try:
        with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
            files = {entry.name: opened.extractfile(entry) for entry in opened}
            return {name: file.read() for name, file in files.items() if file is not None}
    except tarfile.TarError as error:
        raise OSError(f"the source in the archive cannot be read: {error}") from error


def install(archive: str, modules: Modules, groups: Sequence[tuple[bytes, bytes]]) -> None:
    """Makes the archive the first place where modules are looked for. Each group comes with its share of the table."""
    importer = ArchiveImporter(archive, modules, groups)
    globals()["__loader__"] = importer  # this module was started by hand; so a traceback finds its lines too
    sys.meta_path.insert(0, importer)


def install_source(archive: str, tar: bytes) -> None:
    """`install` for a Python without bytecode in the archive."""
    names = (path.removesuffix(".py").replace("/", ".") for path in read_sources(tar))
    install(archive, {name.removesuffix(".__init__"): (name.endswith(".__init__"), 0) for name in names}, ())


def is_archive() -> bool:
    """Whether the program runs from a built archive, with bytecode or from the source in it."""
    return type(getattr(sys.modules["oe"], "__loader__", None)).__name__ == ArchiveImporter.__name__


def has_bytecode() -> bool:
    """Whether the program runs from an archive's bytecode: not so on a Python for which the archive carries none."""
    return is_archive() and bool(getattr(sys.modules["oe"].__loader__, "has_bytecode", False))
