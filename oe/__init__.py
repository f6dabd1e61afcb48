"""Run written procedures as graphs. The public names; each is imported when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oe.app.experiences import load_experience
    from oe.app.launch import RunResult, run_experience
    from oe.errors import OeError, SpecError
    from oe.lang.schema import check_schema
    from oe.lang.yaml import load_yaml
    from oe.run.bus import EventBus
    from oe.store.cache_store import CacheStore

__all__ = [
    "CacheStore", "EventBus", "OeError", "RunResult", "SpecError", "check_schema", "load_experience", "load_yaml",
    "run_experience",
]

_HOMES = {
    "CacheStore": "oe.store.cache_store", "EventBus": "oe.run.bus", "OeError": "oe.errors",
    "RunResult": "oe.run.session", "SpecError": "oe.errors", "check_schema": "oe.lang.schema",
    "load_experience": "oe.app.experiences", "load_yaml": "oe.lang.yaml", "run_experience": "oe.app.launch",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'oe' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
