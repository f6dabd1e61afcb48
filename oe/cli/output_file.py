"""Files that a command writes where the user says: whole or not at all, and for their owner alone."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from oe.errors import OeError

_OWNER_ONLY = 0o600


def write_text(path: str, text: str) -> None:
    """Writes the file. A regular one is replaced in one step and keeps its mode, a new one has mode 0600; anything
    else (a pipe, a device) is written into. Raises OeError; also for a link to a file, which may have come with an
    experience that is not to be trusted."""
    data = text.encode("utf-8", "backslashreplace")
    if os.path.islink(path) and (os.path.isfile(path) or not os.path.exists(path)):
        raise OeError(f"cannot write '{path}': it is a link", hint="name the file itself", code="unwritable")
    try:
        mode = _mode_of(path)
        if mode is not None and not stat.S_ISREG(mode):
            with open(path, "wb") as file:
                file.write(data)
            return
        _replace(os.path.realpath(path), data, _OWNER_ONLY if mode is None else stat.S_IMODE(mode))
    except OSError as error:
        raise OeError(f"cannot write '{path}': {(error.strerror or str(error)).lower()}", code="unwritable") from error


def _mode_of(path: str) -> int | None:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _replace(path: str, data: bytes, mode: int) -> None:
    draft = f"{path}.{os.getpid()}.part"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ONLY)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.chmod(draft, mode)
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise
