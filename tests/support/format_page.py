"""The reference of the format, `docs/reference/spec.md`, made of the key tables, so it says what they say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from oe.spec.graph_levels import GRAPH_LEVELS
from oe.spec.keys import Key
from oe.spec.level import Level
from oe.spec.shape import expected_text
from oe.spec.sources import KindRules
from oe.spec.top_levels import ARGUMENT, FIELD, TOP_LEVELS
from oe.values import Json, compact

_INTRODUCTION = """\
# The experience file

Every key of an `experience.yaml` (or `.json`), level by level. A key that is not in its table is an error. This page is
made from the tables that `oe validate` checks against; `oe schema` prints them as a JSON Schema for editors.

Durations are texts such as `500ms`, `30s`, `5m`, `2h`, or numbers of seconds. Paths are relative to the experience's
folder and stay inside it. A *reference* is a text such as `$.field`, `$args.name`, `$item`, `$index`, `$iter`, `$prev`
or `$inputs.node`; `$$` stands for a plain `$`.
"""

_PAGES = {"tool": "tools.md", "agent": "models.md", "skill": "models.md", "sql": "sql.md", "experience": "nested.md",
          "cli-agent": "cli-agents.md"}
"""Kinds that a page of the reference tells more of."""

_SCHEMA_NOTE = "Every other key is a keyword of JSON Schema (2020-12), of the subset that `oe` checks.\n"


def reference_page(kinds: Iterable[KindRules]) -> str:
    """The page for nodes of these kinds."""
    parts = [_INTRODUCTION]
    parts += [_section(level) for level in (*TOP_LEVELS, *GRAPH_LEVELS)]
    parts += [_kind_section(kind) for kind in kinds]
    return "\n".join(parts)


def _section(level: Level) -> str:
    note = f"\n{_SCHEMA_NOTE}" if level in (ARGUMENT, FIELD) else ""
    return f"## {level.name}\n\n{level.doc}\n{note}\n{_table(level.keys)}"


def _kind_section(kind: KindRules) -> str:
    cached = "cached" if kind.cached_by_default else "not cached"
    note = f"Keys beside those of a [node](#node). Outputs are {cached} by default."
    if kind.name in _PAGES:
        note += f" More on [a page of its own]({_PAGES[kind.name]})."
    return f"## kind: {kind.name}\n\n{note}\n\n{_table(kind.keys)}"


def _table(keys: tuple[Key, ...]) -> str:
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    rows += [f"| `{key.name}` | {_value(key.schema)} | {_default(key)} | {_meaning(key)} |" for key in keys]
    return "\n".join(rows) + "\n"


def _value(schema: Json) -> str:
    if not isinstance(schema, Mapping) or not schema:
        return "any value"
    if "title" not in schema:
        for part, text in ((schema, "{}"), (schema.get("items"), "list of {}"),
                           (schema.get("additionalProperties"), "mapping of name to {}")):
            if isinstance(part, Mapping) and "$ref" in part:
                name = str(part["$ref"]).rpartition("/")[2]
                return text.format(f"[{name}](#{name})")
    return _escape(expected_text(schema))


def _default(key: Key) -> str:
    if key.required:
        return "required"
    return f"`{_escape(compact(key.default))}`" if key.default not in (None, "") else ""


def _meaning(key: Key) -> str:
    doc = key.doc[0].upper() + key.doc[1:].rstrip(".") + "."
    note = f" Accepted with a warning: {key.accepted}." if key.accepted else ""
    return _escape(doc + note)


def _escape(text: str) -> str:
    return text.replace("|", "\\|")
