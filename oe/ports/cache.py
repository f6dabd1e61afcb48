"""Where results are kept by what they depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from oe.lang.scope import Missing
from oe.values import Json, JsonObject


class Entry(NamedTuple):
    """One kept result: what the node gave, and where from. `parts` are digests by name; `produces` digests of the files
    that the node made, by path."""

    state_delta: JsonObject
    edge_output: Json | Missing
    metrics: JsonObject
    run_id: str
    ts: float
    slot: str
    parts: Mapping[str, str]
    produces: Mapping[str, str]


class ResultCache(Protocol):
    """Results by key (64 hexadecimal digits). An entry is whole or absent: one that cannot be read is a miss, told once
    through `on_trouble`; so is a fault in writing, which never fails a run."""

    def find(self, key: str) -> Entry | None:
        """The entry of that key."""

    def keep(self, key: str, entry: Entry) -> None:
        """Writes an entry atomically; one of the same key is replaced."""
