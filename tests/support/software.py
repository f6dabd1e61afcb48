"""Other software for tests/interop: installed where that is possible, and a failure that says how where it is not."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import gettempdir

import pytest

_TRIED = count()


def debian_program(name: str, package: str | None = None) -> str:
    """The path of a program, from its Debian package if it is not there yet."""
    package = package or name
    if shutil.which(name) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        with open(Path(gettempdir()) / "oe-tests-apt.lock", "w") as turn:  # test processes come at the same time
            fcntl.flock(turn, fcntl.LOCK_EX)
            for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
                subprocess.run(["apt-get", *command], env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                               stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=300)
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"'{name}' is missing; apt-get install {package}")
    return found


def npm_packages(folder: Path, **versions: str) -> None:
    """Installs packages of npm in a folder."""
    debian_program("npm")
    packages = [f"{name}@{version}" for name, version in versions.items()]
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *packages], cwd=folder, capture_output=True,
                          text=True, check=False, timeout=300)
    if done.returncode:
        pytest.fail(f"npm cannot install {' '.join(packages)}: {done.stderr[-300:]}")


def python_packages(folder: Path, *requirements: str) -> Path:
    """The Python of a virtual environment in a folder, with these packages."""
    python = folder / "bin" / "python"
    for command in ([sys.executable, "-m", "venv", str(folder)],
                    [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode:
            pytest.fail(f"cannot install {' '.join(requirements)}: {done.stderr[-300:]}")
    return python


@contextmanager
def served(command: Sequence[str | Path], place: tuple[str, int], *, seconds: float = 200.0) -> Iterator[None]:
    """A server as a child process with an environment of its own, for as long as the block lasts."""
    with subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, start_new_session=True,
                          env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}) as server:
        try:
            deadline = time.monotonic() + seconds
            while not _answers(place):
                if server.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"'{command[0]}' does not serve at {place[0]}:{place[1]}")
                time.sleep(0.05)
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)


def free_port() -> int:
    """A port of this machine that nobody listens at. It is none of those that a system gives by itself: another test
    might get that before the server has come up. Test processes begin to look at different places."""
    first = os.getpid() * 61
    for port in (20_000 + (first + next(_TRIED)) % 10_000 for _ in range(10_000)):
        with suppress(OSError):
            socket.create_server(("127.0.0.1", port)).close()
            return port
    pytest.fail("this machine has no free port from 20000 to 29999")


def _answers(place: tuple[str, int]) -> bool:
    try:
        socket.create_connection(place, timeout=10).close()
    except OSError:
        return False
    return True
