"""What the pure layers may ask about the files of an experience."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from oe.digests import Part


class Files(Protocol):
    """A read-only view of an experience's folder. Every path is relative to it and must stay inside it.

    A path that leads outside (`..`, absolute, or through a symbolic link) raises OeError with code `path-outside`;
    one that does not exist raises NotFoundError.
    """

    def is_file(self, path: str) -> bool:
        """Whether the path is a regular file inside the folder. Raises OeError `path-outside`, nothing else."""

    def is_folder(self, path: str) -> bool:
        """Whether the path is a directory inside the folder. Raises OeError `path-outside`, nothing else."""

    def read_bytes(self, path: str) -> bytes:
        """The file's contents."""

    def digest(self, path: str) -> Part:
        """Digest, size and first text of the file's contents, without holding more than a piece of it."""

    def names(self, path: str) -> list[str]:
        """The names in a directory, sorted."""

    def glob(self, pattern: str) -> Iterable[str]:
        """Relative paths of the files that match, sorted; `**` crosses directories."""

    def absolute(self, path: str) -> str:
        """The absolute path, for handing to the operating system."""
