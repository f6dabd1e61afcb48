#!/bin/sh
# The one command that says whether the checkout is good: style, types, layers, every test on every Python >= 3.11 of
# this machine, the built archive and the documents. `./check.sh long` adds the torture that takes minutes.
# Makes its own virtual environments under .venv; needs pip's package index the first time.
set -eu
cd "$(dirname "$0")"
unset PYTHONPATH PYTHONHOME PYTHONSTARTUP VIRTUAL_ENV

stage() {
    printf '\n== %s\n' "$1"
    current=$1
}
current="setting up"
trap 'code=$?; [ "$code" -eq 0 ] || printf "\n== failed while: %s\n" "$current" >&2' EXIT

case "${1-}" in
    "") ;;
    long) OE_LONG=1; export OE_LONG ;;
    *) echo "usage: ./check.sh [long]" >&2; exit 2 ;;
esac

# environment VERSION INTERPRETER: a virtual environment with the test extra, made anew when the extra changed.
environment() {
    home=.venv/$1
    wanted=$("$2" -c 'import hashlib, sys
print(sys.version, hashlib.sha256(open("pyproject.toml", "rb").read()).hexdigest())')
    if [ "$(cat "$home/made-for" 2>/dev/null)" != "$wanted" ]; then
        echo "making $home with $2"
        rm -rf "$home"
        if ! "$2" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "$2 cannot make virtual environments (on Debian and Ubuntu: apt-get install python${1%.*}-venv)" >&2
            return 1
        fi
        "$2" -m venv "$home"
        "$home/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".[test]"
        printf '%s\n' "$wanted" >"$home/made-for"
    fi
}

stage "finding Pythons"
found=$(sh .ci/pythons)
if [ -z "$found" ]; then
    echo "no Python 3.11 or newer found on PATH, under pyenv or uv" >&2
    exit 1
fi
echo "$found"
first=$(echo "$found" | head -n 1 | cut -d' ' -f1)

stage "making virtual environments"
echo "$found" | while read -r version interpreter; do environment "$version" "$interpreter"; done
bin=.venv/$first/bin

stage "lint"
"$bin/ruff" check .

stage "types"
"$bin/mypy"
"$bin/mypy" tests/support benchmarks archiver oe.py

stage "layers and style"
"$bin/pytest" tests/unit/test_layers.py tests/unit/test_style.py

stage "archive"
sh zipapp.sh
OE_TEST_ARCHIVE=$PWD/dist/oe.pyz
export OE_TEST_ARCHIVE

# End-to-end tests run the checkout on the first Python and what is shipped on all others. A second patch release of a
# minor version runs what does not start the program.
form=checkout
tested=
for version in $(echo "$found" | cut -d' ' -f1); do
    case " $tested " in
        *" ${version%.*} "*) folders="tests/golden tests/property tests/scenario tests/unit" ;;
        *) folders=tests ;;
    esac
    tested="$tested ${version%.*}"
    stage "$folders on Python $version, end to end of the $form"
    # shellcheck disable=SC2086 -- several folders
    OE_TEST_FORM=$form ".venv/$version/bin/pytest" --ignore tests/interop --numprocesses "${OE_TEST_PROCESSES:-2}" $folders
    form=archive
done

if [ -n "$(find tests/interop -name 'test_*.py' 2>/dev/null | head -n 1)" ]; then
    stage "tests with other software on Python $first"
    "$bin/pytest" tests/interop
fi

printf '\n== all good\n'
