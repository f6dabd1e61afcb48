"""How the files of experiences stand in a database: by the way from the folder that holds the data folder, so that an
experience and its runs can be renamed, moved, or mounted elsewhere together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TypeVar

from oe.store.rows import decode_object, encode, plain

T = TypeVar("T")


class PortablePaths:
    """Absolute paths for the program, portable ones for the rows of one database. A file that is not below that folder
    keeps its absolute path: there is nothing that it would move with."""

    __slots__ = ("_home",)

    def __init__(self, database: str) -> None:
        folder = os.path.dirname(os.path.dirname(os.path.realpath(database)))
        self._home = folder if folder.endswith("/") else folder + "/"

    def kept(self, file: str) -> str:
        """The path as a row holds it."""
        return plain(file.removeprefix(self._home))

    def found(self, kept: str) -> str:
        """The absolute path of what a row holds."""
        return kept if kept.startswith("/") else self._home + kept

    def kept_keys(self, values: Mapping[str, T]) -> dict[str, T]:
        """What stands under paths, as a row holds it."""
        return {self.kept(file): value for file, value in values.items()}

    def found_keys(self, values: Mapping[str, T]) -> dict[str, T]:
        """The reverse."""
        return {self.found(kept): value for kept, value in values.items()}

    def kept_object(self, text: str) -> str:
        """`kept_keys` for the JSON text of an object, as a migration needs it."""
        return encode(self.kept_keys(decode_object(text)))
