"""The files of an experience, read from its folder and from nowhere else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from time import time_ns
from typing import TypeAlias

from oe.digests import Part, part_of_stream
from oe.errors import NotFoundError, OeError
from oe.store.faults import from_os

_MOST_VISITED = 200_000
"""Directory entries that one glob may look at; more is a pattern or a folder that nobody meant."""

_MOST_REMEMBERED = 2000
"""Files whose digests are remembered; each may hold 4 KB of text."""

_SETTLED_NANOSECONDS = 2_000_000_000
"""Age from which a change of a file cannot have the time stamp that it had before: file systems count in ticks."""

_Signature: TypeAlias = "tuple[int, int, int, int, int]"
"""Device, inode, size, and the times of the last change of the contents and of anything, in nanoseconds."""

_NEVER_MATCHED = "__pycache__"
_NO_NAMES = frozenset({"", ".", ".."})


class LocalFiles:
    """See `oe.ports.files.Files` for the contract. Links are followed as long as they end inside the folder."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = os.path.realpath(folder)
        self._folders: dict[str, str] = {}
        self._digests: dict[str, tuple[_Signature, Part]] = {}

    def is_file(self, path: str) -> bool:
        return os.path.isfile(self._inside(path))

    def is_folder(self, path: str) -> bool:
        return os.path.isdir(self._inside(path))

    def read_bytes(self, path: str) -> bytes:
        place = self._inside(path)
        if not os.path.isfile(place):  # a pipe or a device would block for ever
            raise _not_found(path, "file")
        try:
            with open(place, "rb") as file:
                return file.read()
        except FileNotFoundError as error:
            raise _not_found(path, "file") from error
        except OSError as error:
            raise from_os(path, error, doing="read") from error

    def digest(self, path: str) -> Part:
        place = self._inside(path)
        if not os.path.isfile(place):
            raise _not_found(path, "file")
        try:
            known = self._digests.get(place)
            if known is not None and known[0] == _signature(os.stat(place)):
                return known[1]
            with open(place, "rb") as file:
                before, began = _signature(os.fstat(file.fileno())), time_ns()
                part = part_of_stream(file)
                if before == _signature(os.fstat(file.fileno())) and began - max(before[-2:]) > _SETTLED_NANOSECONDS:
                    self._remember(place, before, part)
                return part
        except OSError as error:
            raise from_os(path, error, doing="read") from error

    def _remember(self, place: str, signature: _Signature, part: Part) -> None:
        if len(self._digests) >= _MOST_REMEMBERED:
            self._digests.clear()
        self._digests[place] = signature, part

    def names(self, path: str) -> list[str]:
        place = self._inside(path)
        try:
            return sorted(os.listdir(place))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _not_found(path, "folder") from error
        except OSError as error:
            raise from_os(path, error, doing="read folder") from error

    def glob(self, pattern: str) -> list[str]:
        """`*`, `?` and `[…]` match within a name, `**` any number of folders. As in a shell, a name that begins with a
        dot needs a pattern that does. Compiled Python never matches. Links to folders are entered but for rings."""
        if os.path.isabs(pattern) or ".." in pattern.split("/"):
            raise _outside(pattern)
        segments: list[str] = []
        for segment in pattern.split("/"):
            if segment not in {"", "."} and not (segment == "**" and segments[-1:] == ["**"]):
                segments.append(segment)
        found = set(_Walk(self._folder).files("", segments))
        return sorted(path for path in found if self._is_inside_file(path))

    def absolute(self, path: str) -> str:
        return self._inside(path)

    def _inside(self, path: str) -> str:
        """The real path; raises OeError `path-outside` where it is not below the folder. Folders are resolved once: the
        same few hold the files of a thousand nodes."""
        head, _, tail = path.rpartition("/")
        if tail in _NO_NAMES or "\0" in tail:
            return self._resolved(path)
        folder = self._folders.get(head)
        if folder is None:
            try:
                folder = self._folders[head] = self._resolved(head or ("/" if path.startswith("/") else "."))
            except OeError:
                return self._resolved(path)  # which names the whole path in its error
        place = f"{folder}/{tail}"
        return self._resolved(path) if os.path.islink(place) else place

    def _resolved(self, path: str) -> str:
        if os.path.isabs(path):
            raise _outside(path)
        try:
            place = os.path.realpath(f"{self._folder}/{path}")
        except ValueError:  # a NUL or a lone surrogate: no file has such a name, nor this one
            possible = path.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
            place = os.path.realpath(f"{self._folder}/{possible}")
        if place != self._folder and not place.startswith(self._folder.rstrip("/") + "/"):
            raise _outside(path)
        return place

    def _is_inside_file(self, path: str) -> bool:
        try:
            return self.is_file(path)
        except OeError:
            return False


class _Walk:
    """One glob: counts what it looks at."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._visited = 0

    def files(self, prefix: str, segments: list[str]) -> Iterator[str]:
        """Relative paths below `prefix` that match; some may come twice."""
        pending = [(prefix, tuple(segments))]
        seen = set(pending)
        while pending:
            place, rest = pending.pop()
            for name, is_folder in self._entries(place):
                for path, left in _step(f"{place}{name}", name, is_folder, rest):
                    if left is None:
                        yield path
                    elif (path, left) not in seen:
                        seen.add((path, left))
                        pending.append((path, left))

    def _entries(self, place: str) -> list[tuple[str, bool]]:
        try:
            with os.scandir(f"{self._folder}/{place}") as entries:
                found = [(entry.name, self._is_entered(place, entry)) for entry in entries]
        except OSError:
            return []
        self._visited += len(found)
        if self._visited > _MOST_VISITED:
            raise OeError(f"the pattern looks at more than {_MOST_VISITED} files", code="glob-too-wide",
                          hint="name the folder that is meant")
        return found

    def _is_entered(self, place: str, entry: os.DirEntry[str]) -> bool:
        """Whether it is a folder to look into: a link too, if it leads neither outside nor back on its own way."""
        if not entry.is_symlink():
            return entry.is_dir(follow_symlinks=False)
        if not entry.is_dir():
            return False
        target = os.path.realpath(f"{self._folder}/{place}{entry.name}")
        steps = f"{self._folder}/{place}".split("/")
        way = ("/".join(steps[:length]) for length in range(self._folder.count("/") + 1, len(steps)))
        return target.startswith(self._folder.rstrip("/") + "/") and all(
            os.path.realpath(step) != target for step in way)


def _step(path: str, name: str, is_folder: bool, rest: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...] | None]]:
    """Where an entry leads: a folder with the segments that are left for it, or a match (None left)."""
    if not rest or name == _NEVER_MATCHED:
        return
    if rest[0] == "**":
        if not name.startswith(".") and is_folder:
            yield f"{path}/", rest
        if len(rest) == 1:
            if not name.startswith(".") and not is_folder:
                yield path, None
        else:
            yield from _step(path, name, is_folder, rest[1:])
    elif _matches(name, rest[0]):
        if is_folder and len(rest) > 1:
            yield f"{path}/", rest[1:]
        elif not is_folder and len(rest) == 1:
            yield path, None


def _matches(name: str, segment: str) -> bool:
    from fnmatch import fnmatchcase

    return name.startswith(".") <= segment.startswith(".") and fnmatchcase(name, segment)


def _signature(status: os.stat_result) -> _Signature:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _outside(path: str) -> OeError:
    return OeError(f"path '{path}' leads outside the experience's folder", code="path-outside",
                   hint="use a relative path without '..' to a file beside the experience")


def _not_found(path: str, what: str) -> NotFoundError:
    return NotFoundError(f"there is no {what} '{path}'")
