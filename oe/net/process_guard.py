"""Ends the process groups that this process leaves behind when it is killed itself.

A small shell waits for the end of a pipe that only this process holds. It comes with the death of this process, however
it dies; then the shell ends the groups whose numbers stand in a file that has no name. Noting a group costs one write
into that file and wakes nobody. A program that was started in the last instant may not be noted yet; where there is
/proc it is found by the variable OE_OWNER in its environment, and so is one that made a session of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress

_SHELL = "/bin/sh"
# the list is its standard output, opened for both ways: not every shell can name a descriptor above 9
_SCRIPT = """trap '' HUP INT TERM
read -r line && exit 0
groups=
while read -r group; do [ -n "$group" ] && groups="$groups -$group"; done <&1
strays() {
    for place in /proc/[0-9]*; do
        tr '\\0' '\\n' <"$place/environ" | grep -qx "OE_OWNER=$1" && echo "${place#/proc/}"
    done
}
targets="$groups $(strays "$2")"
for second in $1; do
    [ -n "${targets# }" ] || exit 0
    kill -s TERM -- $targets
    sleep 1
    targets=$(for target in $groups $(strays "$2"); do kill -s 0 -- $target && printf ' %s' $target; done)
done
[ -z "$targets" ] || kill -s KILL -- $targets
"""
_LINE_BYTES = 12
_EMPTY = b" " * (_LINE_BYTES - 1) + b"\n"


class ProcessGuard:
    """The groups that must not outlive this process. The guard starts with the first; where it cannot (no shell), the
    groups are unguarded: only a SIGKILL of this process would leave them."""

    def __init__(self, grace_seconds: int = 5) -> None:
        self.token = os.urandom(8).hex()
        self._grace_seconds = grace_seconds
        self._free: list[int] = []
        self._count = 0
        self._list_fd = -1
        self._shell: subprocess.Popen[bytes] | None = None
        self._starts = True

    def stand_by(self) -> None:
        """Starts the guard. To be called before a program is started: a guard that comes after it would leave the first
        program unguarded for as long as a shell takes to start."""
        if self._starts:
            self._starts = False
            self._start()

    def add(self, group: int) -> int:
        """Notes a group; its place in the list, for `remove`."""
        self.stand_by()
        if self._free:
            place = self._free.pop()
        else:
            place = self._count
            self._count += 1
        self._put(place, b"%-*d\n" % (_LINE_BYTES - 1, group))
        return place

    def remove(self, place: int) -> None:
        """The group has ended."""
        self._put(place, _EMPTY)
        self._free.append(place)

    def close(self) -> None:
        """Lets the guard end, and awaits it: a millisecond."""
        if self._shell is not None and self._shell.stdin is not None:
            with suppress(BrokenPipeError), self._shell.stdin as lifeline:
                lifeline.write(b"all is well\n")
            self._shell.wait()
            os.close(self._list_fd)
        self._shell = None
        self._list_fd = -1
        self._starts = True

    def _put(self, place: int, line: bytes) -> None:
        if self._list_fd >= 0:
            os.pwrite(self._list_fd, line, place * _LINE_BYTES)

    def _start(self) -> None:
        try:
            self._list_fd = _nameless_file()
            self._shell = subprocess.Popen(
                [_SHELL, "-c", _SCRIPT, "oe-guard", " ".join("." * self._grace_seconds), self.token],
                stdin=subprocess.PIPE, stdout=self._list_fd, stderr=subprocess.DEVNULL,
                start_new_session=True, cwd="/", env={"PATH": "/usr/bin:/bin"})
        except OSError:
            if self._list_fd >= 0:
                os.close(self._list_fd)
                self._list_fd = -1


def _nameless_file() -> int:
    if sys.platform == "linux":
        return os.memfd_create("oe-guard", os.MFD_CLOEXEC)
    from tempfile import TemporaryFile  # slow to import

    with TemporaryFile() as file:
        return os.dup(file.fileno())
