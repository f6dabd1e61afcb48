"""What a Python tool gets as `ctx`, inside `oe` and in a process of its own.

Runs on Python 3.8 and newer with the standard library alone, as it is handed to other interpreters (tool_process).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from oe.kinds.tool_contract import plain

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

SCOPE_KINDS = ("io", "llm", "tool", "cpu", "custom")


class ToolContext:
    """One attempt, as its tool sees it. Every method may be called from any thread.

    `run_id`, `slot` and `attempt` say what is being done; `folder` is the experience's; `env` holds the variables that
    the node declares, as far as they are set.
    """

    def __init__(self, link: Any, facts: Mapping[str, Any], env: Mapping[str, str]) -> None:
        self._link = link
        self.run_id: str = facts["run_id"]
        self.slot: str = facts["slot"]
        self.attempt: int = facts["attempt"]
        self.folder: str = facts["folder"]
        self.env: Mapping[str, str] = MappingProxyType(dict(env))

    @property
    def cancelled(self) -> bool:
        """Whether the attempt has been asked to end: a long loop should look at it now and then."""
        return bool(self._link.cancelled)

    def report(self, pct: float | None = None, message: str | None = None, data: object = None) -> None:
        """Progress: `pct` from 0 to 1, a few words, and any JSON."""
        if pct is not None:
            pct = float(pct)
            pct = min(1.0, max(0.0, pct)) if isfinite(pct) else None
        self._link.report(pct, None if message is None else str(message), plain(data, "the progress data"))

    def log(self, text: object) -> None:
        """Writes a line to the node's log."""
        self._link.log(str(text))

    def defer(self, function: Callable[[], object]) -> None:
        """Registers a clean-up, sync or async; they run after the attempt, last one first, however it ends."""
        if not callable(function):
            raise TypeError(f"defer takes a function, not a {type(function).__name__}")
        self._link.defer(function)

    def scope(self, name: object, kind: str = "custom") -> AbstractContextManager[None]:
        """A part of the attempt, for a `with` statement: the tree of the run shows it by its name while it lasts.
        `kind` is io, llm, tool, cpu or custom."""
        if kind not in SCOPE_KINDS:
            raise ValueError(f"a scope is of the kind {', '.join(SCOPE_KINDS)}, not '{kind}'")
        scope: AbstractContextManager[None] = self._link.opened(kind, str(name))
        return scope

    def artifact(self, name: str) -> str:
        """An absolute path for a file that the run makes and keeps."""
        return str(self._link.artifact(name))
