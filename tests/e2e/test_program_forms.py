"""The program's three forms behave alike, and the built archive is what a release promises."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import IO, cast

import pytest

from tests.support.program import ROOT, Program, build_archive, interpreters, program_in

PYTHONS = interpreters()
MINORS = {version.rpartition(".")[0] for version in PYTHONS}
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
INSTALL = "import runpy, sys; sys.path.insert(0, sys.argv[1]); runpy.run_path(sys.argv[1], run_name='archive')\n"
"""Makes the archive importable as its own start does, without starting the program."""


@pytest.fixture(scope="session")
def source_archive(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive as a Python sees it for which it carries no bytecode."""
    return without_bytecode(archive, tmp_path_factory.mktemp("bare") / "oe.pyz")


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A checkout with data files of its own and one file that does not belong, and its archive."""
    checkout = copy_of_checkout(tmp_path_factory.mktemp("planted") / "one place")
    (checkout / "oe/store/planted.sql").write_text("SELECT 'planted';")
    (checkout / "oe/spec/checks/planted.json").write_text("[1]")
    (checkout / "oe/store/left.pyc").write_bytes(b"from an editor")
    return checkout, build_archive(checkout.parent / "oe.pyz", checkout)


def without_bytecode(archive: Path, bare: Path) -> Path:
    with zipfile.ZipFile(archive) as full, zipfile.ZipFile(bare, "w", zipfile.ZIP_DEFLATED) as target:
        for name in full.namelist():
            if not name.startswith("bytecode/"):
                target.writestr(name, full.read(name))
    return bare


def run_inside(archive: Path, code: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    return subprocess.run([python, "-I", "-c", INSTALL + code, str(archive)], capture_output=True, text=True,
                          cwd=archive.parent, timeout=60, check=False)


def copy_of_checkout(folder: Path) -> Path:
    shutil.copytree(ROOT / "oe", folder / "oe", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "archiver", folder / "archiver", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "zipapp.sh", ".ci/pythons"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.mark.every_form
def test_version_is_the_projects(program: Program) -> None:
    assert program.run("--version") == (0, f"oe {VERSION}\n", "")


@pytest.mark.every_form
def test_help_goes_to_stdout(program: Program) -> None:
    result = program.run("--help")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("usage: oe ")


@pytest.mark.every_form
def test_wrong_usage_is_exit_2_and_one_message_on_stderr(program: Program) -> None:
    result = program.run("--no-such-option")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--no-such-option" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.every_form
def test_a_reader_that_went_away_is_no_error(program: Program) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with program.start("--help", stdout=writing) as process:
        os.close(writing)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, b"")


@pytest.mark.parametrize("version", PYTHONS)
def test_the_archive_runs_from_bytecode_on_every_python_here(archive: Path, tmp_path: Path, version: str) -> None:
    program = program_in("archive", tmp_path, archive, PYTHONS[version])
    assert program.run("--version").stdout == f"oe {VERSION}\n"
    inside = run_inside(archive, "import oe.archive; print(oe.archive.is_archive(), oe.archive.has_bytecode())",
                        PYTHONS[version])
    assert (inside.stdout, inside.stderr) == ("True True\n", "")


def test_without_its_bytecode_it_runs_from_source(source_archive: Path, tmp_path: Path) -> None:
    assert program_in("archive", tmp_path, source_archive).run("--version").stdout == f"oe {VERSION}\n"
    inside = run_inside(source_archive, "import oe.archive; print(oe.archive.is_archive(), oe.archive.has_bytecode())")
    assert (inside.stdout, inside.stderr) == ("True False\n", "")


FIELDS = """
import dataclasses, importlib, pathlib, types, typing
class Nothing(typing.NamedTuple): pass
class Silent(typing.Protocol): pass
MADE = {*vars(Nothing), *vars(Silent), "__slots__", "__doc__", "__annotations__", "__annotations_cache__"}
KEPT = {"__init__", "__repr__", "__hash__", "__eq__"}  # where a class has its own
def shown(value):  # a function's own form has its address
    return value.__qualname__ if isinstance(value, types.FunctionType) else value
for name in sorted(NAMES):
    for value in vars(importlib.import_module(name)).values():
        if isinstance(value, type) and value.__module__ == name:
            named, made = hasattr(value, "_field_defaults"), dataclasses.is_dataclass(value)
            own = {key for key, each in vars(value).items()
                   if key not in MADE or (key in KEPT and getattr(each, "__module__", "").startswith("oe."))}
            print(name, value.__qualname__,
                  named and (value._fields, {key: shown(each) for key, each in value._field_defaults.items()}),
                  [base for base in value.__mro__ if base.__module__ != "typing" and base.__qualname__ != "Record"],
                  [(f.name, f.default, f.kw_only, f.init) for f in dataclasses.fields(value)] if made else (),
                  sorted(own))
