"""Other software for tests/interop: installed where that is possible, and a failure that says how where it is not."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def debian_program(name: str, package: str | None = None) -> str:
    """The path of a program, from its Debian package if it is not there yet."""
    package = package or name
    if shutil.which(name) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
            subprocess.run(["apt-get", *command], env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                           stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=300)
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"'{name}' is missing; apt-get install {package}")
    return found


def npm_packages(folder: Path, **versions: str) -> None:
    """Installs packages of npm in a folder."""
    if shutil.which("npm") is None:
        pytest.fail("'npm' is missing; apt-get install npm")
    packages = [f"{name}@{version}" for name, version in versions.items()]
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *packages], cwd=folder, capture_output=True,
                          text=True, check=False, timeout=300)
    if done.returncode:
        pytest.fail(f"npm cannot install {' '.join(packages)}: {done.stderr[-300:]}")
