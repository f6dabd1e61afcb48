"""Starts oe from its archive: on the bytecode of this Python where the archive carries it, else on the source."""
import sys

if sys.version_info < (3, 11):  # noqa: UP036 -- said in words that every Python can read
    sys.exit("oe needs Python 3.11 or newer, this is %d.%d" % sys.version_info[:2])  # noqa: UP031

import marshal
import types
import zlib
from importlib.util import MAGIC_NUMBER

zipped = globals()["__loader__"]
importer = types.ModuleType("oe.archive")
try:
    block = zipped.get_data("bytecode/" + sys.implementation.cache_tag)
except OSError:
    block = b""
if block.startswith(MAGIC_NUMBER):
    code, modules, groups = marshal.loads(memoryview(block)[len(MAGIC_NUMBER):])
    exec(marshal.loads(zlib.decompress(code)), vars(importer))
    shared = marshal.loads(zipped.get_data("bytecode/shared"))
    importer.install(zipped.archive, modules, list(zip(groups, shared)))  # noqa: B905 -- read by every Python
else:
    import io
    import tarfile

    source = zipped.get_data("source.tar.bz2")
    try:
        with tarfile.open(fileobj=io.BytesIO(source)) as files:
            text = (files.extractfile("oe/archive.py") or io.BytesIO()).read()
    except tarfile.TarError:
        sys.exit("oe has no bytecode for this Python, which was built without bz2 and so cannot read the source")
    exec(compile(text, "oe.pyz/oe/archive.py", "exec"), vars(importer))
    importer.install_source(zipped.archive, source)

if __name__ == "__main__":
    from oe.cli.main import entry

    entry()
