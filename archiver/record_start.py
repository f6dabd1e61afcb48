"""Makes one start of the program on compiled modules and prints which of them it imported.

Run as `record_start.py TREE ARGUMENT`, with the marshalled (codes by name, packages) on stdin. An argument that is a
command makes an experience of one tool node, and runs or plans it; another command comes after such a run. `live` is a
run that lasts long enough to write its live file.
"""

from __future__ import annotations

import io
import marshal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import CodeType
from typing import Any

EXPERIENCE = """\
name: one-node
version: 1.0.0
state: {schema: {last: {type: integer}}}
graph:
  nodes:
    - {id: only, kind: tool, impl: ./only.py, writes: [last]}
"""
OF_THE_LIVE_FILE = ("oe.state.facts", "oe.state.snapshot_values")
"""What `oe.app.live` imports when it first writes."""
TOOL = "def run():\n    return {'last': 1}\n"


def install(tree: str, codes: Mapping[str, CodeType], packages: Sequence[str]) -> None:
    """Makes the codes importable as the archive does, with data files from the tree."""
    definitions: dict[str, Any] = {"__name__": "oe.archive"}
    exec(codes["oe.archive"], definitions)
    importer = definitions["ArchiveImporter"](tree, {name: (name in packages, 0) for name in codes}, ((b"", b""),))
    importer.get_code = codes.__getitem__
    importer.get_data = lambda path: Path(path).read_bytes()
    sys.meta_path.insert(0, importer)


def start(argument: str) -> int:
    """Runs the program; what it prints is dropped."""
    from oe.cli.main import main

    streams = io.StringIO(), io.StringIO(), io.StringIO()
    if argument.startswith("-"):
        return main([argument], *streams)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "experience.yaml").write_text(EXPERIENCE, encoding="utf-8")
        Path(folder, "only.py").write_text(TOOL, encoding="utf-8")
        if argument in ("run", "plan"):
            return main([argument, folder], *streams)
        if argument == "live":
            for name in OF_THE_LIVE_FILE:  # imported, not waited for: two builds are to be the same
                import_module(name)
            return main(["run", folder], *streams)
        return main(["run", folder], *streams) or main([argument, "--experience", folder], *streams)


if __name__ == "__main__":
    install(sys.argv[1], *marshal.loads(sys.stdin.buffer.read()))
    if (code := start(sys.argv[2])) != 0:
        sys.exit(f"the start that is recorded ends with exit code {code}")
    print(*sorted(name for name in sys.modules if name.partition(".")[0] == "oe"), sep="\n")
