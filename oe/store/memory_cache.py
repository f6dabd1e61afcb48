"""The result cache in memory: the twin of the files, through the same texts, so that both give the same values."""

from __future__ import annotations

import json

from oe.ports.cache import Entry
from oe.store.cache_files import decode_entry, encode_entry


class MemoryCache:
    """See `oe.ports.cache.ResultCache` for the contract; `texts` are the entries."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def find(self, key: str) -> Entry | None:
        text = self.texts.get(key)
        return None if text is None else decode_entry(json.loads(text))

    def keep(self, key: str, entry: Entry) -> None:
        self.texts[key] = encode_entry(entry)
