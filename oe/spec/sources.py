"""What the front end is handed from outside: the experience's files and the node kinds. Types alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from oe.diagnostics import Problem
from oe.digests import Part
from oe.lang.document import Path
from oe.lang.reference import Reference
from oe.spec.keys import Key
from oe.spec.model import Experience, Node


class SpecFiles(Protocol):
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


class KindRules(Protocol):
    """The static side of a node kind."""

    @property
    def name(self) -> str:
        """What `kind:` says."""

    @property
    def keys(self) -> tuple[Key, ...]:
        """Its own keys; one with the name of a common key takes that key's place."""

    @property
    def cached_by_default(self) -> bool:
        """Whether its outputs are cached unless the node says otherwise."""

    def references(self, node: Node) -> Iterable[tuple[Path, Reference]]:
        """The references in its own keys, each with the path of its text inside the node."""

    def check(self, node: Node, experience: Experience, files: SpecFiles) -> Iterable[Problem]:
        """What is wrong with a node of this kind, seen without running it."""
