"""A process that carries out the program's command line in copies of itself, each of which signals itself where it is told.

Started by `tests.support.crashes`, which says by lines of JSON what is to be done. The product does not know of it: the
places are functions of the product that are wrapped here, in the copy alone. A copy costs a fork, not a start.
"""

from __future__ import annotations

import errno
import gc
import importlib
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

from oe.errors import StoreError
from tests.support.descriptors import open_descriptors

POINTS = {
    "open the database": ("oe.store.sqlite_store", "SqliteStore.open"),
    "migrate": ("oe.store.database", "_migrate"),
    "lock": ("oe.app.workspace", "Workspace.lock"),
    "create_run": ("oe.store.sqlite_store", "SqliteStore.create_run"),
    "reopen_run": ("oe.store.sqlite_store", "SqliteStore.reopen_run"),
    "commit": ("oe.store.sqlite_store", "SqliteStore.commit"),
    "supersede": ("oe.store.sqlite_store", "SqliteStore.commit"),
    "begin": ("oe.store.database", "Transaction.__enter__"),
    "end": ("oe.store.database", "Transaction.__exit__"),
    "charge": ("oe.store.sqlite_store", "SqliteStore.charge"),
    "settle": ("oe.store.sqlite_store", "SqliteStore.settle"),
    "end_run": ("oe.store.sqlite_store", "SqliteStore.end_run"),
    "append": ("oe.store.event_log", "JsonlLog.append"),
    "write": ("oe.store.event_log", "JsonlLog._write"),
    "cut": ("oe.store.event_log", "JsonlLog._cut"),
    "repair": ("oe.store.event_log", "JsonlLog.repair"),
    "keep": ("oe.store.cache_files", "CacheFiles.keep"),
    "rename": ("os", "replace"),
    "remove the live file": ("oe.store.data_folder", "DataFolder.remove_live"),
    "close": ("oe.store.sqlite_store", "SqliteStore.close"),
    "unlock": ("oe.app.workspace", "Workspace.unlock"),
}
"""Name -> module and function. A copy is killed before or after the n-th call; within `write` half is written."""

OF_UPKEEP = {
    "begin": POINTS["begin"],
    "end": POINTS["end"],
    "remove_run": ("oe.store.sqlite_store", "SqliteStore.remove_run"),
    "remove files": ("oe.store.data_folder", "DataFolder.remove_run"),
    "remove results": ("oe.store.cache_admin", "CacheFolder.remove"),
    "unlink": ("os", "unlink"),
    "rmdir": ("os", "rmdir"),
    "shrink": ("oe.store.upkeep", "Upkeep.shrink"),
}
"""What pruning comes to."""

