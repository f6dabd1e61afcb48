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


_HELD: set[str] = set()
"""Paths of the locks that this process holds. The kernel's locks belong to the process, and closing any descriptor of
such a file anywhere in it drops them: so every part of it has to know."""


class Lock:
    """A held lock. The kernel drops it when any descriptor of the file is closed in this process, so none other may be
    opened here while it is held: `RunLocks` sees to that."""

    def __init__(self, locks: RunLocks, path: str, descriptor: int) -> None:
        self._locks = locks
        self._path = path
        self._descriptor = descriptor

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Gives the run up. The file stays: removing it would let two processes lock two files of one name."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            self._locks.forget(self._path)
            os.close(descriptor)


class RunLocks:
    """The locks that this process holds, and questions about those of others. One object for a data folder."""

    def __init__(self) -> None:
        self._held = _HELD

    def acquire(self, path: str, owner: Owner) -> Lock | None:
        """The lock on the file, with the owner written into it; None where somebody holds it. Raises StoreError."""
        if path in self._held:
            return None
        try:
            descriptor = open_private(path, os.O_RDWR)
        except OSError as error:
            raise from_os(path, error, doing="open the lock file") from error
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, as POSIX leaves open
            os.close(descriptor)
            return None
        except OSError as error:
            os.close(descriptor)
            raise StoreError(f"cannot lock '{path}': {os.strerror(error.errno or 0).lower()}", code="store-locked",
                             hint=f"this file system may not support locks; {MOVE_HINT}") from error
        if not _is_still_at(path, descriptor):  # pruned between open and lock: another may lock a new file of that name
            os.close(descriptor)
            return None
        with suppress(OSError):  # for people to read: the lock alone decides
            written = os.write(descriptor, (json.dumps(owner._asdict()) + "\n").encode())
            os.ftruncate(descriptor, written)  # afterwards: ext4 writes a file cut to nothing to disk when it is closed
        self._held.add(path)
        return Lock(self, path, descriptor)

    def forget(self, path: str) -> None:
        """Takes a path out of what is held; for `Lock.release`."""
        self._held.discard(path)

    def liveness(self, path: str, owner: Owner) -> Liveness:
        """Whether the owner on record still carries the run. A lock that is not held means dead, unless the owner is of
        another host and the file system may be one that does not carry locks between hosts: then nobody here knows."""
        if path in self._held or _is_locked(path):
            return "alive"
        if owner.host == os.uname().nodename or _is_local(path):
            return "dead"
        return "elsewhere"


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
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            mounts = [line.split() for line in file]
    except OSError:
        return False
    place, kind = "", ""
    real = os.path.realpath(path)
    for fields in mounts:
        mounted = fields[4].replace("\\040", " ")
        inside = real == mounted or real.startswith(mounted.rstrip("/") + "/")
        if inside and len(mounted) >= len(place) and "-" in fields:
            place, kind = mounted, fields[fields.index("-") + 1]
    return kind in _LOCAL_FILE_SYSTEMS
