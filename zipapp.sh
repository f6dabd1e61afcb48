#!/bin/sh
# Builds the one-file program: `sh zipapp.sh [FILE]`, by default dist/oe.pyz, and prints its SHA-256.
# The archive holds the package's source and data files and, for every Python >= 3.11 found on this machine, its
# bytecode (see oe/archive.py). Times, order, modes and environment are fixed: two builds are byte-identical. It is run
# once on each of those Pythons before it takes its place.
set -eu
unset PYTHONPATH PYTHONHOME
output=${1:-$(dirname "$0")/dist/oe.pyz}
case $output in /*) ;; *) output=$PWD/${output#./} ;; esac
cd "$(dirname "$0")"

pythons=$(sh .ci/pythons)
[ -n "$pythons" ] || { echo "no Python 3.11 or newer found on PATH, under pyenv or uv" >&2; exit 1; }
first=$(echo "$pythons" | head -n 1 | cut -d ' ' -f 2-)

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir "$stage/tree" "$stage/bytecode" "$stage/away"

# A fresh process with an empty environment each: marshalled bytecode depends on what a process has done before.
clean_python() {
    interpreter=$1
    shift
    env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 PYTHONHASHSEED=0 "$interpreter" -S -s -B "$@"
}

cat >"$stage/stage.py" <<'END'
"""Copies what belongs into the archive: source, and data files as pyproject.toml lists them."""
import fnmatch
import pathlib
import shutil
import sys
import tomllib

tree = pathlib.Path(sys.argv[1])
project = tomllib.loads(pathlib.Path("pyproject.toml").read_text(encoding="utf-8"))
patterns = ["*.py", *project["tool"]["setuptools"]["package-data"]["*"]]
for path in sorted(pathlib.Path("oe").rglob("*")):
    if path.is_file() and any(fnmatch.fnmatchcase(path.name, pattern) for pattern in patterns):
        (tree / path.parent).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, tree / path)
END

cat >"$stage/compile.py" <<'END'
"""Compiles the staged source into one block: magic number, then {module: (is package, compressed code)}.

Left out: columns of instructions (a quarter of the size; a traceback keeps lines, not carets) and docstrings (a sixth).
Those of classes stay, because a dataclass without one spends time to make its own.
"""
import ast
import importlib.util
import marshal
import pathlib
import sys
import zlib

DOCUMENTED = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef


def parse(text):
    parsed = ast.parse(text)
    for node in ast.walk(parsed):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            replacement = [] if isinstance(node, ast.Module) else [ast.copy_location(ast.Pass(), node.body[0])]
            node.body[:1] = replacement
    return parsed


tree, blocks = map(pathlib.Path, sys.argv[1:])
modules = {}
for path in sorted(tree.rglob("*.py")):
    file = path.relative_to(tree)
    name = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
    # A file name that is nowhere on disk: a traceback asks the importer for its lines.
    code = compile(parse(path.read_bytes()), f"oe.pyz/{file}", "exec", dont_inherit=True, optimize=0)
    modules[name] = (path.stem == "__init__", zlib.compress(marshal.dumps(code), 9))
block = importlib.util.MAGIC_NUMBER + marshal.dumps(modules, 2)
(blocks / sys.implementation.cache_tag).write_bytes(block)
END

cat >"$stage/__main__.py" <<'END'
"""Starts oe from its archive: on the bytecode of this Python where the archive carries it, else on the source."""
import marshal
import sys
import zlib
from importlib.util import MAGIC_NUMBER

try:
    block = __loader__.get_data(f"bytecode/{sys.implementation.cache_tag}")
except OSError:
    block = b""
if block.startswith(MAGIC_NUMBER):
    modules = marshal.loads(memoryview(block)[len(MAGIC_NUMBER):])
    importer = {"__name__": "oe.archive"}
    exec(marshal.loads(zlib.decompress(modules["oe.archive"][1])), importer)
    importer["install"](__loader__.archive, modules)

if __name__ == "__main__":
    from oe.cli.main import entry

    entry()
END

cat >"$stage/pack.py" <<'END'
"""Writes the archive: fixed times, order and modes; bytecode stored (it is compressed inside), the rest deflated."""
import pathlib
import sys
import zipfile

tree, blocks, main, output = map(pathlib.Path, sys.argv[1:])
files = {"__main__.py": main}
files |= {f"bytecode/{path.name}": path for path in sorted(blocks.iterdir())}
files |= {path.relative_to(tree).as_posix(): path for path in sorted(tree.rglob("*")) if path.is_file()}
with output.open("wb") as file:
    file.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(file, "w") as archive:
        for name, path in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED if name.startswith("oe/") else zipfile.ZIP_STORED
            archive.writestr(entry, path.read_bytes(), compresslevel=9)
END

clean_python "$first" "$stage/stage.py" "$stage/tree"
echo "$pythons" | while read -r version interpreter; do
    clean_python "$interpreter" -X no_debug_ranges "$stage/compile.py" "$stage/tree" "$stage/bytecode" </dev/null
done
clean_python "$first" "$stage/pack.py" "$stage/tree" "$stage/bytecode" "$stage/__main__.py" "$stage/oe.pyz"

echo "$pythons" | while read -r version interpreter; do
    answer=$(cd "$stage/away" && clean_python "$interpreter" "$stage/oe.pyz" --version </dev/null)
    echo "Python $version: $answer"
done

mkdir -p "$(dirname "$output")"
cp "$stage/oe.pyz" "$output.new"
chmod 755 "$output.new"
mv "$output.new" "$output"
clean_python "$first" -c 'import hashlib, pathlib, sys
path = pathlib.Path(sys.argv[1])
print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path}  {path.stat().st_size / 1024:.0f} KiB")' "$output"
