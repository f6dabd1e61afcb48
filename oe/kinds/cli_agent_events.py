"""The events that coding agents print, one JSON object a line: split, bounded, told on; or read from a whole text."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable

from oe.errors import NodeError
from oe.kinds.cli_providers import PROVIDERS
from oe.kinds.cli_providers.provider import Transcript
from oe.ports.kind import NodeContext
from oe.text import clip, format_size, neutralise
from oe.values import JsonObject

_LONGEST_ACTIVITY = 100
_LONGEST_NOISE = 2_000
_ACTIVITY_SECONDS = 0.2


class Told:
    """Tells what an agent does: all of it to the node's log, and to who looks on as often as anyone can read it."""

    def __init__(self, context: NodeContext) -> None:
        self._context = context
        self._next_at = 0.0
        self._last = ""

    def __call__(self, doing: str) -> None:
        doing = neutralise(clip(doing, _LONGEST_ACTIVITY))
        if doing == self._last:
            return
        self._last = doing
        self._context.log(doing)
        now = asyncio.get_running_loop().time()
        if now >= self._next_at:
            self._next_at = now + _ACTIVITY_SECONDS
            self._context.activity(doing)


class EventLines:
    """A stream of events: `take` gets each object and says what the agent does, which `tell` gets; lines that are no
    JSON object go to `log`."""

    def __init__(self, program: str, most_bytes: int, take: Callable[[JsonObject], str | None],
                 tell: Callable[[str], None], log: Callable[[str], None]) -> None:
        self._program = program
        self._most = most_bytes
        self._take = take
        self._tell = tell
        self._log = log
        self._size = 0
        self._parts: list[bytes] = []

    def __call__(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._most:
            raise NodeError(f"the events of {self._program} are longer than {format_size(self._most)}",
                            name="OutputTooLongError", retryable=False, code="output-too-long")
        first, *others = chunk.split(b"\n")
        self._parts.append(first)
        for line in others:
            self.finish()
            self._parts.append(line)

    def finish(self) -> None:
        """Takes the line so far as a whole one: its end has come, or that of the program."""
        line = b"".join(self._parts)
        self._parts.clear()
        event = _event(line)
        if event is not None:
            doing = self._take(event)
            if doing:
                self._tell(doing)
        elif line.strip():
            self._log(clip(line.decode("utf-8", "replace").rstrip(), _LONGEST_NOISE))


def read_session(text: str) -> Transcript | None:
    """The session that a whole output tells of, in the events, or the one object, of an agent that is known. None where
    it is nobody's."""
    events = list(_events(text))
    for event in events:
        for provider in PROVIDERS.values():
            if provider.speaks(event):
                transcript = provider.transcript()
                for each in events:
                    transcript.take(each)
                return transcript
    return None


def _events(text: str) -> Iterable[JsonObject]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        found = (_event(line.encode("utf-8", "surrogatepass")) for line in text.split("\n"))
        return (event for event in found if event is not None)
    return [each for each in (whole if isinstance(whole, list) else [whole]) if isinstance(each, dict)]


def _event(line: bytes) -> JsonObject | None:
    """The object that a line is. What is no UTF-8 in it is replaced: it is mostly what a tool has printed."""
    if not line.lstrip().startswith(b"{"):
        return None
    try:
        event = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None
