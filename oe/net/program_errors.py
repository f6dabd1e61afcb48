"""Why a program could not be started, in words that say what to do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from oe.errors import NodeError
from oe.ports.process import Command
from oe.text import clip, nearest

_TRANSIENT = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY})
_SHORT = {
    errno.EMFILE: "lower the concurrency, or raise the limit on open files: ulimit -n",
    errno.EAGAIN: "lower the concurrency, or raise the limit on processes: ulimit -u, or the container's",
}
_SHEBANG_BYTES = 256


def start_error(command: Command, error: OSError | ValueError) -> NodeError:
    """The node's failure. It is retryable only where the machine was short of something."""
    program = command.argv[0] if command.argv else ""
    shown = clip(program, 200)
    if not program:
        return _fault("the command names no program: its first word is empty", "ValueError")
    if isinstance(error, ValueError):
        return _fault(f"cannot start '{shown}': an argument or a variable holds a NUL character or a lone surrogate",
                      "ValueError")
    if error.errno in _TRANSIENT:
        return NodeError(f"cannot start '{shown}': {_reason(error)}", name=type(error).__name__,
                         code="program-not-started", hint=_SHORT.get(error.errno))
    if error.errno == errno.E2BIG:
        return _fault(f"cannot start '{shown}': the arguments and variables are too long for the system", "OSError",
                      "hand large values over on stdin")
    if not Path(command.folder).is_dir():
        return _fault(f"cannot start '{shown}': there is no folder '{command.folder}'", "FileNotFoundError")
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return _not_found(program, _path_of(program, command), command)
    return _not_runnable(shown, _path_of(program, command), error)


def _not_runnable(shown: str, path: Path | None, error: OSError) -> NodeError:
    if error.errno == errno.ENOEXEC:
        return _fault(f"cannot run '{shown}': it is neither a program for this machine nor a script with a first line",
                      "OSError", "begin it with a line such as #!/bin/sh")
    if isinstance(error, PermissionError) and path is not None and path.is_dir():
        return _fault(f"cannot run '{shown}': it is a folder", "PermissionError")
    if isinstance(error, PermissionError) and path is not None and not os.access(path, os.X_OK):
        return _fault(f"cannot run '{shown}': it is not executable", "PermissionError", f"chmod +x {shown}")
    return _fault(f"cannot start '{shown}': {_reason(error)}", type(error).__name__)


def _not_found(program: str, path: Path | None, command: Command) -> NodeError:
    shown = clip(program, 200)
    if path is not None:
        interpreter = _interpreter(path)
        if interpreter is None:
            return _fault(f"cannot run '{shown}': the loader that it needs does not exist", "FileNotFoundError")
        return _fault(f"cannot run '{shown}': its interpreter '{interpreter}' does not exist", "FileNotFoundError",
                      "mend its first line")
    if "/" in program:
        wanted = Path(command.folder, program)
        found = nearest(wanted.name, _names(wanted.parent))
        prefix = program.rpartition("/")[0]
        return _fault(f"program '{shown}' does not exist", "FileNotFoundError",
                      f"did you mean '{prefix}/{found}'?" if found else None)
    if Path(command.folder, program).exists():
        return _fault(f"program '{shown}' is not on the PATH", "FileNotFoundError", f"did you mean './{shown}'?")
    found = nearest(program, sorted({name for folder in _search_path(command) for name in _names(folder)
                                     if abs(len(name) - len(program)) <= 2}))
    return _fault(f"program '{shown}' is not on the PATH", "FileNotFoundError",
                  f"did you mean '{found}'?" if found else None)


def _path_of(program: str, command: Command) -> Path | None:
    """The file that the program's name leads to, executable or not."""
    folders = [Path(command.folder)] if "/" in program else _search_path(command)
    return next((folder / program for folder in folders if (folder / program).exists()), None)


def _search_path(command: Command) -> list[Path]:
    return [Path(command.folder, folder) for folder in os.get_exec_path(dict(command.environment))]


def _interpreter(path: Path) -> str | None:
    """The program that a script names in its first line."""
    try:
        with path.open("rb") as file:
            first = file.read(_SHEBANG_BYTES).partition(b"\n")[0]
    except OSError:
        return None
    words = first[2:].split(b" ") if first.startswith(b"#!") else []
    named = next((word for word in words if word), None)
    return clip(named.decode("utf-8", "backslashreplace").replace("\r", "\\r"), 200) if named else None


def _names(folder: Path) -> Iterable[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _fault(message: str, name: str, hint: str | None = None) -> NodeError:
    return NodeError(message, name=name, retryable=False, hint=hint, code="program-not-started")
