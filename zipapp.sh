#!/bin/sh
# Builds the one-file program: `sh zipapp.sh [FILE]`, by default dist/oe.pyz, and prints its SHA-256.
# The archive holds the package's source and data files and, for every minor version of Python from 3.11 on that is
# found on this machine, its bytecode (see archiver/ and oe/archive.py). Times, order, modes and environment are fixed:
# two builds are byte-identical. It is run once on each of those Pythons before it takes its place.
set -eu
unset PYTHONPATH PYTHONHOME
output=${1:-$(dirname "$0")/dist/oe.pyz}
case $output in /*) ;; *) output=$PWD/${output#./} ;; esac
cd "$(dirname "$0")"

found=$(sh .ci/pythons)
[ -n "$found" ] || { echo "no Python 3.11 or newer found on PATH, under pyenv or uv" >&2; exit 1; }
minors=$(echo "$found" | awk '{ split($1, part, "."); if (!seen[part[2]]++) print }')  # bytecode is one a minor version
first=$(echo "$found" | head -n 1 | cut -d ' ' -f 2-)

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir "$stage/tree" "$stage/bytecode" "$stage/away"

# A fresh process with an empty environment each.
clean_python() {
    interpreter=$1
    shift
    env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 PYTHONHASHSEED=0 "$interpreter" -S -s -B "$@"
}

clean_python "$first" archiver/stage.py . "$stage/tree"
echo "$minors" | while read -r version interpreter; do
    clean_python "$interpreter" -X no_debug_ranges archiver/compile_modules.py "$stage/tree" "$stage/bytecode" </dev/null
done
clean_python "$first" archiver/pack.py "$stage/tree" "$stage/bytecode" "$stage/oe.pyz"

echo "$found" | while read -r version interpreter; do
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
