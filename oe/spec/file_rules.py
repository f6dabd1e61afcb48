"""What is said of a path that the experience names: that it leads outside, or that nothing is there."""

from __future__ import annotations

from posixpath import join, normpath
from typing import NamedTuple

from oe.errors import OeError
from oe.spec.sources import SpecFiles
from oe.text import clip, nearest


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
            return FileFlaw("not-a-file", f"'{clip(path, 200)}' is a folder, not a file", None)
    except OeError as error:
        return FileFlaw(error.code, error.message, error.hint)
    return FileFlaw("missing-file", f"there is no file '{clip(path, 200)}'", _near(files, path))


def find_folder_flaw(files: SpecFiles, path: str) -> FileFlaw | None:
    """Why there is no folder at the path, or None."""
    try:
        if files.is_folder(path):
            return None
        if files.is_file(path):
            return FileFlaw("not-a-folder", f"'{clip(path, 200)}' is a file, not a folder", None)
    except OeError as error:
        return FileFlaw(error.code, error.message, error.hint)
    return FileFlaw("missing-folder", f"there is no folder '{clip(path, 200)}'", _near(files, path))


def _near(files: SpecFiles, path: str) -> str | None:
    """A hint that names the path that was probably meant: another name in its folder, or the name in another folder."""
    slashes = path.replace("\\", "/")
    if slashes != path:
        return f"write '{clip(slashes, 200)}': folders are separated by '/'"
    here = "./" if path.startswith("./") else ""
    folder, _, name = normpath(path).rpartition("/")
    try:
        meant = nearest(name, files.names(folder or "."))
        return f"did you mean '{here}{join(folder, meant)}'?" if meant else None
    except OeError:
        outer, _, last = folder.rpartition("/")
    try:
        meant = nearest(last, files.names(outer or "."))
    except OeError:
        meant = None
    return (f"did you mean '{here}{join(outer, meant, name)}'?" if meant
            else f"there is no folder '{clip(folder, 80)}' either")
