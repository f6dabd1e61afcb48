"""The models that a run can ask: settings resolved, providers made once, with retries, limits, recording and replay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import NamedTuple

from oe.llm import PROVIDERS
from oe.llm.choice import choose_model, parse_choice
from oe.llm.limiter import Limiter, Limiters
from oe.llm.recording import Recorded, Recording
from oe.llm.retrying import Retrying
from oe.llm.wire import Offer, Place
from oe.ports.http import HttpClient
from oe.ports.model import ModelProvider, ModelSettings
from oe.redact import Redactor
from oe.values import JsonObject

_REPLAY = "replay"


class Means(NamedTuple):
    """What the models of a run are made with. `limiters` are the process's, `now` gives wall time, `random` numbers
    from 0 to 1. `replay` is the path of a recording that answers every call, `recording` where exchanges are added."""

    http: HttpClient
    environment: Mapping[str, str]
    limiters: Limiters
    redactor: Redactor
    now: Callable[[], float]
    random: Callable[[], float]
    recording: Recording | None = None
    replay: str | None = None


class Defaults(NamedTuple):
    """What an experience says under `runtime.llm`; `file` names the experience."""

    file: str
    llm: JsonObject


class RunModels:
    """Implements Models. `chosen` is the text of `--llm`, which goes over `defaults`, those of the experience whose
    nodes ask first, then those of the experiences that it is nested in. Raises UsageError for a text that names
    nothing."""

    def __init__(self, means: Means, chosen: str | None = None, defaults: Sequence[Defaults] = ()) -> None:
        self._means = means
        self._offers = {offer.name: offer for offer in PROVIDERS}
        named = means.environment.get("OE_LLM")
        self._chosen = {} if chosen is None else parse_choice(chosen, self._offers)
        self._named = parse_choice(named, self._offers, "OE_LLM") if named else {}
        self._defaults = tuple(defaults)
        self._providers: dict[tuple[str, str | None, str | None], ModelProvider] = {}

    def within(self, defaults: Sequence[Defaults]) -> RunModels:
        """The same models, as an experience with these defaults asks them."""
        inner = copy(self)
        inner._defaults = tuple(defaults)
        return inner

    def settings(self, wanted: JsonObject) -> ModelSettings:
        """See Models."""
        layers = [wanted, self._chosen, *(each.llm for each in self._defaults), self._named]
        environment = self._means.environment
        if self._means.replay is not None:  # whatever the node wants
            layers.insert(0, {"provider": _REPLAY, "base_url": self._means.replay})
            environment = {}
        settings = choose_model(layers, environment, self._offers)
        if settings.concurrency is None or wanted.get("concurrency") is not None:
            return settings
        bound_by = next(each.file for each in self._defaults if each.llm.get("concurrency") is not None)
        return settings._replace(bound_by=bound_by)

    def provider(self, settings: ModelSettings) -> ModelProvider:
        """See Models."""
        key = settings.provider, settings.base_url, settings.api_version
        if key not in self._providers:
            self._providers[key] = self._made(self._offers[settings.provider], settings)
        return self._providers[key]

    def _made(self, offer: Offer, settings: ModelSettings) -> ModelProvider:
        place = self._place(offer, settings)
        provider = offer.make(place)
        if offer.name == _REPLAY:
            return provider  # nothing to wait for, and nothing worth recording again

        def limiter() -> Limiter:
            return self._means.limiters.find(offer.name, place.base_url, place.key or "")

        provider = Retrying(provider, limiter, self._means.random)
        return provider if self._means.recording is None else Recorded(provider, self._means.recording)

    def _place(self, offer: Offer, settings: ModelSettings) -> Place:
        base_url = settings.base_url or offer.base_url
        key, is_token = self._find_key(offer.key_variables), False
        if key is None:
            key, is_token = self._find_key(offer.token_variables), True
        needs_key = key is None and bool(offer.key_variables) and base_url == offer.base_url
        return Place(self._means.http, base_url, self._means.now, self._means.redactor, key, is_token,
                     offer.key_variables[0] if needs_key else None, settings.api_version)

    def _find_key(self, variables: tuple[str, ...]) -> str | None:
        """The first key that is set; a line break at its end, as files have it, is no part of it."""
        values = (self._means.environment.get(name, "").strip() for name in variables)
        return next((value for value in values if value), None)
