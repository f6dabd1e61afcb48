"""Cache keys: what a slot's output depends on, part by part, and the one digest over all of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import NamedTuple

from oe.digests import Part, part_of
from oe.lang.document import Path
from oe.spec.model import Experience, Node
from oe.values import Json, JsonObject, canonical

SHORT_TEXT = 64
"""Characters of a part's text that are kept with every key; a longer one is kept once a run."""

CACHE_VERSION = "2"
"""Part of every key; raised when the meaning of a key or an entry changes, so that old entries become misses."""


SECRET = Part("secret", 0, None)
"""Stands for a part that holds a known secret: not even its digest is kept, and nor is a result that depends on it."""


class Fingerprint(NamedTuple):
    """`key` is 64 hexadecimal digits; parts are named as a person would: `args.who`, `$.diff`, `./tools/x.py`."""

    key: str
    parts: Mapping[str, Part]

    @property
    def holds_secret(self) -> bool:
        """Whether the result depends on a secret, so that it must not be kept for other runs."""
        return SECRET in self.parts.values()


FILE = "file:"
"""Before the path of a part that is a file, so that a file named `spec` is not taken for the spec."""


def fingerprint(parts: Mapping[str, Part]) -> Fingerprint:
    """The key over named parts: SHA-256 of the canonical JSON of their digests."""
    digests: dict[str, Json] = {name: part.digest for name, part in parts.items()}
    return Fingerprint(sha256(canonical(digests).encode("utf-8", "surrogatepass")).hexdigest(), parts)


def recorded_parts(found: Fingerprint) -> JsonObject:
    """The parts as the journal keeps them: name -> [first half of the digest, size, short text or null]."""
    return {name: [part.digest[:32], part.size, part.text if part.size <= SHORT_TEXT else None]
            for name, part in found.parts.items()}


def long_texts(found: Fingerprint, known: set[str]) -> dict[str, Json]:
    """The longer texts among the parts by the first half of their digest, those apart that are `known` already; they
    are from now on. So a prompt that a thousand items share is kept once a run."""
    texts: dict[str, Json] = {}
    for part in found.parts.values():
        digest = part.digest[:32]
        if part.size > SHORT_TEXT and part.text is not None and digest not in known:
            known.add(digest)
            texts[digest] = part.text
    return texts


class Change(NamedTuple):
    """A part that differs between two keys; None where it is missing in one of them."""

    part: str
    before: str | None
    after: str | None


def changes(before: JsonObject, after: JsonObject, texts: Mapping[str, str]) -> list[Change]:
    """What differs between two sets of recorded parts, by name; a file's is its path. `texts` holds the longer texts of
    both."""
    names = [*after, *(name for name in before if name not in after)]
    return [Change(name.removeprefix(FILE), _shown(before.get(name), texts), _shown(after.get(name), texts))
            for name in names if _digest(before.get(name)) != _digest(after.get(name))]


def _digest(record: Json) -> Json:
    return record[0] if isinstance(record, list) else None


def _shown(record: Json, texts: Mapping[str, str]) -> str | None:
    if not isinstance(record, list):
        return None
    digest, size, text = record
    if text is None:
        text = texts.get(str(digest))
    return str(text) if text is not None else f"sha256:{digest}… ({size} bytes)"


def spec_part(node: Node, experience: Experience, ignored: Collection[str]) -> Part:
    """The node's spec as far as it can change the output: not needs, when, join, phase, timeout, concurrency, attempts,
    and none of its kind's own keys that are `ignored`. Values as parsed, so comments and layout never count.
    """
    value = experience.document.value
    written = _at(value, node.path)
    spec: dict[str, Json] = {
        "version": CACHE_VERSION, "id": node.id, "kind": node.kind,
        "options": {name: option for name, option in node.options.items() if name not in ignored},
        "reads": list(node.reads), "writes": list(node.writes),
    }
    if isinstance(written, dict):
        spec["args"] = written.get("args")
        if node.for_each is not None:
            spec["for_each"] = _at(value, (*node.path, "for_each", "source"))
    if node.on_error.output is not None:
        spec["fallback"] = _at(value, (*node.path, "on_error", "output"))
    return part_of(spec)


def _at(value: Json, path: Path) -> Json:
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step]
        else:
            return None
    return value
