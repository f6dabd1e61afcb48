"""Sends this process a signal a moment after it was asked to, even while the interpreter cannot run.

A small shell does it: it waits for a line on a pipe, sleeps, and sends the signal unless it has been told meanwhile
that there is no need. Asking is one system call, so a signal handler written in C can ask; nobody needs the
interpreter, which may be held by code that never lets go. The shell ends when the pipe does, and so with this process.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

_SHELL = "/bin/sh"
_SCRIPT = """trap '' HUP INT TERM USR1
while read -r line; do
    case $line in
        *"$3"*) echo asked; { sleep "$4" || sleep 1; echo due; } & ;;
        answered) echo answered ;;
    esac
done | {
    asked=0 answered=0 due=0
    while read -r word; do
        case $word in
            asked) asked=$((asked + 1)) ;;
            answered) [ "$answered" -ge "$asked" ] || answered=$((answered + 1)) ;;
            due) due=$((due + 1)); [ "$answered" -ge "$due" ] || kill -s "$1" "$2" ;;
        esac
    done
}
"""
_ANSWERED = b"answered\n"


class DelayedSignal:
    """A shell that waits to be asked. A line written to `request_fd` that holds `mark` is followed by the signal after
    the delay, unless `answer` is called in between. The descriptor never blocks."""

    def __init__(self, number: signal.Signals, mark: str, delay_seconds: float) -> None:
        """Starts the shell. Raises OSError where there is none."""
        read_end, self.request_fd = os.pipe()
        try:
            self._shell = subprocess.Popen(
                [_SHELL, "-c", _SCRIPT, "oe-signal", number.name.removeprefix("SIG"), str(os.getpid()), mark,
                 f"{delay_seconds:g}"],
                stdin=read_end, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd="/",
                env={"PATH": "/usr/bin:/bin"})
        except OSError:
            os.close(self.request_fd)
            raise
        finally:
            os.close(read_end)
        os.set_blocking(self.request_fd, False)

    def answer(self, count: int) -> None:
        """So many requests, those that were made first, need no signal."""
        with suppress(OSError):  # the shell is gone, or swamped with requests
            os.write(self.request_fd, _ANSWERED * count)

    def close(self) -> None:
        """Ends the shell at once, whatever it was asked."""
        with suppress(ProcessLookupError):
            os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.wait()
        os.close(self.request_fd)
