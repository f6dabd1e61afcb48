"""How the collectors ask this host: read a small file, run a standard program. Nothing raises or waits for long."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

Section = dict[str, Any]
"""One field of state: what was found, and under `source` where."""

_ADMIN_PROGRAMS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


class Answer(NamedTuple):
    """What a program printed, or in `problem` why there is nothing."""

    text: str
    problem: str | None = None


def not_available(reason: str) -> Section:
    """A section without data that says why."""
    return {"source": f"not available: {reason}"}


def read_text(path: str) -> str | None:
    """The text of a file such as /proc/meminfo, None where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="backslashreplace")
    except OSError:
        return None


def ask(argv: Sequence[str], timeout_seconds: float = 2.0) -> Answer:
    """Runs a program. Its problem is a short reason: not installed, too slow, or what it said."""
    name = argv[0]
    try:
        done = subprocess.run(argv, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=timeout_seconds, check=False)
    except FileNotFoundError:
        return Answer("", f"{name} is not installed")
    except subprocess.TimeoutExpired:
        return Answer("", f"{name} did not answer within {timeout_seconds:g} s")
    except OSError as error:
        return Answer("", f"{name} cannot be run: {error.strerror}")
    text = done.stdout.decode("utf-8", "backslashreplace")
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
        return Answer(text, f"{name} failed: {said[-1] if said else f'exit code {done.returncode}'}")
    return Answer(text)


def _environment() -> dict[str, str]:
    """The caller's, in English, with the folders of administrators' programs that cron leaves out of PATH."""
    path = os.environ.get("PATH", os.defpath)
    return os.environ | {"LC_ALL": "C", "PATH": os.pathsep.join((path, *_ADMIN_PROGRAMS))}
