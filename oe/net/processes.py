"""Programs as owned process groups: started, fed, read, ended. The one module that starts processes.

Three decisions, with their reasons:

* A program that runs alone is started on the loop's thread. `subprocess` uses vfork here (no `preexec_fn`, no change of
  user), which costs 0.1 ms whatever the size of this process, but holds the interpreter's lock until the child has
  reached its program. So where others are running too, it is started past the interpreter (`native_spawn`).
* A program is found by its process group alone. One that makes a session of its own (`setsid`, a daemon) has left on
  purpose and is not followed: to adopt it, this process would have to adopt every orphan there is.
* If this process dies by SIGKILL, a guard ends the groups that it leaves (`process_guard`). PR_SET_PDEATHSIG is not
  used: it needs code between fork and exec, costs vfork, and reaches the leader only.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from oe.net.process_group import has_members, signal_group
from oe.net.process_guard import ProcessGuard
from oe.net.process_pipes import Feed, Stream
from oe.ports.process import Command, Exit

if TYPE_CHECKING:
    from oe.net.native_spawn import Spawned, Spawner

_KILL_SECONDS = 5.0
"""How long a killed group may take to vanish: one that hangs in the kernel (a dead network disk) is then left to it."""
_FIRST_OWN = 3
"""Descriptors below are a program's own three: where this process has none, a pipe may have got one of them."""
_SHORTEST_PAUSE = 0.002
_LONGEST_PAUSE = 0.05


class Processes:
    """Implements ProcessRunner. Programs that a SIGKILL of this process orphans have `orphan_grace_seconds` between
    TERM and KILL."""

    def __init__(self, orphan_grace_seconds: int = 5) -> None:
        self._guard = ProcessGuard(orphan_grace_seconds)
        self._spawner: Spawner | None = None
        self._running = 0
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # inherited; with it the kernel forgets every exit code

    async def run(self, command: Command, on_stdout: Callable[[bytes], None], on_stderr: Callable[[bytes], None],
                  on_message: Callable[[bytes], None] | None = None) -> Exit:
        """Runs the program to its end; see ProcessRunner."""
        program = _Program(command, self._guard)
        self._running += 1
        try:
            await program.start(on_stdout, on_stderr, on_message, self._find_spawner())
            try:
                program.listen()
                return await program.carry_through()
            finally:
                program.release()
        finally:
            self._running -= 1

    def _find_spawner(self) -> Spawner | None:
        """What starts a program beside others, where this system has it."""
        if self._running > 1 and self._spawner is None:
            from oe.net.native_spawn import Spawner, usable  # programs that run alone need neither it nor ctypes

            self._spawner = Spawner() if usable() else None
        return self._spawner if self._running > 1 else None

    def close(self) -> None:
        """Ends the guard. Without it the guard ends by itself when this process does."""
        self._guard.close()
        if self._spawner is not None:
            self._spawner.close()
            self._spawner = None


