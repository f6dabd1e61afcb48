"""Programs started past the interpreter: the same program gets the same as from `subprocess`.

But for the C library's own two signals, 32 and 33, which nothing can send by accident.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oe.net.native_spawn import Spawned, Spawner, Start, usable
from tests.unit.net.children import is_alive

pytestmark = pytest.mark.skipif(not usable(), reason="this system's C library has no posix_spawn that can all that is needed")

TELLS = ("import json, os, signal, sys; json.dump(dict(argv=sys.argv, env=dict(os.environ), folder=os.getcwd(),"
         " session=os.getsid(0) == os.getpid(), fds=sorted(int(each) for each in os.listdir('/proc/self/fd'))[:-1],"
         " masked=sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())), ignored=int(open('/proc/self/"
         "status').read().partition('SigIgn:')[2].split()[0], 16) & 0x7fffffff, stdin=sys.stdin.read()), sys.stdout)")


@pytest.fixture
def spawner() -> Iterator[Spawner]:
    made = Spawner()
    yield made
    made.close()


def started(spawner: Spawner, start: Start) -> Spawned:
    async def main() -> Spawned:
        return await asyncio.wait_for(spawner.spawn(start, asyncio.get_running_loop()), 60)

    return asyncio.run(main())


def start_of(*argv: str, folder: str = "/", output: int | None = None, **environment: str) -> Start:
    null = os.open(os.devnull, os.O_RDWR)
    return Start(argv, folder, {"PATH": os.environ["PATH"], **environment}, (null, output or null, null))


def test_a_program_gets_what_subprocess_gives_it(spawner: Spawner, tmp_path: Path) -> None:
    argv = [sys.executable, "-S", "-c", TELLS, "é", "", "a b"]
    environment = {"PATH": os.environ["PATH"], "ODD": "é\udcff=\n"}
    with (tmp_path / "out").open("wb") as out:
        spawned = started(spawner, start_of(*argv, folder=str(tmp_path), output=out.fileno(), ODD=environment["ODD"]))
        assert spawned.wait() == 0
    expected = subprocess.run(argv, cwd=tmp_path, env=environment, start_new_session=True, stdin=subprocess.DEVNULL,
                              capture_output=True, check=True)
    told: dict[str, Any] = json.loads((tmp_path / "out").read_bytes())
    assert told == json.loads(expected.stdout)
    assert (told["session"], told["fds"], told["folder"]) == (True, [0, 1, 2], str(tmp_path))


@pytest.mark.parametrize(("argv", "folder", "environment", "error"), [
    (("no-such-program",), "/", {}, FileNotFoundError), (("/no/such/program",), "/", {}, FileNotFoundError),
    (("true",), "/no/such/folder", {}, FileNotFoundError), (("/etc",), "/", {}, PermissionError),
    (("/etc/passwd",), "/", {}, PermissionError), (("true", "a\0b"), "/", {}, ValueError),
    (("true",), "/", {"A=B": "1"}, ValueError), (("true", "\ud800"), "/", {}, ValueError),
    (("true", "x" * 3_000_000), "/", {}, OSError)])
def test_what_cannot_be_started_is_the_error_that_subprocess_raises(
        spawner: Spawner, argv: tuple[str, ...], folder: str, environment: dict[str, str],
        error: type[Exception]) -> None:
    with pytest.raises(error):
        started(spawner, start_of(*argv, folder=folder, **environment))


def test_the_path_is_that_of_the_program_and_seen_from_its_folder(spawner: Spawner, tmp_path: Path) -> None:
    tool = tmp_path / "bin" / "mine"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nexit 7\n")
    tool.chmod(0o755)
    assert started(spawner, start_of("mine", PATH=f"/nowhere:{tool.parent}")).wait() == 7
    assert started(spawner, start_of("mine", folder=str(tmp_path), PATH="bin")).wait() == 7


def test_an_end_by_a_signal_is_its_number_below_zero(spawner: Spawner) -> None:
    assert started(spawner, start_of("sh", "-c", "kill -KILL $$")).wait() == -signal.SIGKILL


def void(_: object) -> None:
    """Takes a value and gives none."""


def test_one_that_starts_when_the_loop_has_gone_is_killed(spawner: Spawner, tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    note = tmp_path / "pid"
    held, before = threading.Event(), set(threading.enumerate())
    spawner._jobs.put(lambda: void(held.wait(60)))
    future = spawner.spawn(start_of("sh", "-c", f"echo $$ > {note}; sleep 1000"), loop)
    loop.close()
    held.set()
    spawner.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
    assert not future.done()
    assert not note.exists() or not note.read_text() or not is_alive(int(note.read_text()))
