"""Reads nodes: the keys that all kinds share, and the kind's own as options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

from oe.lang.document import Path
from oe.lang.template import ValueTemplate
from oe.spec.graph_levels import NODE
from oe.spec.model import Join, Node
from oe.spec.other_words import key_meant, kind_elsewhere, kind_meant
from oe.spec.read_policy import read_budget, read_cache, read_for_each, read_on_error, read_timeout
from oe.spec.reading import Reading
from oe.spec.section import KeyTable, Section, read_keys, read_section
from oe.spec.shape import found_text
from oe.spec.top_levels import TOP_LEVELS
from oe.text import nearest
from oe.values import Json, JsonObject

_COMMON = KeyTable(NODE.keys)
_LEVELS = {f"#/$defs/{level.name}": level for level in TOP_LEVELS}
_NO_ARGS = ValueTemplate({}, None, [])

RESERVED_KINDS: Mapping[str, str] = {"wait": "waiting for signals and times is not available yet"}


class NodeTables:
    """The key table of each kind: the common keys and its own."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._tables: dict[str, KeyTable] = {}
        self._defaults: dict[str, JsonObject] = {}

    def table(self, kind: str) -> KeyTable:
        """All legal keys of a node of that kind."""
        table = self._tables.get(kind)
        if table is None:
            own = self._reading.kinds[kind].keys
            table = self._tables[kind] = KeyTable((*NODE.keys, *own))
            self._defaults[kind] = {key.name: key.default for key in own if key.default is not None}
        return table

    def options(self, kind: str, section: Section) -> JsonObject:
        """The kind's own keys as written, over their defaults."""
        options = dict(self._defaults[kind])
        for key in self._reading.kinds[kind].keys:
            if key.name not in section:
                continue
            level = _LEVELS.get(str(key.schema.get("$ref"))) if isinstance(key.schema, Mapping) else None
            value = section.values[key.name]
            if level is not None:
                inner = read_section(self._reading.report, level, value, (*section.path, key.name))
                value = inner.values if inner else {}
            options[key.name] = value
        return options


class ReadNode(NamedTuple):
    """A node with the section it was read from."""

    node: Node
    section: Section


def read_node(reading: Reading, tables: NodeTables, value: Json, path: Path) -> ReadNode | None:
    """One node; None where it has no usable id. A kind that cannot be told leaves its options empty."""
    if not isinstance(value, dict):
        reading.report.error("wrong-type", f"a node must be a mapping, found {found_text(value)}", path,
                             "such as {id: fetch, kind: tool, impl: ./tools/fetch.py}")
        return None
    kind = _find_kind(reading, value, path)
    node_id = value.get("id")
    noun = f"node '{node_id}'" if isinstance(node_id, str) else "a node"
    table = tables.table(kind) if kind is not None else _COMMON
    section = read_keys(reading.report, table, value, path, noun, is_open=kind is None)
    node_id = section.text("id")
    if node_id is None:
        return None
    if section.broken or kind is None:
        reading.gaps.nodes.add(node_id)
        reading.gaps.writes |= "writes" in section.broken
        reading.gaps.edges |= "needs" in section.broken
    options = tables.options(kind, section) if kind is not None else {}
    return ReadNode(_node(reading, section, node_id, kind or str(section.get("kind")), options), section)


def _node(reading: Reading, section: Section, node_id: str, kind: str, options: JsonObject) -> Node:
    path = section.path
    args, inputs = _args_and_inputs(section, options)
    return Node(
        id=node_id, kind=kind, phase=section.text("phase"), when=reading.expression(section, "when"),
        join=cast("Join", section.text("join")), reads=section.texts("reads"), writes=section.texts("writes"),
        args=reading.arguments(args, (*path, "args")) if args else _NO_ARGS,
        for_each=read_for_each(reading, section), on_error=read_on_error(reading, section),
        timeout_seconds=read_timeout(reading, section), cache=read_cache(reading, section), inputs=inputs,
        env=section.texts("env"), produces=section.texts("produces"), effects=section.flag("effects"),
        budget=read_budget(reading, section), options=options, path=path)


def _args_and_inputs(section: Section, options: JsonObject) -> tuple[JsonObject, tuple[str, ...]]:
    """The arguments and the globs under `inputs`; a kind of the original may hold values there, which are arguments."""
    args = section.mapping("args")
    if not isinstance(options.get("inputs"), Mapping):
        return args, section.texts("inputs")
    return {**cast("JsonObject", options["inputs"]), **args}, ()


def _find_kind(reading: Reading, value: JsonObject, path: Path) -> str | None:
    """The node's kind; of a misspelt one the kind that was meant, so that its keys can still be judged."""
    if "kind" not in value:
        return _kind_under_another_key(reading, value)
    written = value["kind"]
    if not isinstance(written, str) or not written:
        return None
    if written in reading.kinds:
        return written
    at = (*path, "kind")
    if written in RESERVED_KINDS:
        reading.report.error("reserved-kind", f"kind '{written}' is reserved: {RESERVED_KINDS[written]}", at)
        return None
    elsewhere = kind_elsewhere(written)
    meant = None if elsewhere else kind_meant(written) or nearest(written, reading.kinds)
    hint = elsewhere or (f"did you mean '{meant}'?" if meant else f"kinds: {', '.join(reading.kinds)}")
    reading.report.error("unknown-kind", f"there is no kind '{written}'", at, hint)
    return meant


def _kind_under_another_key(reading: Reading, value: JsonObject) -> str | None:
    """The kind that stands under a misspelt key, `knid: tool`, so that this key can be refused for what it is."""
    for name, written in value.items():
        is_meant = name not in _COMMON.keys and (key_meant(name, ("kind",)) or nearest(name, ("kind",)))
        if is_meant and isinstance(written, str) and written in reading.kinds:
            return written
    return None
