"""Asking a language model: what a call, its answer and its failures are, whoever provides the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias

from oe.errors import NodeError
from oe.lang.scope import MISSING, Missing
from oe.values import Json, JsonObject

Role: TypeAlias = Literal["user", "assistant"]
Stop: TypeAlias = Literal["end", "max_tokens", "refusal", "other"]
"""Why an answer ends: the model was done · the answer or the model's context was full, so that it is cut · the provider
or the model declined · anything else."""

DEFAULT_MAX_TOKENS = 8192


class Message(NamedTuple):
    """One turn of a conversation."""

    role: Role
    text: str


class ModelSettings(NamedTuple):
    """Which model answers, and how it is called: everything that `llm` can say, resolved (docs/reference/models.md).

    `base_url` and `api_version` None: the provider's own. `temperature` None: not sent, as some models refuse it.
    `concurrency` None: as many calls at once as the limiter finds the provider to take. Else it bounds those of the
    node that asks, or, with `bound_by`, all that have it from that experience file.
    """

    provider: str
    model: str
    base_url: str | None = None
    api_version: str | None = None
    max_tokens: int = DEFAULT_MAX_TOKENS
    temperature: float | None = None
    idle_timeout_seconds: float = 60.0
    tries: int = 5
    concurrency: int | None = None
    bound_by: str | None = None


class ModelCall(NamedTuple):
    """One question to a model. `messages` begin and end with the user's and alternate.

    `schema` asks for an object of that form by the provider's strongest means; the caller validates in any case.
    `shares_prefix`: further calls will begin with the same system text and schema (a fan-out, a repair turn), so a
    provider that caches prompts on request is asked to. `slot` says who asks; it is not sent.
    """

    slot: str
    settings: ModelSettings
    messages: Sequence[Message]
    system: str = ""
    schema: JsonObject | None = None
    shares_prefix: bool = False

    @property
    def texts(self) -> list[str]:
        """What is said to the model."""
        return [self.system, *(message.text for message in self.messages)]


class Question(NamedTuple):
    """What a node asks, before it is settled which model answers. `wanted` are keys of `llm`: the node's own over those
    of its `llm`. The rest is as in ModelCall."""

    wanted: JsonObject
    messages: Sequence[Message]
    system: str = ""
    schema: JsonObject | None = None
    shares_prefix: bool = False


class Usage(NamedTuple):
    """Tokens of one call. `input_tokens` are those read at full price; the cached ones are counted beside them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    @property
    def all_input_tokens(self) -> int:
        """The whole prompt, from the cache or not."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens


NO_USAGE = Usage()


class Answer(NamedTuple):
    """What a model said. `text` is the whole answer; where the provider gave an object of its own (a tool call), `text`
    is its JSON and `value` the object, else `value` is MISSING and the object has to be found in the text.

    `model` and `request_id` are as the provider names them. `usage` None: it told none.
    """

    text: str
    value: Json | Missing = MISSING
    stop: Stop = "end"
    usage: Usage | None = None
    model: str = ""
    request_id: str | None = None


ModelFault: TypeAlias = Literal["model-denied", "model-request", "model-context", "model-busy", "model-failed",
                                "model-unreachable", "model-cut", "model-silent", "model-garbled", "replay-miss"]
"""The key is missing, wrong, or has no credit · the provider finds the request faulty, or knows no such model · the
prompt is longer than the model can read · too many requests, or overloaded · the provider's own fault · no connection ·
the answer broke off · nothing came for too long · what came is not the provider's documented form · the recording does
not hold the call."""

_LASTING: frozenset[ModelFault] = frozenset({"model-denied", "model-request", "model-context", "replay-miss"})


class ModelError(NodeError):
    """A call failed. `retryable` says whether the same call can succeed later; `retry_after_seconds` is the provider's
    wish, `usage` what the failed call is known to have cost. No message holds a key."""

    def __init__(self, fault: ModelFault, message: str, *, status: int | None = None,
                 retry_after_seconds: float | None = None, usage: Usage | None = None, hint: str | None = None) -> None:
        name = "TimeoutError" if fault == "model-silent" else "ModelError"
        super().__init__(message, name=name, code=fault, hint=hint, retryable=fault not in _LASTING)
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        self.usage = usage


class CallWatch(Protocol):
    """Follows one call while it lasts. Called on the loop; must not block."""

    def sent(self) -> None:
        """The question goes out: this try may cost something. Not told of one that is still waited for."""

    def text(self, piece: str) -> None:
        """The next piece of the answer's text, or of the object's JSON."""

    async def again(self, error: ModelError, delay_seconds: float) -> None:
        """A try failed, and the next begins after the delay; pieces told so far are void. `error.usage` is what the
        failed try cost, as far as is known. Returns when there may be another; raises NodeError where there may not."""


class Unwatched:
    """A CallWatch for callers that only want the answer."""

    def sent(self) -> None:
        """Nothing."""

    def text(self, piece: str) -> None:
        """Nothing."""

    async def again(self, error: ModelError, delay_seconds: float) -> None:
        """Nothing."""


class ModelProvider(Protocol):
    """Answers calls. One object serves every call of a run that has the same provider, address and key; calls may
    overlap."""

    name: str

    def identity(self, settings: ModelSettings) -> JsonObject:
        """What of the provider and the settings can change an answer, for a cache key: provider, address, model,
        sampling; no key, no time-out. Never fails for want of a key."""

    async def answer(self, call: ModelCall, watch: CallWatch) -> Answer:
        """The whole answer. An answer that was cut by `max_tokens` or declined is an answer: `stop` tells. Raises
        ModelError, and nothing else for whatever the provider does; on cancellation the connection is closed."""


class Models(Protocol):
    """The models that a run can ask. What it gives out retries, respects the provider's limits, and records where the
    run does."""

    def settings(self, wanted: JsonObject) -> ModelSettings:
        """The settings of a call that wants these keys of `llm` (those of a node, its own over those of its `llm`);
        what it leaves open is taken from the command line, the experience and the environment, in that order. Raises
        NodeError (not retryable) `no-provider`, `unknown-provider`, `no-model`."""

    def provider(self, settings: ModelSettings) -> ModelProvider:
        """Who answers calls with these settings; a key that is not set is an error of the call, not of this. Raises
        OeError for a recording that cannot be read."""


class Prices(Protocol):
    """What calls cost."""

    def cost_usd(self, model: str, usage: Usage) -> float | None:
        """The price of these tokens; None where the model is not in the table."""
