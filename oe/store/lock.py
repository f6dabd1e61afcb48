"""Who carries a run: a kernel lock on a file of the run, which ends with its process however that ends."""

from __future__ import annotations

import fcntl
import json
import os
import struct
import sys
from contextlib import suppress
from typing import Literal

from oe.errors import StoreError
from oe.ports.store import Owner
from oe.store.faults import MOVE_HINT, from_os
from oe.store.private_files import open_private

Liveness = Literal["alive", "dead", "elsewhere"]

_LOCAL_FILE_SYSTEMS = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "tmpfs", "overlay",
                                 "ramfs", "vfat", "exfat", "ntfs3"})

_HELD: dict[str, Lock] = {}
"""The locks that this process holds or is about to, by the real paths of their files. The kernel's locks belong to the
process, and closing any descriptor of such a file anywhere in it drops them: so no other is opened here meanwhile."""


class Lock:
    """A held lock."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.descriptor = -1

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Gives the run up. The file stays: removing it would let two processes lock two files of one name."""
        if self.descriptor >= 0:
            descriptor, self.descriptor = self.descriptor, -1
            os.close(descriptor)
            del _HELD[self.path]  # not before: a thread that took the lock meanwhile would lose it by the close


def acquire(path: str, owner: Owner) -> Lock | None:
    """The lock on the file, with the owner written into it; None where somebody holds it. Raises StoreError."""
    lock = Lock(os.path.realpath(path))
    if _HELD.setdefault(lock.path, lock) is not lock:
        return None
    try:
        lock.descriptor = _open_locked(path)
    finally:
        if lock.descriptor < 0:
            del _HELD[lock.path]
    if lock.descriptor < 0:
        return None
    with suppress(OSError):  # for people to read: the lock alone decides
        written = os.write(lock.descriptor, (json.dumps(owner._asdict()) + "\n").encode())
        os.ftruncate(lock.descriptor, written)  # not before: ext4 writes a file cut to nothing to disk at its close
    return lock


def liveness(path: str, owner: Owner) -> Liveness:
    """Whether the owner on record still carries the run. A lock that is not held means dead, unless the owner is of
    another host and the file system may be one that does not carry locks between hosts: then nobody here knows."""
    if os.path.realpath(path) in _HELD or _is_locked(path):
        return "alive"
    if owner.host == os.uname().nodename or _is_local(path):
        return "dead"
    return "elsewhere"


def _open_locked(path: str) -> int:
    """A descriptor that has the lock; -1 where somebody else has it. Raises StoreError."""
    try:
        descriptor = open_private(path, os.O_RDWR)
    except OSError as error:
        raise from_os(path, error, doing="open the lock file") from error
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, as POSIX leaves open
        os.close(descriptor)
        return -1
    except OSError as error:
        os.close(descriptor)
        raise StoreError(f"cannot lock '{path}': {os.strerror(error.errno or 0).lower()}", code="store-locked",
                         hint=f"this file system may not support locks; {MOVE_HINT}") from error
    if not _is_still_at(path, descriptor):  # pruned between open and lock: another may lock a new file of that name
        os.close(descriptor)
        return -1
    return descriptor


def this_process() -> Owner:
    """The owner that this process is."""
    return Owner(os.uname().nodename, os.getpid(), _start_time(os.getpid()))


def _start_time(pid: int) -> int:
    """Clock ticks since boot, field 22 of /proc/PID/stat (proc(5)); 0 where there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


def _is_still_at(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _is_locked(path: str) -> bool:
    """Asks the kernel without taking the lock, so that asking never stands in the way of an owner (F_GETLK)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        if sys.platform == "darwin":  # struct flock: start, length, pid, type, whence
            request = struct.pack("qqihh", 0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET)
            kind = struct.unpack("qqihh", fcntl.fcntl(descriptor, fcntl.F_GETLK, request))[3]
        else:  # type, whence, start, length, pid
            request = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind = struct.unpack("hhqqi", fcntl.fcntl(descriptor, fcntl.F_GETLK, request))[0]
        return bool(kind != fcntl.F_UNLCK)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _is_local(path: str) -> bool:
    """Whether the file system is known to be this machine's own, so that its locks tell the whole truth."""
    from oe.store.mounts import file_system_of  # only for owners on other hosts

    return file_system_of(path) in _LOCAL_FILE_SYSTEMS