class _Program:
    """One running program: its pipes, its group, its end."""

    def __init__(self, command: Command, guard: ProcessGuard) -> None:
        self._command = command
        self._guard = guard
        self._loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[None] = self._loop.create_future()
        self._wake: asyncio.Future[None] = self._loop.create_future()
        self._failure: BaseException | None = None
        self._streams: list[Stream] = []
        self._feed: Feed | None = None
        self._pidfd = -1
        self._is_clear = False
        self._is_cancelled = False
        self._popen: subprocess.Popen[bytes] | Spawned

    async def start(self, on_stdout: Callable[[bytes], None], on_stderr: Callable[[bytes], None],
                    on_message: Callable[[bytes], None] | None, spawner: Spawner | None) -> None:
        """Starts the program. Raises NodeError, and leaves no descriptor behind then. A cancellation while it starts is
        kept for `carry_through`."""
        try:
            for sink in (on_stdout, on_stderr, on_message):
                if sink is not None:
                    self._streams.append(Stream(self._loop, sink, self._fail))
            if self._command.stdin:
                self._feed = Feed(self._loop, self._command.stdin)
            self._guard.stand_by()
            await self._spawn(spawner)
        except (OSError, ValueError) as error:
            self._close_pipes()
            from oe.net.program_errors import start_error  # only on the way to an error

            raise start_error(self._command, error) from error
        except BaseException:
            self._close_pipes()
            raise
        self._slot = self._guard.add(self._popen.pid)

    def listen(self) -> None:
        """Hears from now on what the program prints and when it ends."""
        for stream in self._streams:
            stream.listen()
        if self._feed is not None:
            self._feed.go_on()
        self._watch()

    async def _spawn(self, spawner: Spawner | None) -> None:
        if not self._command.argv or not self._command.argv[0]:
            raise FileNotFoundError
        environment = dict(self._command.environment) | {"OE_OWNER": self._guard.token}
        messages = [stream.write_fd for stream in self._streams[2:]]
        if messages:
            environment["OE_MESSAGE_FD"] = str(messages[0])
        stdin = self._feed.read_fd if self._feed else -1
        descriptors = stdin, self._streams[0].write_fd, self._streams[1].write_fd
        if spawner is None or messages or min(descriptors) < _FIRST_OWN:
            self._popen = subprocess.Popen(
                self._command.argv, cwd=self._command.folder, env=environment, start_new_session=True,
                pass_fds=messages, stdin=subprocess.DEVNULL if stdin < 0 else stdin, stdout=descriptors[1],
                stderr=descriptors[2])
        else:
            from oe.net.native_spawn import Start

            start = Start(self._command.argv, self._command.folder, environment, descriptors)
            self._popen = await self._started(spawner.spawn(start, self._loop))
        for stream in self._streams:
            stream.close_write_end()
        if self._feed is not None:
            self._feed.close_read_end()

    async def _started(self, future: asyncio.Future[Spawned]) -> Spawned:
        """The started program: a start cannot be taken back, so a cancellation waits for it."""
        while not future.done():
            try:
                await asyncio.wait((future,))
            except asyncio.CancelledError:
                self._is_cancelled = True
        return future.result()

    def _watch(self) -> None:
        """Learns of the leader's end from a pidfd, or where there is none from a thread that waits."""
        try:
            self._pidfd = os.pidfd_open(self._popen.pid)
            self._loop.add_reader(self._pidfd, self._on_exit)
        except (AttributeError, OSError):
            threading.Thread(target=self._wait_in_thread, name=f"wait {self._popen.pid}", daemon=True).start()

    def _wait_in_thread(self) -> None:
        self._popen.wait()
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._on_exit)

    def _on_exit(self) -> None:
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
        if not self._exited.done():
            self._exited.set_result(None)
        self._stir()

    def _fail(self, error: BaseException) -> None:
        """A sink raised: the program is ended, and the error goes to the caller."""
        if self._failure is None:
            self._failure = error
            for stream in self._streams:
                stream.discard()
        self._stir()

    def _stir(self) -> None:
        if not self._wake.done():
            self._wake.set_result(None)

    async def carry_through(self) -> Exit:
        """Waits for the end, or brings it about when cancelled or when a sink failed."""
        cancelled = self._is_cancelled
        try:
            if not cancelled:
                await self._wake
        except asyncio.CancelledError:
            cancelled = True
        if self._exited.done():
            for stream in self._streams:
                stream.drain()
        cancelled = await self._clear_group() or cancelled
        if cancelled:
            raise asyncio.CancelledError
        if self._failure is not None:
            raise self._failure
        return Exit(self._popen.returncode or 0)

    async def _clear_group(self) -> bool:
        """TERM, the grace, KILL, until nothing of the group is left; whether it was cancelled meanwhile, which is taken
        as a wish for speed: KILL follows at once."""
        cancelled = killed = False
        pause = _SHORTEST_PAUSE
        deadline = self._loop.time() + self._command.grace_seconds
        signal_group(self._popen.pid, signal.SIGTERM)  # the leader is not reaped yet, so its number is still its own
        while not self._find_clear():
            now = self._loop.time()
            if now >= deadline and killed:
                break
            if now >= deadline:
                killed = True
                deadline = now + _KILL_SECONDS
                signal_group(self._popen.pid, signal.SIGKILL)
            try:
                pause = await self._pause(pause, deadline - now)
            except asyncio.CancelledError:
                cancelled = True
                deadline = deadline if killed else now
        return cancelled

    async def _pause(self, pause: float, rest: float) -> float:
        """Waits for the leader's end, or for a little where it has ended; the next pause."""
        if not self._exited.done():
            await asyncio.wait((self._exited,), timeout=rest)
            return pause
        await asyncio.sleep(min(pause, max(rest, 0)))
        return min(pause * 2, _LONGEST_PAUSE)

    def _find_clear(self) -> bool:
        """Whether leader and group are gone; reaps the leader."""
        if not self._is_clear and self._exited.done():
            self._popen.poll()
            self._is_clear = self._popen.returncode is not None and not has_members(self._popen.pid)
        return self._is_clear

    def release(self) -> None:
        """Gives back every descriptor. A program that still runs, because the loop itself was torn down, is killed."""
        if not self._is_clear:
            signal_group(self._popen.pid, signal.SIGKILL)
        self._guard.remove(self._slot)
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
        self._close_pipes()

    def _close_pipes(self) -> None:
        for stream in self._streams:
            stream.close()
        if self._feed is not None:
            self._feed.close()
