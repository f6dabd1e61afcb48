"""The JSON Schemas that `oe` publishes: of the format with all node kinds, and of the events. Runs nothing."""

from __future__ import annotations

from oe.values import Json, JsonObject

_DIALECT: Json = "https://json-schema.org/draft/2020-12/schema"


def format_schema() -> JsonObject:
    """The schema of an experience file."""
    from oe.kinds import KINDS
    from oe.spec.json_schema import experience_schema

    return experience_schema(KINDS.values())


def event_schemas() -> JsonObject:
    """Type of event -> its schema, each a document of its own."""
    from oe.state.events import EVENTS, event_schema

    return {name: {"$schema": _DIALECT, **event_schema(kind)} for name, kind in EVENTS.items()}
