"""The one builder of end-to-end tests: runs the real program in one of its three forms and gives what came out.

    result = program.run("validate", "--json", cwd=tmp_path)
    assert result.exit_code == 0

A test that takes the fixture `program` gets the checkout's launcher, or the form that OE_TEST_FORM names; marked
`every_form` it runs once for each form. OE_TEST_ARCHIVE names an archive that is built already.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
FORMS = ("checkout", "module", "archive")
_FORM = os.environ.get("OE_TEST_FORM", "checkout")
_ARCHIVE = os.environ.get("OE_TEST_ARCHIVE")
_PASSED_ON = ("PATH", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")


class Result(NamedTuple):
    """What one run of the program left behind."""

    exit_code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        """The one JSON value on stdout."""
        return json.loads(self.stdout)


class Program:
    """The program in one form. Only `PATH` and the like of the caller's environment reach it; `HOME` is `home`."""

    def __init__(self, command: Sequence[str], home: Path, environment: Mapping[str, str] | None = None) -> None:
        self.command = list(command)
        self.environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self.environment |= {"HOME": str(home), "LC_ALL": "C.UTF-8", **(environment or {})}
        self._folder = home

    def run(self, *arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None,
            stdin: str = "", timeout_seconds: float = 200) -> Result:
        """Runs to the end; stdin is a pipe that holds `stdin`, stdout and stderr are pipes too."""
        done = subprocess.run(
            self.arguments(*arguments), cwd=cwd or self._folder, env=self.environment | dict(env or {}),
            input=stdin.encode(), capture_output=True, timeout=timeout_seconds, check=False)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None,
              **options: Any) -> subprocess.Popen[bytes]:
        """Starts it and returns at once, for signals, kills and pipes; `options` go to Popen. The caller ends it."""
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(self.arguments(*arguments), cwd=cwd or self._folder,
                                env=self.environment | dict(env or {}), **streams | options)

    def arguments(self, *arguments: str | Path) -> list[str]:
        """The whole command line."""
        return [*self.command, *map(str, arguments)]


def program_in(form: str, home: Path, archive: Path | None = None, python: str = sys.executable) -> Program:
    """The program in one of FORMS on the given interpreter; `archive` is needed for the form of that name."""
    if form == "checkout":
        return Program([python, str(ROOT / "oe.py")], home)
    if form == "module":
        return Program([python, "-m", "oe"], home, {"PYTHONPATH": str(ROOT)})
    assert form == "archive" and archive is not None
    return Program([python, str(archive)], home)


def build_archive(output: Path, checkout: Path = ROOT, *, env: Mapping[str, str] | None = None,
                  umask: int = -1, cwd: Path | None = None) -> Path:
    """Builds the archive by the release's own script."""
    built = subprocess.run(["sh", str(checkout / "zipapp.sh"), str(output)], env=dict(os.environ) | dict(env or {}),
                           umask=umask, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return output


def interpreters() -> dict[str, str]:
    """Every usable Python of this machine: `3.11.2` -> its path; the archive carries bytecode for each."""
    found = subprocess.run(["sh", str(ROOT / ".ci/pythons")], capture_output=True, text=True, check=True).stdout
    return dict(line.split(" ", 1) for line in found.splitlines())


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built `oe.pyz`, made once for all test processes."""
    if _ARCHIVE is not None:
        return Path(_ARCHIVE).resolve(strict=True)
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    output = folder / "archive" / "oe.pyz"
    output.parent.mkdir(exist_ok=True)
    with (output.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not output.exists():
            build_archive(output)
    return output


@pytest.fixture
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program: in the form of OE_TEST_FORM, or under `@pytest.mark.every_form` in each form in turn."""
    form = getattr(request, "param", _FORM)
    built = request.getfixturevalue("archive") if form == "archive" else None
    return program_in(form, tmp_path_factory.mktemp("home"), built)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test marked `every_form` once for each form."""
    if "program" in metafunc.fixturenames and metafunc.definition.get_closest_marker("every_form"):
        metafunc.parametrize("program", FORMS, indirect=True)
