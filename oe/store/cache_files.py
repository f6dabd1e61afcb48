"""The result cache as files: `cache/<sha256>.json`, one result each, written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from oe.errors import OeError
from oe.lang.scope import MISSING, Missing
from oe.ports.cache import Entry
from oe.store.faults import from_os
from oe.store.private_files import make_folder, open_private
from oe.values import Json, JsonObject, compact, is_number

ENDING = ".json"


class CacheFiles:
    """See `oe.ports.cache.ResultCache` for the contract. The folder is made with the first entry."""

    def __init__(self, folder: str | os.PathLike[str], on_trouble: Callable[[OeError], None]) -> None:
        self._folder = os.fspath(folder)
        self._on_trouble = on_trouble
        self._told = False
        self._is_made = False

    def find(self, key: str) -> Entry | None:
        try:
            return decode_entry(read_record(self._path(key)))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            self._tell(OeError(f"cache entry '{key[:12]}…' cannot be read and counts as a miss: {error}",
                               code="cache-entry"))
            return None

    def keep(self, key: str, entry: Entry) -> None:
        path = self._path(key)
        try:
            if not self._is_made:
                make_folder(self._folder)
                self._is_made = True
            self._write(path, encode_entry(entry))
        except OeError as error:
            self._tell(error)
        except OSError as error:
            self._tell(from_os(path, error, doing="write"))
        except (ValueError, RecursionError) as error:
            self._tell(OeError(f"the result of '{entry.slot}' cannot be kept in the cache: {error}"))

    def _path(self, key: str) -> str:
        if not is_key(key):
            raise ValueError(f"'{key[:80]}' is no cache key")
        return f"{self._folder}/{key}{ENDING}"

    def _write(self, path: str, text: str) -> None:
        """To a name of its own first, then renamed: no reader ever sees half an entry. The process id alone would not
        do: two containers that share the folder may both be process 1."""
        draft = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
        try:
            with open(open_private(draft, os.O_WRONLY | os.O_EXCL), "wb") as file:
                file.write(text.encode("utf-8", "surrogatepass"))
            os.replace(draft, path)
        except OSError:
            with suppress(OSError):
                os.unlink(draft)
            raise

    def _tell(self, error: OeError) -> None:
        if not self._told:
            self._told = True
            self._on_trouble(error)


def is_key(text: str) -> bool:
    """Whether the text is a cache key: 64 hexadecimal digits, so that no path can be one."""
    return len(text) == 64 and not text.strip("0123456789abcdef")


def read_record(path: str) -> Json:
    """What a cache file holds. Raises OSError, ValueError, RecursionError."""
    with open(path, encoding="utf-8", errors="surrogatepass") as file:
        record: Json = json.load(file, parse_constant=_refuse_constant)
    return record


def encode_entry(entry: Entry) -> str:
    """The text of a cache file: `{state_delta, edge_output?, metrics, meta}`."""
    record: dict[str, Json] = {"state_delta": entry.state_delta}
    if not isinstance(entry.edge_output, Missing):
        record["edge_output"] = entry.edge_output
    record["metrics"] = entry.metrics
    meta: dict[str, Json] = {"run_id": entry.run_id, "ts": entry.ts, "slot": entry.slot, "parts": dict(entry.parts)}
    if entry.produces:
        meta["produces"] = dict(entry.produces)
    record["meta"] = meta
    return compact(record)


def decode_entry(record: Json) -> Entry:
    """The reverse. Raises ValueError for what is no entry."""
    if not isinstance(record, dict) or not isinstance(record.get("state_delta"), dict):
        raise ValueError("it is no cache entry")
    meta, metrics = record.get("meta"), record.get("metrics", {})
    if not isinstance(meta, dict) or not is_number(meta.get("ts")):
        raise ValueError("it says nothing of where it comes from")
    if not isinstance(metrics, dict):
        raise ValueError("its metrics are no object")
    return Entry(
        cast(JsonObject, record["state_delta"]), record.get("edge_output", MISSING), metrics,
        str(meta.get("run_id")), float(cast(float, meta["ts"])),
        str(meta.get("slot")), _texts(meta.get("parts")), _texts(meta.get("produces")))


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON number")


def _texts(value: Json) -> dict[str, str]:
    return {name: str(text) for name, text in value.items()} if isinstance(value, dict) else {}
