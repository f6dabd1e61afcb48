"""When a failed attempt is tried again, and after how long."""

from __future__ import annotations

from collections.abc import Callable

from oe.errors import NodeError
from oe.spec.model import OnError


def retry_delay(rule: OnError, tries: int, error: NodeError, random: Callable[[], float]) -> float | None:
    """Seconds until the next attempt after `tries` failed ones, or None where there is none.

    Deterministic faults are never retried; `retry_on` names error classes or codes and narrows the rest.
    With jitter the delay is drawn evenly between nothing and its full length, so that failures together do not return
    together (full jitter).
    """
    if rule.policy != "retry" or tries >= rule.attempts or not error.retryable:
        return None
    if rule.retry_on and error.name not in rule.retry_on and error.code not in rule.retry_on:
        return None
    factor = {"exponential": 2.0 ** min(tries - 1, 60), "linear": float(tries), "fixed": 1.0}[rule.backoff]
    delay = min(rule.base_seconds * factor, rule.max_seconds)
    return delay * random() if rule.jitter else delay
