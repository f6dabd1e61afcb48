"""Programs started by the C library's posix_spawn, from threads that give back the interpreter's lock meanwhile.

`subprocess` and `os.posix_spawn` hold that lock until the child has reached its program, which on a busy machine takes
milliseconds in which neither the event loop nor another start goes on. A call through ctypes does not hold it. Only
where the library has all that an owned group needs (glibc 2.34 and newer); `usable` says so.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from asyncio import AbstractEventLoop, Future
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from errno import EAGAIN, ENOENT, ENOTDIR
from functools import cache
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ctypes import CDLL, Array, c_char

_SETSID, _SETSIGDEF = 0x80, 0x04
_ROOM_BYTES = 1024
"""For the library's objects, of which the largest has 336 bytes."""
_RESTORED = (signal.SIGPIPE, signal.SIGXFSZ)
"""Signals that Python ignores, and programs do not expect to be."""
_MOST_THREADS = 4


class Spawned:
    """A program that was started: what the runner needs of `subprocess.Popen`."""

    __slots__ = ("pid", "returncode")

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code where it has ended, minus a signal's number; None where it has not."""
        return self._reap(os.WNOHANG)

    def wait(self) -> int | None:
        """The exit code, once it has ended."""
        return self._reap(0)

    def _reap(self, options: int) -> int | None:
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:  # somebody else has reaped it, and its code is lost
                self.returncode = 0
            else:
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode


class Start(NamedTuple):
    """One program to start, in a session of its own, with three descriptors and no other."""

    argv: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    descriptors: tuple[int, int, int]


class Spawner:
    """Threads that start programs, made as they are needed."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = 0
        self._open = 0

    def spawn(self, start: Start, loop: AbstractEventLoop) -> Future[Spawned]:
        """Starts a program. The future may fail with OSError or ValueError, as `subprocess.Popen` does; it must not be
        cancelled. Where the loop is gone when the program has started, it is killed."""
        future: Future[Spawned] = loop.create_future()
        if self._open >= self._threads < _MOST_THREADS:
            self._grow()
        self._open += 1
        future.add_done_callback(self._over)
        self._jobs.put(lambda: _carry_out(start, loop, future))
        return future

    def close(self) -> None:
        """Lets the threads end."""
        for _ in range(self._threads):
            self._jobs.put(None)
        self._threads = 0

    def _grow(self) -> None:
        try:
            threading.Thread(target=self._work, name="oe-spawn", daemon=True).start()
        except RuntimeError as error:  # the machine gives no thread: those that there are take this one too
            if not self._threads:
                raise OSError(EAGAIN, os.strerror(EAGAIN)) from error
        else:
            self._threads += 1

    def _over(self, _: Future[Spawned]) -> None:
        self._open -= 1

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _carry_out(start: Start, loop: AbstractEventLoop, future: Future[Spawned]) -> None:
    spawned: Spawned | None = None
    try:
        spawned = Spawned(_spawn(start))
        loop.call_soon_threadsafe(future.set_result, spawned)
    except Exception as error:
        if spawned is None:  # whatever it is, out of memory too: the future must end, or its node never would
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(future.set_exception, error)
        else:  # the loop has been closed
            os.killpg(spawned.pid, signal.SIGKILL)
            spawned.wait()


def usable() -> bool:
    """Whether programs can be started this way here."""
    return sys.platform == "linux" and _library() is not None


@cache
def _library() -> CDLL | None:
    from ctypes import CDLL

    library = CDLL(None)
    needed = ("posix_spawn", "posix_spawn_file_actions_addchdir_np", "posix_spawn_file_actions_addclosefrom_np",
              "gnu_get_libc_version")  # another library's objects and flags may differ
    return library if all(hasattr(library, name) for name in needed) else None


@cache
def _attributes() -> Array[c_char]:
    """A session of its own, and the signals that Python ignores as they are for everyone."""
    from ctypes import byref, c_short, create_string_buffer

    library = _library()
    assert library is not None
    attributes, signals = create_string_buffer(_ROOM_BYTES), create_string_buffer(_ROOM_BYTES)
    _checked(library.posix_spawnattr_init(byref(attributes)))
    library.sigemptyset(byref(signals))
    for number in _RESTORED:
        library.sigaddset(byref(signals), int(number))
    _checked(library.posix_spawnattr_setsigdefault(byref(attributes), byref(signals)))
    _checked(library.posix_spawnattr_setflags(byref(attributes), c_short(_SETSID | _SETSIGDEF)))
    return attributes


def _spawn(start: Start) -> int:
    """The program's process id. Raises OSError, ValueError."""
    from ctypes import byref, c_char_p, c_int, create_string_buffer

    library = _library()
    assert library is not None
    words = [_bytes(word) for word in start.argv]
    variables = [_variable(name, value) for name, value in start.environment.items()]
    argv, envp = (c_char_p * (len(words) + 1))(*words), (c_char_p * (len(variables) + 1))(*variables)
    actions, pid = create_string_buffer(_ROOM_BYTES), c_int()
    _checked(library.posix_spawn_file_actions_init(byref(actions)))
    try:
        for target, descriptor in enumerate(start.descriptors):
            _checked(library.posix_spawn_file_actions_adddup2(byref(actions), descriptor, target))
        _checked(library.posix_spawn_file_actions_addclosefrom_np(byref(actions), 3))
        _checked(library.posix_spawn_file_actions_addchdir_np(byref(actions), _bytes(start.folder)))
        failure = 0
        for path in _candidates(start):
            code = library.posix_spawn(byref(pid), path, byref(actions), byref(_attributes()), argv, envp)
            if code == 0:
                return int(pid.value)
            if not failure or not _is_elsewhere(code):
                failure = code
    finally:
        library.posix_spawn_file_actions_destroy(byref(actions))
    raise OSError(failure, os.strerror(failure))


def _candidates(start: Start) -> list[bytes]:
    """Where the program may be: as named, or in the folders of the PATH that it is given."""
    program = _bytes(start.argv[0])
    if b"/" in program:
        return [program]
    return [os.path.join(os.fsencode(folder), program) for folder in os.get_exec_path(dict(start.environment))]


def _is_elsewhere(code: int) -> bool:
    return code in (ENOENT, ENOTDIR)


def _variable(name: str, value: str) -> bytes:
    if not name or "=" in name:
        raise ValueError("illegal environment variable name")
    return _bytes(f"{name}={value}")


def _bytes(text: str) -> bytes:
    """Raises ValueError for what C would cut off."""
    encoded = os.fsencode(text)
    if b"\0" in encoded:
        raise ValueError("embedded null byte")
    return encoded


def _checked(code: int) -> None:
    if code:
        raise OSError(code, os.strerror(code))