_START_OF_A_THREAD = "_start_joinable_thread" if sys.version_info >= (3, 13) else "_start_new_thread"
FAULTS: dict[str, tuple[str, str, Exception]] = {
    "a thread": ("threading", _START_OF_A_THREAD, RuntimeError("can't start new thread")),
    "a pipe": ("os", "pipe", OSError(errno.EMFILE, "Too many open files")),
    "a descriptor": ("os", "open", OSError(errno.EMFILE, "Too many open files")),
    "a file": ("builtins", "open", OSError(errno.EMFILE, "Too many open files")),
    "a process": ("subprocess", "_fork_exec", BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")),
    "a process by the library": ("oe.net.native_spawn", "_spawn", MemoryError()),
    "a descriptor of a process": ("os", "pidfd_open", OSError(errno.EMFILE, "Too many open files")),
    "a file without a name": ("os", "memfd_create", OSError(errno.ENOMEM, "Cannot allocate memory")),
    "a pair of sockets": ("socket", "socketpair", OSError(errno.EMFILE, "Too many open files")),
    "a write": ("os", "write", OSError(errno.ENOSPC, "No space left on device")),
    "a folder": ("os", "mkdir", OSError(errno.ENOSPC, "No space left on device")),
    "a new name": ("os", "replace", OSError(errno.EIO, "Input/output error")),
    "a removal": ("os", "unlink", OSError(errno.EIO, "Input/output error")),
    "a cut": ("os", "ftruncate", OSError(errno.EIO, "Input/output error")),
    "a lock": ("fcntl", "lockf", OSError(errno.ENOLCK, "No locks available")),
    "a listing": ("os", "scandir", OSError(errno.EMFILE, "Too many open files")),
    "a random number": ("os", "urandom", OSError(errno.EIO, "Input/output error")),
    "a connection": ("sqlite3", "connect", sqlite3.OperationalError("unable to open database file")),
    "a transaction": ("oe.store.database", "Transaction.__enter__", StoreError("database is full", code="store-full")),
}
"""What the host may refuse: name -> module, function, error. From the n-th call on, or at the n-th alone."""

HUNG_SECONDS = 150
"""A copy that a refusal makes wait for ever is ended by SIGALRM after that time."""

OF_MODELS = frozenset({"charge", "settle"})
"""Points that only runs with models and a budget come to."""

PRELOADED = ("asyncio", "sqlite3", "oe.cli.main", "oe.cli.running", "oe.cli.commands.run", "oe.cli.commands.resume",
             "oe.app.launch", "oe.app.inspection", "oe.run.fan_out", "oe.run.pipelines", "oe.run.loops", "oe.run.nested",
             "oe.store.sqlite_store", "oe.spec.load", "oe.lang.yaml", "oe.net.processes", "oe.net.native_spawn", "oe.kinds.tool_process",
             "oe.kinds.tool_command", "oe.kinds.tool_inline", "oe.app.live", "oe.app.models", "oe.kinds.agent", "oe.llm.replay")


def die() -> None:
    """As the kernel would end this process, with nothing run on the way out."""
    os.kill(os.getpid(), signal.SIGKILL)


def install(point: str, when: str, number: int, hits: dict[str, int]) -> None:
    """Kills this process at the n-th call of a point; with 0 its calls are only counted."""
    module, path = (POINTS | OF_UPKEEP)[point]
    owner: Any = importlib.import_module(module)
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    original = vars(owner)[name]
    function: Callable[..., Any] = getattr(original, "__func__", original)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        if point == "supersede" and not (len(arguments) > 3 and arguments[3]):
            return function(*arguments, **options)
        hits[point] = hits.get(point, 0) + 1
        if hits[point] == number and when == "before":
            die()
        if hits[point] == number and when == "within":
            log, data = arguments
            os.write(log._descriptor, data[:len(data) // 2])
            die()
        result = function(*arguments, **options)
        if hits[point] == number and when == "after":
            die()
        return result
    setattr(owner, name, classmethod(wrapped) if isinstance(original, classmethod) else wrapped)


def refuse(name: str, number: int, once: bool, hits: dict[str, int]) -> Callable[[], None]:
    """Makes the n-th call of what the host may refuse fail, or all from the n-th on; how to end that."""
    module, path, error = FAULTS[name]
    owner: Any = importlib.import_module(module)
    *outer, function = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    original = getattr(owner, function)

    def refused(*arguments: Any, **options: Any) -> Any:
        hits[name] = hits.get(name, 0) + 1
        if hits[name] == number or (number and hits[name] > number and not once):
            raise error
        return original(*arguments, **options)

    setattr(owner, function, refused)
    signal.alarm(HUNG_SECONDS)
    return lambda: setattr(owner, function, original)


def count_calls(strikes: dict[int, int], hits: dict[str, int]) -> None:
    """Sends this process signals at its n-th calls of a function, in Python or in C: instants like any others, but
    repeatable."""
    hits["calls"] = 0

    def profile(frame: Any, event: str, argument: Any) -> None:
        hits["calls"] += 1
        if hits["calls"] in strikes:
            os.kill(os.getpid(), strikes[hits["calls"]])
    sys.setprofile(profile)


def carry_out(order: dict[str, Any]) -> None:
    """The copy's part: the command line, until its end or the place where it dies."""
    os.chdir(order["cwd"])
    for number, name in ((0, "/dev/null"), (1, order["stdout"]), (2, order["stderr"])):
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC if number else os.O_RDONLY, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    hits: dict[str, int] = {}
    for point in POINTS | OF_UPKEEP:
        at = order["point"] == point
        install(point, order["when"] if at else "", order["number"] if at else 0, hits)
    from oe.cli.main import main

    before = open_descriptors()
    undo = [refuse(name, order["number"] if name == order["point"] else 0, order["when"] == "once", hits)
            for name in FAULTS] if order["when"] in ("once", "from then on") else []
    if not order["point"]:
        count_calls({int(number): each for number, each in order["strikes"].items()}, hits)
    code = main(order["argv"], sys.stdin, sys.stdout, sys.stderr)
    sys.setprofile(None)
    signal.alarm(0)
    for restore in undo:
        restore()
    left = sorted(open_descriptors() - before)
    sys.stdout.flush()
    sys.stderr.flush()
    with open(order["hits"], "w", encoding="utf-8") as file:
        json.dump({"hits": hits, "left": left}, file)
    os._exit(code)


def serve() -> None:
    """One copy for each line of stdin; how it ended on stdout."""
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            try:
                carry_out(json.loads(line))
            finally:
                os._exit(99)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
