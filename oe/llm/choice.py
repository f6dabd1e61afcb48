"""Which provider and model a call goes to: node, `--llm`, `runtime.llm`, `OE_LLM`, keys in the environment. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import cast

from oe.errors import NodeError, UsageError
from oe.llm.wire import Offer
from oe.ports.model import DEFAULT_MAX_TOKENS, ModelSettings
from oe.text import clip, did_you_mean, parse_duration
from oe.values import Json, JsonObject

_OF_A_PROVIDER = ("model", "base_url", "api_version")
"""Settings that mean nothing to another provider than the one beside which they were written."""
_MODEL = re.compile(r"[^\s=,{}]+")


def choose_model(layers: Sequence[JsonObject], environment: Mapping[str, str],
                 offers: Mapping[str, Offer]) -> ModelSettings:
    """The settings that the layers come to, the first one strongest: those of the node, of `--llm`, of each
    `runtime.llm` around it, of `OE_LLM`. Raises NodeError `no-provider`, `unknown-provider`, `no-model`."""
    provider = next((str(layer["provider"]) for layer in layers if layer.get("provider")), None)
    provider = provider or _by_keys(environment, offers)
    offer = offers.get(provider)
    if offer is None:
        raise _fault("unknown-provider", f"there is no provider '{clip(provider, 40)}'",
                     did_you_mean(provider, offers) or f"there are {', '.join(offers)}")
    merged: dict[str, Json] = {}
    for layer in layers:
        is_meant = layer.get("provider", provider) == provider
        for name, value in layer.items():
            if value is not None and (is_meant or name not in _OF_A_PROVIDER):
                merged.setdefault(name, value)
    model = merged.get("model") or environment.get(offer.model_variable, "")
    if offer.needs_model and not model:
        raise _fault("no-model", f"no model is chosen for provider '{provider}'",
                     f"--llm {provider}:MODEL, model: in the node or under llm, or {offer.model_variable}")
    base_url = str(merged.get("base_url") or environment.get(offer.base_url_variable) or offer.base_url)
    if not base_url:
        raise _fault("no-provider", f"provider '{provider}' has nothing to answer from", "--replay FILE names one")
    if "@" in base_url.partition("://")[2].partition("/")[0]:
        raise _fault("bad-base-url", f"the base_url of provider '{provider}' holds a user name or password",
                     "give the key in the provider's variable")
    return _settings(merged, provider, str(model), base_url.rstrip("/"))


def parse_choice(text: str, offers: Mapping[str, Offer], origin: str = "--llm") -> JsonObject:
    """What `--llm` and `OE_LLM` say: `PROVIDER`, `PROVIDER:MODEL`, or a model's name alone. Raises UsageError for
    anything else, and for what is nearly a provider's name; `origin` is where it stands."""
    provider, colon, model = text.partition(":")
    if provider in offers:
        return {"provider": provider, "model": model} if model else {"provider": provider}
    near = did_you_mean(provider, offers)
    if colon or near:
        raise UsageError(f"{origin}: there is no provider '{clip(provider, 40)}'", code="unknown-provider",
                         hint=near or f"there are {', '.join(offers)}, as in openai:{clip(text, 40)}")
    if not _MODEL.fullmatch(text):
        raise UsageError(f"{origin} names a provider, PROVIDER:MODEL or a model, found '{clip(text, 40)}'",
                         hint="settings stand under 'llm', in the node or in 'runtime'")
    return {"model": text}


def _by_keys(environment: Mapping[str, str], offers: Mapping[str, Offer]) -> str:
    """The first provider whose key or address is set."""
    for name, offer in offers.items():
        variables = (*offer.key_variables, *offer.token_variables, offer.base_url_variable)
        if any(environment.get(variable) for variable in variables if variable):
            return name
    keys = [offer.key_variables[0] for offer in offers.values() if offer.key_variables]
    raise _fault("no-provider", "no language model is chosen, and no key is set",
                 f"set {' or '.join(keys)}, or --llm PROVIDER:MODEL; OPENAI_BASE_URL names a server of your own")


def _settings(merged: JsonObject, provider: str, model: str, base_url: str) -> ModelSettings:
    temperature, concurrency = merged.get("temperature"), merged.get("concurrency")
    return ModelSettings(
        provider, model, base_url, cast("str | None", merged.get("api_version")),
        int(cast(int, merged.get("max_tokens", DEFAULT_MAX_TOKENS))),
        None if temperature is None else float(cast(float, temperature)),
        _seconds(merged.get("idle_timeout", 60.0)), int(cast(int, merged.get("tries", 5))),
        None if concurrency is None else int(cast(int, concurrency)))


def _seconds(value: Json) -> float:
    """A duration as the format allows it, checked with the experience."""
    seconds = parse_duration(value) if isinstance(value, str) else cast("float | None", value)
    return 60.0 if seconds is None else float(seconds)


def _fault(code: str, message: str, hint: str) -> NodeError:
    return NodeError(message, name="ModelError", retryable=False, code=code, hint=hint)
