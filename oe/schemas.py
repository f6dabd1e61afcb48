"""The JSON Schemas that `oe` publishes: of the format with all node kinds, and of the events. Runs nothing."""

from __future__ import annotations

from oe.kinds import KINDS
from oe.spec.json_schema import DIALECT, experience_schema
from oe.state.events import EVENTS, event_schema
from oe.values import JsonObject


def format_schema() -> JsonObject:
    """The schema of an experience file."""
    return experience_schema(KINDS)


def event_schemas() -> JsonObject:
    """Type of event -> its schema, each a document of its own."""
    return {name: {"$schema": DIALECT, **event_schema(kind)} for name, kind in EVENTS.items()}
