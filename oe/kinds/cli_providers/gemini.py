"""Gemini CLI: its stream of events, and the one object that `--output-format json` prints."""

from __future__ import annotations

from collections.abc import Sequence

from oe.kinds.cli_providers.provider import (
    ANSWERS,
    Provider,
    Transcript,
    Verdict,
    count_of,
    object_of,
    text_of,
    told,
)
from oe.ports.model import Usage
from oe.values import JsonObject

_TOLD_PARAMETERS = ("command", "file_path", "path", "pattern", "query", "prompt")
_KINDS = frozenset({"init", "message", "tool_use", "tool_result"})


def _arguments(model: str | None, extra: Sequence[str]) -> list[str]:
    return ["--output-format", "stream-json", *(("--model", model) if model else ()), *extra]


def _speaks(event: JsonObject) -> bool:
    kind = event.get("type")
    if kind is None:
        return "session_id" in event and ("response" in event or "error" in event)
    return kind in _KINDS or (kind == "result" and "status" in event)


class _Transcript(Transcript):
    """`init`, pieces of messages, uses of tools, then one `result`. The answer is what was said after the last tool."""

    __slots__ = ("_pieces",)

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[str] = []

    def take(self, event: JsonObject) -> str | None:
        """See Transcript."""
        kind = event.get("type")
        if kind == "init":
            self.model = text_of(event.get("model"))
        elif kind == "message" and event.get("role") == "assistant":
            if event.get("delta") is not True:
                self._pieces.clear()
            self._pieces.append(text_of(event.get("content")))
            return ANSWERS
        elif kind == "tool_use":
            self._pieces.clear()
            given = object_of(event.get("parameters"))
            detail = next((given[key] for key in _TOLD_PARAMETERS if key in given), None)
            return told((event.get("tool_name"), detail))
        elif kind == "error":
            return text_of(event.get("message")) or None
        elif kind == "result":
            self._result(event)
        elif kind is None:
            self._envelope(event)
        return None

    def _result(self, event: JsonObject) -> None:
        self.ended = True
        self.answer = "".join(self._pieces) if self._pieces else None
        self._stats(object_of(event.get("stats")))
        self.failure = None if event.get("status") == "success" else _message(event)

    def _stats(self, stats: JsonObject) -> None:
        """Gemini counts what came from the cache among the input."""
        if "input_tokens" in stats:
            read = count_of(stats.get("cached"))
            rest = max(0, count_of(stats["input_tokens"]) - read)
            self.usage = Usage(rest, count_of(stats.get("output_tokens")), read)

    def _envelope(self, event: JsonObject) -> None:
        """The object of `--output-format json`: `response`, or `error`, with figures by model."""
        self.ended = True
        said = event.get("response")
        self.answer = said if isinstance(said, str) else None
        self.failure = _message(event) if "error" in event else None
        models = object_of(object_of(event.get("stats")).get("models"))
        if models:
            self.model = next(iter(models))
            self.usage = _sum([object_of(object_of(each).get("tokens")) for each in models.values()])


def _message(event: JsonObject) -> str:
    return text_of(object_of(event.get("error")).get("message")) or "an error"


def _sum(counts: list[JsonObject]) -> Usage:
    read = sum(count_of(each.get("cached")) for each in counts)
    prompt = sum(count_of(each.get("prompt")) for each in counts)
    return Usage(max(0, prompt - read), sum(count_of(each.get("candidates")) for each in counts), read)


PROVIDER = Provider(
    name="gemini",
    program="gemini",
    install="npm install -g @google/gemini-cli",
    login="run 'gemini' once and log in, or set GEMINI_API_KEY",
    variables=("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_GENAI_USE_VERTEXAI",
               "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "GEMINI_CLI_HOME"),
    exits={
        41: Verdict("agent-denied", retryable=False, hint="run 'gemini' once and log in, or set GEMINI_API_KEY"),
        42: Verdict("agent-failed", retryable=False),
        52: Verdict("agent-failed", retryable=False, hint="mend its settings.json"),
        55: Verdict("agent-denied", retryable=False, hint="run 'gemini' once in that folder and trust it, or write "
                    "extra_args: [--skip-trust]"),
    },
    permissive=frozenset({"--yolo", "-y", "yolo"}),
    arguments=_arguments,
    speaks=_speaks,
    transcript=_Transcript,
)
