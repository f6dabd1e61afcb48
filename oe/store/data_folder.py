"""The folder that `oe` keeps beside an experience: which file is where. Making the object touches nothing."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from oe.errors import NotFoundError, OeError
from oe.ids import is_run_id
from oe.ports.store import Owner
from oe.store.faults import from_os
from oe.store.lock import Liveness, Lock, acquire, liveness
from oe.store.private_files import make_folder, open_private
from oe.store.slot_files import file_name, slot_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOG_END = ".log"
_LONGEST_LIVE = 16 * 1024 * 1024


class DataFolder:
    """Paths below `root`, all absolute. Every run id is checked before it becomes part of one."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = os.path.abspath(root)

    @property
    def database(self) -> str:
        """The SQLite file."""
        return f"{self.root}/state.sqlite"

    @property
    def cache(self) -> str:
        """The folder of cache files."""
        return f"{self.root}/cache"

    def exists(self) -> bool:
        """Whether anything has been run here. Raises StoreError where that cannot be seen."""
        try:
            os.stat(self.database)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise from_os(self.root, error, doing="look into") from error
        return True

    def expect_own(self, *, is_chosen: bool) -> None:
        """Raises OeError where a link would have `oe` write, or delete, in another place: an experience that somebody
        else has packed may bring one along. The folder itself may be one where the user `is_chosen` it."""
        for path in (*(() if is_chosen else (self.root,)), f"{self.root}/runs", self.cache, self.database):
            _expect_no_link(path, "remove it; --data-dir or OE_DATA_DIR name another place")

    def create(self) -> None:
        """Makes the folder and `runs` in it, for their owner alone. Raises StoreError where that is not possible."""
        make_folder(self.root)
        make_folder(f"{self.root}/runs")
        if not os.access(self.root, os.W_OK | os.X_OK):
            raise from_os(self.root, PermissionError(13, ""), doing="write to")

    def event_log(self, run_id: str) -> str:
        """The JSONL log of a run."""
        return f"{self.root}/runs/{_checked(run_id)}.jsonl"

    def live(self, run_id: str) -> str:
        """The bounded snapshot that a run's owner keeps while it lives."""
        return f"{self.root}/runs/{_checked(run_id)}.live"

    def write_live(self, run_id: str, text: str) -> None:
        """Replaces the live file as a whole: no reader ever sees half of it. Raises OSError."""
        path = self.live(run_id)
        draft = f"{path}.{os.getpid()}"
        try:
            descriptor = open_private(draft, os.O_WRONLY | os.O_TRUNC)
            with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
            os.replace(draft, path)
        except OSError:
            with suppress(OSError):
                os.unlink(draft)
            raise

    def read_live(self, run_id: str) -> tuple[str, float] | None:
        """The live file and when it was written, or None where there is none."""
        try:
            with open(self.live(run_id), encoding="utf-8", errors="replace") as file:
                return file.read(_LONGEST_LIVE), os.fstat(file.fileno()).st_mtime
        except OSError:
            return None

    def remove_live(self, run_id: str) -> None:
        """Takes the live file away, if there is one."""
        with suppress(OSError):
            os.unlink(self.live(run_id))

    def run_folder(self, run_id: str) -> str:
        """What a run makes beside its log."""
        return f"{self.root}/runs/{_checked(run_id)}"

    def artifacts(self, run_id: str) -> str:
        """Files that the nodes of a run make for people."""
        return f"{self.run_folder(run_id)}/artifacts"

    def artifact(self, run_id: str, name: str) -> str:
        """The path of one artifact, its folder made. Raises OeError `path-outside` for a name that leads elsewhere."""
        parts = name.split("/")
        if "\0" in name or any(part in {"", ".", ".."} for part in parts):
            raise OeError(f"artifact name '{name}' is not a relative path inside the run's folder", code="path-outside",
                          hint="use a plain name such as 'report.html'")
        path = f"{self.artifacts(run_id)}/{name}"
        make_folder(path.rpartition("/")[0])
        inside = os.path.realpath(self.run_folder(run_id)) + "/artifacts/"
        if not os.path.realpath(path).startswith(inside):
            raise OeError(f"artifact '{name}' leads outside the run's folder through a link", code="path-outside")
        return path

    def artifact_files(self, run_id: str) -> list[tuple[str, int]]:
        """(name below the artifacts' folder, size in bytes) of the files that the nodes of a run made, sorted."""
        folder = self.artifacts(run_id)
        found = []
        for place, _, names in os.walk(folder):
            for name in names:
                with suppress(OSError):  # it goes while it is looked at
                    path = os.path.join(place, name)
                    found.append((os.path.relpath(path, folder), os.lstat(path).st_size))
        return sorted(found)

    def node_log(self, run_id: str, slot: str) -> str:
        """What the node in that slot printed."""
        return f"{self.run_folder(run_id)}/{file_name(slot)}{_LOG_END}"

    def node_logs(self, run_id: str) -> list[tuple[str, str]]:
        """(slot, path) of the node logs of a run, sorted; a slot too long for a file name is cut and ends in `…`."""
        folder = self.run_folder(run_id)
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise from_os(folder, error, doing="read") from error
        return sorted((slot_of(name.removesuffix(_LOG_END)), f"{folder}/{name}")
                      for name in names if name.endswith(_LOG_END))

    def lock(self, run_id: str, owner: Owner) -> Lock | None:
        """The lock of a run, or None where a live process holds it. Take it before the run is recorded, reopened or
        removed. Raises OeError where the run's folder is a link, through which all that would happen elsewhere."""
        _expect_no_link(self.run_folder(run_id), "remove it")
        make_folder(self.run_folder(run_id))
        return acquire(self._lock_file(run_id), owner)

    def turn(self, owner: Owner) -> Lock | None:
        """The lock that those hold in turns who look whether a run is going on before they begin one."""
        return acquire(f"{self.root}/runs/turn.lock", owner)

    def liveness(self, run_id: str, owner: Owner) -> Liveness:
        """Whether the recorded owner of a run is alive, dead, or on another host."""
        return liveness(self._lock_file(run_id), owner)

    def remove_run(self, run_id: str) -> int:
        """Deletes a run's files; how many bytes that freed. The caller holds its lock or knows it dead."""
        freed = 0
        folder = self.run_folder(run_id)
        try:
            for path in (*_files_below(folder), self.event_log(run_id), self.live(run_id)):
                if os.path.lexists(path):
                    freed += os.lstat(path).st_size
                    os.unlink(path)
            for place, _, _ in os.walk(folder, topdown=False):
                os.rmdir(place)
        except OSError as error:
            raise from_os(folder, error, doing="delete") from error
        return freed

    def _lock_file(self, run_id: str) -> str:
        return f"{self.run_folder(run_id)}/lock"


def _expect_no_link(path: str, hint: str) -> None:
    if os.path.islink(path):
        raise OeError(f"'{path}' is a link, which is not followed: it may come with the experience", hint=hint,
                      code="path-outside")


def _files_below(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        for name in (*files, *(name for name in folders if os.path.islink(f"{place}/{name}"))):
            yield f"{place}/{name}"


def _checked(run_id: str) -> str:
    if not is_run_id(run_id):
        raise NotFoundError(f"there is no run '{run_id[:120]}'",
                            hint="a run id consists of letters, digits, '.', '_' and '-'")
    return run_id