"""


@pytest.mark.parametrize("version", PYTHONS)
def test_every_module_of_the_archive_defines_the_classes_of_the_source(archive: Path, version: str) -> None:
    names = sorted(".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "oe").rglob("*.py"))
    code = f"NAMES = {[name for name in names if not name.endswith('__')]!r}{FIELDS}"
    shipped = run_inside(archive, code, PYTHONS[version])
    source = subprocess.run([PYTHONS[version], "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
                            capture_output=True, text=True, check=True)
    assert shipped.stderr == ""
    assert shipped.stdout.splitlines() == source.stdout.splitlines()
    assert "oe.errors" in shipped.stdout


def test_the_checkout_is_no_archive(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import oe.archive; print(oe.archive.is_archive())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("form", ["archive", "source_archive"])
def test_a_traceback_shows_source_lines(form: str, request: pytest.FixtureRequest) -> None:
    code = ("import traceback\nfrom oe.values import canonical\n"
            "try: canonical(object())\nexcept TypeError: traceback.print_exc()")
    done = run_inside(request.getfixturevalue(form), code)
    assert re.search(r'File ".*oe\.pyz/oe/values\.py", line \d+, in canonical\n    return _encode_sorted', done.stderr)


def test_a_traceback_shows_the_importers_own_lines(archive: Path) -> None:
    done = run_inside(archive, "import traceback\ntry: sys.meta_path[0].get_code('oe.nothing')\n"
                               "except KeyError: traceback.print_exc()")
    assert "in get_code\n    group = self._modules[name][1]" in done.stderr


@pytest.mark.parametrize("bytecode", [True, False])
def test_data_files_are_read_through_importlib_resources(planted: tuple[Path, Path], tmp_path: Path, bytecode: bool,
                                                         ) -> None:
    archive = planted[1] if bytecode else without_bytecode(planted[1], tmp_path / "bare.pyz")
    read = ("from importlib.resources import files\nimport oe.store, oe.archive\n"
            "print(files('oe.store').joinpath('planted.sql').read_text(), end=' ')\n"
            "print(files('oe').joinpath('spec/checks/planted.json').read_text(), end=' ')\n"
            "import os; here = os.path.dirname(oe.store.__file__)\n"
            "print(oe.store.__loader__.get_data(here + '/planted.sql').decode(), end=' ')\n"
            "print(oe.archive.has_bytecode())")
    done = run_inside(archive, read)
    assert (done.stdout, done.stderr) == (f"SELECT 'planted'; [1] SELECT 'planted'; {bytecode}\n", "")


def test_a_run_goes_on_when_the_archive_is_removed_beneath_it(archive: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(archive, tmp_path / "oe.pyz"))
    done = run_inside(copy, "import os; os.unlink(sys.argv[1])\nimport oe.redact; print(oe.redact.SHORTEST_SECRET)")
    assert (done.stdout, done.stderr) == ("6\n", "")


def test_two_builds_are_byte_identical_and_hold_the_package_and_nothing_else(planted: tuple[Path, Path],
                                                                             tmp_path: Path) -> None:
    checkout, one = planted
    shutil.copytree(checkout, tmp_path / "another place", ignore=shutil.ignore_patterns("*.pyc"))
    away = {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "77", "PYTHONOPTIMIZE": "2", "SOURCE_DATE_EPOCH": "1"}
    again = build_archive(tmp_path / "oe.pyz", tmp_path / "another place", env=away, umask=0o077, cwd=tmp_path)
    assert hashlib.sha256(again.read_bytes()).hexdigest() == hashlib.sha256(one.read_bytes()).hexdigest()
    assert again.stat().st_mode & 0o777 == 0o755
    with zipfile.ZipFile(again) as opened:
        names = set(opened.namelist())
        times = {entry.date_time for entry in opened.infolist()}
        with tarfile.open(fileobj=opened.open("source.tar.bz2")) as tar:
            source = {entry.name: cast("IO[bytes]", tar.extractfile(entry)).read().decode() for entry in tar}
    files = {path.relative_to(checkout).as_posix() for path in (checkout / "oe").rglob("*") if path.is_file()}
    modules = {name for name in files if name.endswith(".py")}
    blocks = {f"bytecode/cpython-{version.replace('.', '')}" for version in MINORS}
    own = {"__main__.py", "oe.py", "bytecode/shared", "source.tar.bz2"}
    assert names == files - modules - {"oe/store/left.pyc"} | blocks | own
    assert source == {name: (checkout / name).read_text() for name in modules}
    assert times == {(1980, 1, 1, 0, 0, 0)}
    assert again.stat().st_size <= 2_000_000


def test_it_runs_itself_from_a_read_only_place_with_an_awkward_name(archive: Path, tmp_path: Path) -> None:
    place = tmp_path / "ein Ort für Ärger"
    place.mkdir()
    copy = Path(shutil.copy(archive, place / "oe kopie.pyz"))
    (tmp_path / "python3").symlink_to(sys.executable)
    place.chmod(0o555)
    try:
        done = subprocess.run([copy, "--version"], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, cwd=place,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"oe {VERSION}\n", "")
        assert [path.name for path in place.iterdir()] == ["oe kopie.pyz"]
    finally:
        place.chmod(0o755)


def test_two_copies_side_by_side_do_not_mix(archive: Path, tmp_path: Path) -> None:
    code = "import oe.errors; print(oe.errors.__file__, oe.errors.__spec__.loader.archive)"
    for name in ("one.pyz", "two.pyz"):
        copy = Path(shutil.copy(archive, tmp_path / name))
        assert run_inside(copy, code).stdout == f"{copy}/oe/errors.py {copy}\n"


def test_it_runs_as_a_user_without_name_and_home(archive: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user; run the suite as root in a container to prove this")
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to other users
        Path(folder).chmod(0o755)
        copy = Path(shutil.copy(archive, folder))
        answers = [_as_stranger(python, copy) for python in (*PYTHONS.values(), "/usr/bin/python3")]
    assert f"oe {VERSION}\n" in answers, answers


def _as_stranger(python: str, archive: Path) -> str:
    try:
        done = subprocess.run([python, str(archive), "--version"], env={}, cwd="/", user=54321, group=54321,
                              extra_groups=[], capture_output=True, text=True, timeout=60, check=False)
    except PermissionError as unreachable:
        return str(unreachable)
    return done.stdout + done.stderr
