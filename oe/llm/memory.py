"""A model in memory: the twin of the providers, which says what it was told to say."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable

from oe.ports.model import Answer, CallWatch, ModelCall, ModelError, ModelProvider, ModelSettings
from oe.values import JsonObject

Line = str | Answer | ModelError
"""An answer's text, a whole answer, or how the call fails."""


class MemoryModel:
    """A ModelProvider. `script` is asked for each call, or is the lines in the order of the calls, of which the last is
    said for ever; `calls` are the calls that came. Answers take `seconds` of the loop's time."""

    name = "memory"

    def __init__(self, script: Callable[[ModelCall], Line] | Iterable[Line] = ("ok",), seconds: float = 0.0) -> None:
        self.calls: list[ModelCall] = []
        self._seconds = seconds
        self._script = script if callable(script) else _in_order(list(script))

    def identity(self, settings: ModelSettings) -> JsonObject:
        """See ModelProvider."""
        return {"provider": self.name, "model": settings.model, "max_tokens": settings.max_tokens,
                "temperature": settings.temperature}

    async def answer(self, call: ModelCall, watch: CallWatch) -> Answer:
        """What the script says, told word by word."""
        self.calls.append(call)
        watch.sent()
        line = self._script(call)
        await asyncio.sleep(self._seconds)
        if isinstance(line, ModelError):
            raise line
        answer = Answer(line, model=call.settings.model) if isinstance(line, str) else line
        for piece in re.findall(r"\s*\S+|\s+$", answer.text):
            watch.text(piece)
        return answer


class MemoryModels:
    """A Models whose every call is answered by one provider."""

    def __init__(self, provider: ModelProvider | None = None) -> None:
        self.memory: ModelProvider = provider or MemoryModel()

    def settings(self, wanted: JsonObject) -> ModelSettings:
        """The keys as they are, over defaults that name the model `memory`."""
        known = {name: value for name, value in wanted.items() if name in ModelSettings._fields}
        return ModelSettings(**{"provider": self.memory.name, "model": "memory", **known})  # type: ignore[arg-type]

    def provider(self, settings: ModelSettings) -> ModelProvider:
        """See Models."""
        return self.memory


def _in_order(lines: list[Line]) -> Callable[[ModelCall], Line]:
    def next_line(_: ModelCall) -> Line:
        return lines.pop(0) if len(lines) > 1 else lines[0]

    return next_line
