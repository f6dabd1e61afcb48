"""A provider that is asked again where that can help, and not faster than it can answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from oe.llm.limiter import LONGEST_PAUSE_SECONDS, MOST_CALLS, Limiter, Line
from oe.ports.model import Answer, CallWatch, ModelCall, ModelError, ModelProvider, ModelSettings
from oe.values import JsonObject

_BASE_SECONDS = 0.5
_MOST_SECONDS = 30.0


class Retrying:
    """A ModelProvider over another. `settings.tries` bounds what a call is tried; the delay before the n-th further try
    is drawn evenly from nothing to 0.5 × 2ⁿ seconds (full jitter), or is what the provider wants."""

    def __init__(self, provider: ModelProvider, limiter: Callable[[], Limiter], random: Callable[[], float]) -> None:
        self.name = provider.name
        self._provider = provider
        self._limiter = limiter
        self._random = random
        self._lines: dict[str, Line] = {}

    def identity(self, settings: ModelSettings) -> JsonObject:
        """See ModelProvider."""
        return self._provider.identity(settings)

    async def answer(self, call: ModelCall, watch: CallWatch) -> Answer:
        """See ModelProvider."""
        failures = 0
        while True:
            try:
                return await self._try(call, watch)
            except _Failed as failed:
                error = failed.error
                failures += failed.counts
                if not error.retryable or failures >= call.settings.tries:
                    raise error from None
                delay = self._delay(error, failures) if error.code != "model-busy" else self._limiter().pause_seconds
                if delay > LONGEST_PAUSE_SECONDS:
                    raise error from None
                await watch.again(error, delay)
                if error.code != "model-busy":  # where it is busy, the limiter makes everyone wait
                    await asyncio.sleep(delay)

    async def _try(self, call: ModelCall, watch: CallWatch) -> Answer:
        limiter = self._limiter()
        admission = await limiter.enter(self._line(call))
        try:
            answer = await self._provider.answer(call, watch)
        except ModelError as error:
            if error.code == "model-busy":
                raise _Failed(error, limiter.refuse(admission, error.retry_after_seconds)) from None
            limiter.leave(admission)
            raise _Failed(error, True) from None
        except BaseException:
            limiter.leave(admission)
            raise
        limiter.succeed(admission)
        return answer

    def _line(self, call: ModelCall) -> Line:
        """Where the call waits: with those that one `concurrency` bounds together."""
        most, owner = call.settings.concurrency, call.settings.bound_by
        name = "" if most is None else _node_path(call.slot) if owner is None else owner
        if name not in self._lines:
            self._lines[name] = Line(min(most or MOST_CALLS, MOST_CALLS))
        return self._lines[name]

    def _delay(self, error: ModelError, failures: int) -> float:
        if error.retry_after_seconds is not None:
            return error.retry_after_seconds
        return self._random() * min(_MOST_SECONDS, _BASE_SECONDS * 2.0 ** (failures - 1))


def _node_path(slot: str) -> str:
    """The node of a slot, of whichever item: `each/review` of `each[3]/review[1]`."""
    return "node " + re.sub(r"\[\d+\]", "", slot)


class _Failed(Exception):
    """One try failed. `counts`: it is this call's own failure."""

    def __init__(self, error: ModelError, counts: bool) -> None:
        super().__init__(error)
        self.error = error
        self.counts = counts
