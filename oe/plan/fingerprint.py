"""Cache keys: what a slot's output depends on, part by part, and the one digest over all of it (semantics §6). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import NamedTuple

from oe.digests import Part, part_of
from oe.lang.document import Path
from oe.spec.model import Experience, Node
from oe.values import Json, JsonObject, canonical

SHORT_TEXT = 256
"""Longer texts of parts are not kept in the journal itself."""

CACHE_VERSION = "1"
"""Part of every key; raised when the meaning of a key or an entry changes, so that old entries become misses."""


class Fingerprint(NamedTuple):
    """`key` is 64 hexadecimal digits; parts are named as a person would: `args.who`, `$.diff`, `./tools/x.py`."""

    key: str
    parts: Mapping[str, Part]


def fingerprint(parts: Mapping[str, Part]) -> Fingerprint:
    """The key over named parts: SHA-256 of the canonical JSON of their digests."""
    digests: dict[str, Json] = {name: part.digest for name, part in parts.items()}
    return Fingerprint(sha256(canonical(digests).encode()).hexdigest(), parts)


def recorded_parts(found: Fingerprint) -> JsonObject:
    """The parts as the journal keeps them: name -> [first half of the digest, size, short text or null]."""
    return {name: [part.digest[:32], part.size, part.text if part.size <= SHORT_TEXT else None]
            for name, part in found.parts.items()}


def spec_part(node: Node, experience: Experience) -> Part:
    """The node's spec as far as it can change the output: not needs, when, join, phase, timeout, concurrency, attempts.

    Values as parsed, so comments and layout never count.
    """
    value = experience.document.value
    written = _at(value, node.path)
    spec: dict[str, Json] = {
        "version": CACHE_VERSION, "id": node.id, "kind": node.kind, "options": node.options,
        "reads": list(node.reads), "writes": list(node.writes),
    }
    if isinstance(written, dict):
        spec["args"] = written.get("args")
        if node.for_each is not None:
            spec["for_each"] = _at(value, (*node.path, "for_each", "source"))
    if node.on_error.output is not None:
        spec["fallback"] = _at(value, (*node.path, "on_error", "output"))
    return part_of(spec)


def named_parts(prefix: str, values: Mapping[str, Json]) -> Iterable[tuple[str, Part]]:
    """One part a name: `args.who`, `$.diff`."""
    return ((f"{prefix}{name}", part_of(value)) for name, value in values.items())


def _at(value: Json, path: Path) -> Json:
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step]
        else:
            return None
    return value
