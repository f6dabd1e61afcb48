"""Claude Code: `claude --print`, its stream of events, and the one object that `--output-format json` ends with."""

from __future__ import annotations

from collections.abc import Sequence

from oe.kinds.cli_providers.provider import (
    ANSWERS,
    Provider,
    Transcript,
    amount_of,
    count_of,
    object_of,
    objects_of,
    text_of,
    told,
)
from oe.ports.model import Usage
from oe.values import Json, JsonObject

_TOLD_INPUTS = ("command", "file_path", "path", "pattern", "description", "url", "query")
_LASTING = frozenset({"error_max_turns", "error_max_budget_usd"})


def _arguments(model: str | None, extra: Sequence[str]) -> list[str]:
    return ["--print", "--output-format", "stream-json", "--verbose", *(("--model", model) if model else ()), *extra]


def _speaks(event: JsonObject) -> bool:
    kind = event.get("type")
    return (kind == "system" and "subtype" in event) or (kind == "assistant" and "message" in event) or (
        kind == "result" and ("is_error" in event or "subtype" in event))


class _Transcript(Transcript):
    """`system`, `assistant` and `user` events, then one `result`."""

    __slots__ = ()

    def take(self, event: JsonObject) -> str | None:
        """See Transcript."""
        kind = event.get("type")
        if kind == "system":
            self.model = text_of(event.get("model")) or self.model
        elif kind == "assistant":
            return self._turn(object_of(event.get("message")))
        elif kind == "result":
            self._result(event)
        return None

    def _turn(self, message: JsonObject) -> str | None:
        self.model = text_of(message.get("model")) or self.model
        doing = None
        for part in objects_of(message.get("content")):
            if part.get("type") == "tool_use":
                given = object_of(part.get("input"))
                doing = told((part.get("name"), next((given[key] for key in _TOLD_INPUTS if key in given), None)))
            elif part.get("type") == "text":
                doing = ANSWERS
        return doing

    def _result(self, event: JsonObject) -> None:
        subtype = text_of(event.get("subtype"))
        said = event.get("result")
        self.ended = True
        self.answer = said if isinstance(said, str) else None
        if event.get("structured_output") is not None:
            self.value = event["structured_output"]
        self.cost_usd = amount_of(event.get("total_cost_usd"))
        if isinstance(event.get("usage"), dict):
            self.usage = _usage(object_of(event["usage"]))
        failed = event.get("is_error") is True or subtype.startswith("error")
        self.failure = (text_of(said) or _errors(event.get("errors")) or subtype or "an error") if failed else None
        self.failure_lasts = failed and subtype in _LASTING


def _errors(errors: Json) -> str:
    return "; ".join(each for each in errors if isinstance(each, str)) if isinstance(errors, list) else ""


def _usage(usage: JsonObject) -> Usage:
    return Usage(count_of(usage.get("input_tokens")), count_of(usage.get("output_tokens")),
                 count_of(usage.get("cache_read_input_tokens")), count_of(usage.get("cache_creation_input_tokens")))


PROVIDER = Provider(
    name="claude-code",
    program="claude",
    install="npm install -g @anthropic-ai/claude-code",
    login="run 'claude' once and log in, or set ANTHROPIC_API_KEY",
    variables=("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_OAUTH_TOKEN",
               "CLAUDE_CONFIG_DIR"),
    exits={},
    permissive=frozenset({"--dangerously-skip-permissions", "--allow-dangerously-skip-permissions",
                          "bypassPermissions"}),
    arguments=_arguments,
    speaks=_speaks,
    transcript=_Transcript,
)
