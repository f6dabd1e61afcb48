"""Looking after a folder of kept results: what is there, taking out what is not wanted. Runs use `cache_files`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from oe.errors import NotFoundError, OeError, UsageError
from oe.store.cache_files import ENDING, decode_entry, is_key, read_record
from oe.store.faults import from_os
from oe.values import Json

_DRAFT = re.compile(r"[0-9a-f]{64}\.json\.([0-9]{1,10})(?:\.[0-9a-f]+)?")
_LONGEST_WRITE_SECONDS = 3600.0
"""A draft that is older belongs to no process any more, whatever its number says."""


class KeptResult(NamedTuple):
    """One file of the cache. `fault` says why it cannot be read: `slot` and `run_id` are None then, and `ts` is when
    the file was written."""

    key: str
    slot: str | None
    run_id: str | None
    ts: float
    size_bytes: int
    fault: str | None


class CacheFolder:
    """The files of one cache. Making the object touches nothing; a folder that is not there is an empty cache."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = os.fspath(folder)

    def entries(self) -> list[KeptResult]:
        """Every entry, newest first. Raises StoreError where the folder cannot be read."""
        found = [self._look(key) for key in self.keys()]
        return sorted((entry for entry in found if entry is not None), key=lambda entry: (-entry.ts, entry.key))

    def find_key(self, prefix: str) -> str:
        """The one key that begins so. Raises NotFoundError, and UsageError where there are several."""
        found = [key for key in self.keys() if key.startswith(prefix)] if prefix else []
        if not found:
            raise NotFoundError(f"no cache entry '{prefix[:80]}'", hint="`oe cache ls` lists them")
        if len(found) > 1:
            shown = ", ".join(key[:len(prefix) + 4] for key in sorted(found)[:3])
            raise UsageError(f"'{prefix}' is the beginning of {len(found)} cache keys", hint=f"such as {shown}")
        return found[0]

    def read(self, key: str) -> Json:
        """What the entry's file holds. Raises OeError `cache-entry` where it is no entry, NotFoundError."""
        try:
            record = read_record(self._path(key))
            decode_entry(record)
        except FileNotFoundError:
            raise NotFoundError(f"no cache entry '{key[:12]}…'", hint="`oe cache ls` lists them") from None
        except (OSError, ValueError, RecursionError) as error:
            raise OeError(f"cache entry '{key[:12]}…' cannot be read: {error}", code="cache-entry",
                          hint=f"`oe cache rm {key[:12]}` takes it out; the node runs again then") from error
        return record

    def remove(self, keys: Iterable[str]) -> int:
        """Takes entries out; how many bytes that freed. One that is gone already is none."""
        return sum(self._unlink(self._path(key)) for key in keys)

    def drafts(self, now: float) -> list[str]:
        """Names of what killed processes left half written: no reader ever looks at them."""
        return [name for name in self._names() if (match := _DRAFT.fullmatch(name)) and self._is_left(name, match, now)]

    def remove_drafts(self, names: Iterable[str]) -> int:
        """Takes these drafts out; how many bytes that freed."""
        return sum(self._unlink(f"{self._folder}/{name}") for name in names)

    def size_of_drafts(self, names: Iterable[str]) -> int:
        """Bytes that these drafts hold."""
        return sum(_size(f"{self._folder}/{name}") for name in names)

    def _look(self, key: str) -> KeptResult | None:
        path = self._path(key)
        try:
            status = os.stat(path)
        except OSError:
            return None  # taken out by somebody else in this moment
        try:
            entry = decode_entry(read_record(path))
        except (OSError, ValueError, RecursionError) as error:
            return KeptResult(key, None, None, status.st_mtime, status.st_size, str(error) or type(error).__name__)
        return KeptResult(key, entry.slot, entry.run_id, entry.ts, status.st_size, None)

    def keys(self) -> list[str]:
        """The keys of all entries, in no order; nothing is opened for it."""
        return [key for name in self._names() if name.endswith(ENDING) and is_key(key := name.removesuffix(ENDING))]

    def _names(self) -> list[str]:
        try:
            return os.listdir(self._folder)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise from_os(self._folder, error, doing="read") from error

    def _path(self, key: str) -> str:
        if not is_key(key):
            raise ValueError(f"'{key[:80]}' is no cache key")
        return f"{self._folder}/{key}{ENDING}"

    def _is_left(self, name: str, match: re.Match[str], now: float) -> bool:
        try:
            written = os.stat(f"{self._folder}/{name}").st_mtime
        except OSError:
            return False
        return now - written > _LONGEST_WRITE_SECONDS or not _is_alive(int(match[1]))

    def _unlink(self, path: str) -> int:
        size = _size(path)
        try:
            os.unlink(path)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise from_os(path, error, doing="delete") from error
        return size


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def _is_alive(pid: int) -> bool:
    """Whether this machine has a process of that number, of whomever."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
