"""The result cache as files: `cache/<sha256>.json`, one result each, written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import cast

from oe.errors import OeError
from oe.lang.scope import MISSING, Missing
from oe.ports.cache import Entry
from oe.store.faults import from_os
from oe.store.private_files import make_folder, open_private
from oe.values import Json, JsonObject, compact

_ENDING = ".json"


class CacheFiles:
    """See `oe.ports.cache.ResultCache` for the contract. The folder is made with the first entry."""

    def __init__(self, folder: str | os.PathLike[str], on_trouble: Callable[[OeError], None]) -> None:
        self._folder = os.fspath(folder)
        self._on_trouble = on_trouble
        self._told = False
        self._is_made = False

    def find(self, key: str) -> Entry | None:
        try:
            with open(self._path(key), encoding="utf-8") as file:
                return decode_entry(json.load(file))
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
        except (OSError, ValueError) as error:
            fault = from_os(path, error, doing="write") if isinstance(error, OSError) else OeError(str(error))
            self._tell(fault)

    def _path(self, key: str) -> str:
        if len(key) != 64 or not all(digit in "0123456789abcdef" for digit in key):
            raise ValueError(f"'{key[:80]}' is no cache key")
        return f"{self._folder}/{key}{_ENDING}"

    def _write(self, path: str, text: str) -> None:
        """To a name of this process first, then renamed: no reader ever sees half an entry."""
        draft = f"{path}.{os.getpid()}"
        with open(open_private(draft, os.O_WRONLY | os.O_TRUNC), "wb") as file:
            file.write(text.encode("utf-8", "surrogatepass"))
        os.replace(draft, path)

    def _tell(self, error: OeError) -> None:
        if not self._told:
            self._told = True
            self._on_trouble(error)


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
    meta = record.get("meta")
    if not isinstance(meta, dict) or not isinstance(meta.get("ts"), int | float):
        raise ValueError("it says nothing of where it comes from")
    return Entry(
        cast(JsonObject, record["state_delta"]), record.get("edge_output", MISSING),
        cast(JsonObject, record.get("metrics") or {}), str(meta.get("run_id")), float(cast(float, meta["ts"])),
        str(meta.get("slot")), _texts(meta.get("parts")), _texts(meta.get("produces")))


def _texts(value: Json) -> dict[str, str]:
    return {name: str(text) for name, text in value.items()} if isinstance(value, dict) else {}
