#!/bin/sh
# The one command that says whether the checkout is good: style, types, layers, every test on the Pythons >= 3.11 of
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
    long) ;;
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

# Everything runs on the first Python from the checkout, and on the last minor version from what is shipped. Versions
# between run what does not start the program, and the shipped one in the circumstances of a release; a second patch
# release of a minor version runs the stores and the scheduler.
unstarted="tests/contract tests/golden tests/scenario tests/unit"
shipped="tests/e2e/test_examples.py tests/e2e/test_program_forms.py tests/e2e/test_release.py"
processes=$(getconf _NPROCESSORS_ONLN)
[ "$processes" -lt 8 ] || processes=7
processes=${OE_TEST_PROCESSES:-$((processes + 1))}  # tests wait now and then
last=$(echo "$found" | tail -n 1 | cut -d' ' -f1)
form=checkout
tested=
for version in $(echo "$found" | cut -d' ' -f1); do
    case " $tested " in
        *" ${version%.*} "*) folders="tests/contract tests/scenario" ;;
        "  ") folders=tests ;;
        *) if [ "${version%.*}" = "${last%.*}" ]; then folders=tests; else folders="$unstarted $shipped"; fi ;;
    esac
    tested="$tested ${version%.*}"
    stage "$folders on Python $version, end to end of the $form"
    # shellcheck disable=SC2086 -- several folders
    OE_TEST_FORM=$form ".venv/$version/bin/pytest" --ignore tests/interop --numprocesses "$processes" $folders
    form=archive
done

if [ -n "$(find tests/interop -name 'test_*.py' 2>/dev/null | head -n 1)" ]; then
    stage "tests with other software on Python $first"
    "$bin/pytest" --numprocesses "$processes" --dist loadfile tests/interop
fi

if [ "${1-}" = long ]; then
    stage "the long torture on Python $first"
    OE_LONG=1 "$bin/pytest" -m long --numprocesses "$processes" tests
fi

printf '\n== all good\n'
