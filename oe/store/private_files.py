"""Files and folders that only their owner can read, whatever the umask."""

from __future__ import annotations

import os

from oe.store.faults import from_os

_FILE_MODE = 0o600
_FOLDER_MODE = 0o700


def make_folder(path: str) -> None:
    """Creates the folder and its missing parents with mode 0700; one that exists keeps its mode. Raises StoreError."""
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path.rstrip("/"))
    if parent and not os.path.isdir(parent):
        make_folder(parent)
    try:
        os.mkdir(path, _FOLDER_MODE)
        os.chmod(path, _FOLDER_MODE)
    except FileExistsError as error:
        if not os.path.isdir(path):
            raise from_os(path, error, doing="create folder") from error
    except OSError as error:
        raise from_os(path, error, doing="create folder") from error


def open_private(path: str, flags: int) -> int:
    """A descriptor of the file, created with mode 0600 where it is missing; children do not inherit it, and a link in
    its place is not followed. Raises OSError.
    """
    flags |= os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags | os.O_EXCL, _FILE_MODE)
    except FileExistsError:
        return os.open(path, flags, _FILE_MODE)
    os.fchmod(descriptor, _FILE_MODE)
    return descriptor
