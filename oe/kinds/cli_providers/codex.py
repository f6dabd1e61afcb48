"""Codex: `codex exec --json` and its stream of events."""

from __future__ import annotations

from collections.abc import Sequence

from oe.kinds.cli_providers.provider import (
    ANSWERS,
    Provider,
    Transcript,
    Verdict,
    count_of,
    object_of,
    objects_of,
    text_of,
    told,
)
from oe.ports.model import Usage
from oe.values import Json, JsonObject

_SANDBOX_WORDS = ("--sandbox", "-s", "--full-auto", "--approve-for-me", "--yolo",
                  "--dangerously-bypass-approvals-and-sandbox")
_KINDS = ("thread.", "turn.", "item.")


def _arguments(model: str | None, extra: Sequence[str]) -> list[str]:
    """Read-only, where the node does not say otherwise: codex would take the sandbox of the user's own configuration.
    What cannot be changed need not be in a repository."""
    chosen = any(word.partition("=")[0] in _SANDBOX_WORDS or word.startswith("sandbox_mode") for word in extra)
    safe = () if chosen else ("--sandbox", "read-only", "--skip-git-repo-check")
    given = [word for word in extra if word != "--skip-git-repo-check" or chosen]
    return ["exec", "--json", *safe, *(("--model", model) if model else ()), *given, "-"]


def _speaks(event: JsonObject) -> bool:
    return text_of(event.get("type")).startswith(_KINDS)


class _Transcript(Transcript):
    """Items of a turn, then `turn.completed` or `turn.failed`. A mere `error` is often followed by another try."""

    __slots__ = ()

    def take(self, event: JsonObject) -> str | None:
        """See Transcript."""
        kind = event.get("type")
        if kind in ("item.started", "item.completed"):
            return self._item(object_of(event.get("item")), is_done=kind == "item.completed")
        if kind == "turn.completed":
            self.ended, self.failure = True, None
            if isinstance(event.get("usage"), dict):
                self.usage = _usage(object_of(event["usage"]))
        elif kind == "turn.failed":
            self.ended = True
            self.failure = text_of(object_of(event.get("error")).get("message")) or self.failure or "the turn failed"
        elif kind == "error":
            self.failure = text_of(event.get("message")) or "an error"
            return self.failure
        return None

    def _item(self, item: JsonObject, *, is_done: bool) -> str | None:
        kind = item.get("type")
        if kind == "agent_message":
            if not is_done:
                return None
            self.answer = text_of(item.get("text"))
            return ANSWERS
        if kind == "error":
            return text_of(item.get("message")) or None
        if is_done and kind != "file_change":
            return None
        detail: Json = next((item[key] for key in ("command", "query", "tool") if key in item), None)
        if kind == "file_change":
            detail = ", ".join(text_of(change.get("path")) for change in objects_of(item.get("changes")))
        return told((text_of(kind).replace("_", " "), detail))


def _usage(usage: JsonObject) -> Usage:
    """Codex counts what came from the cache among the input."""
    read, written = count_of(usage.get("cached_input_tokens")), count_of(usage.get("cache_write_input_tokens"))
    rest = max(0, count_of(usage.get("input_tokens")) - read - written)
    return Usage(rest, count_of(usage.get("output_tokens")), read, written)


PROVIDER = Provider(
    name="codex",
    program="codex",
    install="npm install -g @openai/codex",
    login="run 'codex login' once, or set CODEX_API_KEY",
    variables=("OPENAI_API_KEY", "OPENAI_BASE_URL", "CODEX_API_KEY", "CODEX_HOME"),
    exits={2: Verdict("agent-failed", retryable=False)},
    permissive=frozenset({"--dangerously-bypass-approvals-and-sandbox", "--dangerously-bypass-hook-trust",
                          "danger-full-access", "--yolo"}),
    arguments=_arguments,
    speaks=_speaks,
    transcript=_Transcript,
)
