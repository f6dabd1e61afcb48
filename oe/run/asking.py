"""Asking a model for an attempt: which one, within which budgets, and what is seen of it while it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple, Protocol

from oe.errors import NodeError
from oe.ports.model import Answer, CallWatch, ModelCall, ModelError, Models, ModelSettings, Question, Usage
from oe.ports.spending import Charge, Spent
from oe.redact import Redactor
from oe.run.calls import OpenCalls
from oe.run.estimates import Price, likely_usage, worst_case
from oe.run.spending import Spending
from oe.text import clip, format_duration
from oe.values import Json

OUTPUT_SECONDS = 0.1
"""How often at most a piece of an answer is told."""

_COSTS_NOTHING = frozenset({"model-denied", "model-request", "model-context", "model-busy", "model-failed",
                            "model-unreachable", "replay-miss"})
"""Faults of calls that mostly never came to an answer; where pieces of one were there, they count all the same."""


class Told(Protocol):
    """The side of an attempt that tells what goes on."""

    slot: str

    def activity(self, text: str) -> None:
        """What is being done now."""

    def told(self, kind: str, data: dict[str, Json], *, is_logged: bool = True) -> None:
        """An event of the attempt."""


class Asker(NamedTuple):
    """Asks for every attempt of a run. `models` and `price` are made by the first question: a run may spend without
    asking a model. `logs_prompts`: what is asked is told too."""

    models: Callable[[], Models]
    price: Callable[[], Price]
    spending: Spending
    calls: OpenCalls
    redactor: Redactor
    logs_prompts: bool = False

    async def ask(self, attempt: Told, question: Question) -> Answer:
        """See NodeContext.ask."""
        models = self.models()
        settings = models.settings(question.wanted)
        provider = models.provider(settings)
        worst = worst_case(question, settings, self.price())
        if self.price()(settings, Usage(1, 1)) is None and self.spending.counts_usd(attempt.slot):
            raise NodeError(f"model '{settings.model}' has no known price, but there is a budget in usd",
                            name="UnpricedModel", retryable=False, code="unpriced-model",
                            hint="OE_PRICES names a file of prices")
        call = ModelCall(attempt.slot, settings, question.messages, question.system, question.schema,
                         question.shares_prefix)
        async with self.spending.charge(attempt.slot, worst) as charge:
            self._tell(attempt, question, settings)
            watch = _Watch(attempt, self.redactor, partial(self._try_again, charge, settings, question),
                           is_logged=self.logs_prompts)
            try:
                with self.calls.opened(attempt.slot, "llm", f"{settings.provider} {settings.model}"):
                    answer = await provider.answer(call, watch)
            except ModelError as error:
                if not self._settle_failed(charge, settings, question, error, watch.said):
                    charge.forget()
                raise
            except asyncio.CancelledError:
                if watch.is_sent:
                    self._settle(charge, settings, likely_usage(question, watch.said), is_estimated=True)
                else:  # it waited for a place, or for its next try
                    charge.forget()
                raise
            finally:
                watch.finish()
            usage = answer.usage or likely_usage(question, answer.text)
            self._settle(charge, settings, usage, is_estimated=answer.usage is None)
        return answer

    def _settle_failed(self, charge: Charge, settings: ModelSettings, question: Question, error: ModelError,
                       said: str) -> bool:
        """Counts what a call that failed came to: as the provider told, or else as is likely. Whether there was
        anything to count."""
        if error.usage is None and error.code in _COSTS_NOTHING and not said:
            return False
        self._settle(charge, settings, error.usage or likely_usage(question, said), is_estimated=error.usage is None)
        return True

    async def _try_again(self, charge: Charge, settings: ModelSettings, question: Question, error: ModelError,
                         said: str) -> None:
        """Counts a try that failed; where it cost something, the next one is charged as a call of its own."""
        if self._settle_failed(charge, settings, question, error, said):
            await charge.again()

    def _settle(self, charge: Charge, settings: ModelSettings, usage: Usage, *, is_estimated: bool = False) -> None:
        charge.settle(Spent(usage.all_input_tokens, usage.output_tokens, self.price()(settings, usage), settings.model,
                            is_estimated))

    def _tell(self, attempt: Told, question: Question, settings: ModelSettings) -> None:
        data: dict[str, Json] = {"activity": f"calling {settings.model}"}
        if self.logs_prompts:
            texts = [question.system, *(message.text for message in question.messages)]
            data["prompt"] = self.redactor.text("\n\n".join(text for text in texts if text))
        attempt.told("node.activity", data)


class _Watch(CallWatch):
    """Follows one call: tells pieces of the answer, a few times a second; a secret is not told, also where it comes
    in two pieces."""

    def __init__(self, attempt: Told, redactor: Redactor,
                 try_again: Callable[[ModelError, str], Awaitable[None]], *, is_logged: bool) -> None:
        self._attempt = attempt
        self._redactor = redactor
        self._try_again = try_again
        self._is_logged = is_logged
        self.is_sent = False
        self._pieces: list[str] = []
        self._pending = ""
        self._told_at = float("-inf")

    @property
    def said(self) -> str:
        """What came of the answer so far."""
        return "".join(self._pieces)

    def sent(self) -> None:
        """See CallWatch."""
        self.is_sent = True

    def text(self, piece: str) -> None:
        """See CallWatch."""
        self._pieces.append(piece)
        self._pending += piece
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= OUTPUT_SECONDS:
            self._told_at = now
            self._tell(max(0, self._redactor.longest - 1))

    async def again(self, error: ModelError, delay_seconds: float) -> None:
        """See CallWatch."""
        said = self.said
        self.is_sent = False
        self._pieces.clear()
        self._pending = ""
        await self._try_again(error, said)
        self._attempt.activity(f"trying again in {format_duration(delay_seconds)}: {clip(error.message, 200)}")

    def finish(self) -> None:
        """Tells the rest."""
        self._tell(0)

    def _tell(self, held_back: int) -> None:
        text = self._redactor.text(self._pending)
        ready = text[:len(text) - held_back] if held_back else text
        if ready:
            self._attempt.told("node.output", {"chunk": ready}, is_logged=self._is_logged)
            self._pending = text[len(ready):]
