"""From what a provider or the network did to a ModelError: which fault it is, whether and when to try again."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping

from oe.llm.shapes import Garbled, object_in, parse_object, text_in
from oe.ports.http import HttpError
from oe.ports.model import ModelError, ModelFault, Usage
from oe.text import clip, neutralise
from oe.values import JsonObject

_TRANSPORT: Mapping[str, ModelFault] = {
    "http-unreachable": "model-unreachable", "http-cut": "model-cut", "http-silent": "model-silent",
    "http-garbled": "model-garbled", "http-too-large": "model-garbled", "http-bad-url": "model-request"}
_STATUSES: Mapping[int, ModelFault] = {
    401: "model-denied", 402: "model-denied", 403: "model-denied", 408: "model-failed", 409: "model-failed",
    425: "model-failed", 429: "model-busy", 503: "model-busy", 529: "model-busy"}
_TYPES: Mapping[str, ModelFault] = {
    "authentication_error": "model-denied", "permission_error": "model-denied", "billing_error": "model-denied",
    "insufficient_quota": "model-denied", "invalid_request_error": "model-request", "not_found_error": "model-request",
    "rate_limit_error": "model-busy", "overloaded_error": "model-busy", "rate_limit_exceeded": "model-busy",
    "exceed_context_size_error": "model-context", "context_length_exceeded": "model-context"}
"""Types and codes of errors that come inside a stream, or that say more than the status does."""
_SAYS_MORE = frozenset({"insufficient_quota", "billing_error", "exceed_context_size_error", "context_length_exceeded"})
_CONTEXT = re.compile(r"context (length|window|size)|prompt is too long|too many tokens", re.IGNORECASE)
_WORDS: Mapping[ModelFault, str] = {
    "model-denied": "refuses the key", "model-request": "refuses the request", "model-busy": "is overloaded",
    "model-failed": "failed", "model-context": "finds the prompt too long"}
_HINTS: Mapping[ModelFault, str] = {
    "model-denied": "check the key, what it may do, and its credit",
    "model-context": "shorten the prompt, or choose a model with a larger context"}
_SHOWN_CHARACTERS = 500
_QUOTED_CHARACTERS = 16
"""From so many characters in common on, a message quotes a prompt."""


def transport_error(error: HttpError, usage: Usage | None) -> ModelError:
    """The network's fault. `usage` is what the provider had told before."""
    failed = ModelError(_TRANSPORT[error.code], error.message, usage=usage, hint=error.hint)
    failed.retryable = failed.retryable and (error.retryable or error.code == "http-too-large")
    return failed


def status_error(provider: str, status: int, headers: Mapping[str, str], body: str, now: float) -> ModelError:
    """The provider's refusal by a status other than 200. `now` is wall time, for a Retry-After that is a date."""
    told = _told(body)
    fault: ModelFault = _STATUSES.get(status, "model-failed" if status >= 500 else "model-request")
    says_more = next((code for code in _codes(told) if code in _SAYS_MORE), None)
    if says_more is not None:
        fault = _TYPES[says_more]
    elif status == 400 and _CONTEXT.search(text_in(told, "message")):
        fault = "model-context"
    hint = _HINTS.get(fault)
    if 300 <= status < 400:
        hint = f"redirects are not followed: set base_url to where '{provider}' really is"
    elif status == 404:
        hint = "check the model's name, and base_url"
    return ModelError(fault, _sentence(provider, fault, told, str(status)), status=status, hint=hint,
                      retry_after_seconds=retry_after(headers, now))


def told_error(provider: str, holder: JsonObject, usage: Usage | None) -> ModelError:
    """The provider's refusal in the midst of a stream, or in an answer whose status said that all is well."""
    told = object_in(holder, "error") or {"message": holder.get("error") or holder.get("message")}
    fault: ModelFault = next((_TYPES[code] for code in _codes(told) if code in _TYPES), "model-failed")
    return ModelError(fault, _sentence(provider, fault, told, "within its answer"), usage=usage, hint=_HINTS.get(fault))


def misplaced_error(provider: str, content_type: str) -> ModelError:
    """Somebody else answers there: a web page, or whatever is no answer of a model. It would be the same again. Nothing
    of it is quoted."""
    kind = clip(neutralise(content_type.partition(";")[0].strip()), 60)
    failed = ModelError("model-garbled", f"what answers as '{provider}' is no model: it sends "
                        + (f"'{kind}'" if kind else "something without a type") + ", no events and no JSON",
                        hint="check base_url: for 'openai' it ends in /v1, for 'anthropic' it does not")
    failed.retryable = False
    return failed


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until the provider wants to be asked again, from either form of Retry-After; None: it does not say."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        return max(0.0, seconds) if math.isfinite(seconds) else None
    return _until(headers.get("retry-after", ""), now)


def hide(error: ModelError, show: Callable[[str], str]) -> ModelError:
    """The error with its message as `show` shows it: providers quote keys."""
    error.message = show(error.message)
    error.args = (error.message,)
    return error


def unquoted(message: str, texts: Iterable[str]) -> str:
    """The message without what it quotes of the texts: providers quote prompts, which are no part of an error."""
    whole = "\n".join(" ".join(text.split()) for text in texts)
    kept: list[str] = []
    place = 0
    while place < len(message):
        end = place + _QUOTED_CHARACTERS
        if end > len(message) or message[place:end] not in whole:
            kept.append(message[place])
            place += 1
            continue
        while end < len(message) and message[place:end + 1] in whole:
            end += 1
        kept.append("…")
        place = end
    return "".join(kept)


def _until(date: str, now: float) -> float | None:
    from email.utils import mktime_tz, parsedate_tz  # only where a provider gives a date

    try:
        fields = parsedate_tz(date[:100])
        return None if fields is None else max(0.0, mktime_tz(fields) - now)
    except (ValueError, OverflowError):
        return None


def _told(body: str) -> JsonObject:
    """The part of an error's body that says what is wrong, in any of the forms that servers give it."""
    try:
        holder = parse_object(body, "the error")
    except Garbled:
        return {"message": "" if body.lstrip().startswith("<") else body}
    inner = object_in(holder, "error")
    return inner or {"message": holder.get("error") or holder.get("message") or holder.get("detail")}


def _codes(told: JsonObject) -> list[str]:
    return [text_in(told, "code"), text_in(told, "type")]


def _sentence(provider: str, fault: ModelFault, told: JsonObject, where: str) -> str:
    message = clip(neutralise(" ".join(text_in(told, "message").split())), _SHOWN_CHARACTERS)
    return f"'{provider}' {_WORDS[fault]} ({where})" + (f": {message}" if message else "")


