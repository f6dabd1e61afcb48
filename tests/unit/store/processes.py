"""Other real processes for the store's tests: they say when they are ready and go on when they are told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

PRELUDE = """
import os, sys
from oe.ports.store import *
from oe.store.data_folder import DataFolder
from oe.store.database import *
from oe.store.event_log import JsonlLog
from oe.store.lock import this_process
from oe.store.sqlite_store import SqliteStore
from oe.state.events import Event
from tests.contract.builders import *

def ready():
    print("ready", flush=True)
    sys.stdin.readline()
"""


class Other:
    """A Python process that runs `code`; `sys.argv[1:]` are the arguments."""

    def __init__(self, code: str, *arguments: object, prefix: tuple[str, ...] = ()) -> None:
        environment = dict(os.environ, PYTHONPATH=str(ROOT))
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-c", PRELUDE + code, *map(str, arguments)], env=environment, cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def read_line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline() or self.finish()

    def wait_ready(self) -> None:
        line = self.read_line()
        assert line == "ready\n", line

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def finish(self) -> str:
        """What it printed. Fails where it ended with a traceback or another exit code than 0."""
        out, err = self._process.communicate(timeout=120)
        assert self._process.returncode == 0, f"exit code {self._process.returncode}\n{out}\n{err}"
        return out

    def __enter__(self) -> Other:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.kill()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None and not stream.closed:
                stream.close()


def run_other(code: str, *arguments: object, prefix: tuple[str, ...] = ()) -> str:
    with Other(code, *arguments, prefix=prefix) as other:
        return other.finish()
