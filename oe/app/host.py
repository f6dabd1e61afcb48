"""What this host offers to `oe`, check by check. Changes nothing and shows no value that could be a secret."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias

from oe.app.experiences import find_file
from oe.archive import has_bytecode, is_archive
from oe.errors import NotFoundError
from oe.redact import is_secret_name
from oe.settings import Setting, choose
from oe.store.host import REMOTE_FILE_SYSTEMS, sqlite_is_new_enough, sqlite_version, try_place
from oe.store.mounts import file_system_of
from oe.values import JsonObject

Verdict: TypeAlias = Literal["ok", "warning", "missing"]

_PEERS = {"psycopg": "PostgreSQL", "opentelemetry": "telemetry through its SDK"}


class Check(NamedTuple):
    """One thing looked at. `missing`: something does not work without it; `warning`: it works less well."""

    name: str
    status: Verdict
    detail: str
    hint: str | None = None

    def as_object(self) -> JsonObject:
        """The check as it stands in `--json`."""
        return {"name": self.name, "status": self.status, "detail": self.detail, "hint": self.hint}


def check_host(path: str, data_dir: str | None, environment: Mapping[str, str]) -> list[Check]:
    """Everything about the host but its terminal; `path` need not be an experience."""
    folder = settings_of(path, data_dir, environment)[0].value
    return [_python(), _program(), _sqlite(), *_data_folder(folder), _search_path(environment), _keys(environment),
            *_peers()]


def settings_of(path: str, data_dir: str | None, environment: Mapping[str, str]) -> list[Setting]:
    """The settings that count here, each with its origin; the data folder is the first."""
    try:
        beside = os.path.dirname(os.path.realpath(find_file(path)))
    except NotFoundError:
        beside = os.path.abspath(path) if os.path.isdir(path) else os.getcwd()
    default = os.path.join(beside, ".openexpertise")
    return [choose("data folder", data_dir, environment, "OE_DATA_DIR", default),
            choose("cache", None, environment, "OE_CACHE", "on"),
            choose("llm", None, environment, "OE_LLM", "by the keys that are set"),
            choose("no colours", None, environment, "NO_COLOR", "off")]


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("python", "ok", f"{version} ({sys.executable or 'path unknown'})")


def _program() -> Check:
    if has_bytecode():
        return Check("program", "ok", "one file, with bytecode for this Python")
    if is_archive():
        return Check("program", "warning", "one file, from source: it has no bytecode for this Python",
                     f"every start takes longer; build it where Python {sys.version_info[0]}.{sys.version_info[1]} is")
    return Check("program", "ok", f"from source in {os.path.abspath(__file__).rpartition('/app/')[0]}")


def _sqlite() -> Check:
    if sqlite_is_new_enough():
        return Check("sqlite", "ok", sqlite_version())
    return Check("sqlite", "missing", f"{sqlite_version()}: 3.34 or newer is needed",
                 "use a Python that is built with a newer SQLite")


def _data_folder(folder: str) -> Iterator[Check]:
    place = try_place(folder)
    hint = "choose another place with --data-dir or OE_DATA_DIR"
    if place.fault is not None:
        yield Check("data folder", "missing", f"{folder}: cannot write to '{place.existing}': {place.fault}", hint)
        return
    made = place.existing == os.path.abspath(folder)
    yield Check("data folder", "ok", folder if made else f"{folder} (the first run makes it)")
    if place.lock_fault is not None:
        yield Check("locks", "missing", f"files in '{place.existing}' cannot be locked: {place.lock_fault}", hint)
    else:
        yield Check("locks", "ok", "files can be locked")
    kind = file_system_of(place.existing)
    if kind in REMOTE_FILE_SYSTEMS:
        yield Check("file system", "warning", f"{kind}: a network file system may not lock between hosts",
                    f"run on one host only, or {hint}")
    elif kind is not None:
        yield Check("file system", "ok", kind)


def _search_path(environment: Mapping[str, str]) -> Check:
    if environment.get("PATH"):
        return Check("path", "ok", f"{len(environment['PATH'].split(os.pathsep))} folders")
    return Check("path", "warning", "PATH is not set: programs of nodes are found only by their whole path",
                 "cron and containers often start without; set PATH")


def _keys(environment: Mapping[str, str]) -> Check:
    names = sorted(name for name in environment if is_secret_name(name) and environment[name])
    return Check("keys", "ok", ", ".join(names) or "none set")


def _peers() -> Iterator[Check]:
    from importlib.util import find_spec

    for module, purpose in _PEERS.items():
        found = find_spec(module) is not None
        yield Check(module, "ok", f"{'installed' if found else 'not installed'}, optional: {purpose}")
