"""What is said of a path that the experience names: that it leads outside, or that nothing is there."""

from __future__ import annotations

from posixpath import basename, dirname
from typing import NamedTuple

from oe.errors import OeError
from oe.spec.sources import SpecFiles
from oe.text import clip, did_you_mean


class FileFlaw(NamedTuple):
    """Why a path is not what its key needs."""

    code: str
    message: str
    hint: str | None


def find_file_flaw(files: SpecFiles, path: str) -> FileFlaw | None:
    """Why there is no regular file at the path, or None."""
    try:
        if files.is_file(path):
            return None
        if files.is_folder(path):
            return FileFlaw("not-a-file", f"'{clip(path, 80)}' is a folder, not a file", None)
    except OeError as error:
        return FileFlaw(error.code, error.message, error.hint)
    return FileFlaw("missing-file", f"there is no file '{clip(path, 80)}'", _near(files, path))


def find_folder_flaw(files: SpecFiles, path: str) -> FileFlaw | None:
    """Why there is no folder at the path, or None."""
    try:
        if files.is_folder(path):
            return None
        if files.is_file(path):
            return FileFlaw("not-a-folder", f"'{clip(path, 80)}' is a file, not a folder", None)
    except OeError as error:
        return FileFlaw(error.code, error.message, error.hint)
    return FileFlaw("missing-folder", f"there is no folder '{clip(path, 80)}'", _near(files, path))


def _near(files: SpecFiles, path: str) -> str | None:
    """A name that was probably meant, among those in the same folder."""
    folder = dirname(path.rstrip("/"))
    try:
        names = files.names(folder or ".")
    except OeError:
        return f"there is no folder '{clip(folder, 80)}' either"
    return did_you_mean(basename(path.rstrip("/")), names)
