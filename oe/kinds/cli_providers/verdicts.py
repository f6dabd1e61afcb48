"""What the words of a failed agent mean: is it let in, is its service busy, would the same call fail again."""

from __future__ import annotations

import re

from oe.kinds.cli_providers.provider import Provider, Verdict

_BUSY = re.compile(
    r"too many requests|rate[ _-]?limit|overloaded|usage limit|hit your (?:\w+ )?limit|quota|resource[ _]?exhausted|"
    r"(?:status|error|code)\W{0,5}(?:429|503|529)\b", re.IGNORECASE)
_DENIED = re.compile(
    r"unauthori[sz]ed|not logged in|/login\b|log in|(?:invalid|incorrect|missing|bad)[\w ]{0,20} key|api[ _]key|"
    r"authentication|auth method|oauth token|credit balance|(?:status|error|code)\W{0,5}40[13]\b", re.IGNORECASE)
_MISUSED = re.compile(
    r"unknown option|unexpected argument|unknown arguments?:|invalid values?|cannot be used (?:multiple times|with)|"
    r"model\b.{0,80}(?:not found|does not exist|not exist|not supported|not available)|model_not_found", re.IGNORECASE)
_FAILED = Verdict("agent-failed", retryable=True)
_LONGEST_WORDS = 4_000


def judge(words: str, provider: Provider | None) -> Verdict:
    """The meaning of what a program said about its failure. What is not understood is worth another try."""
    told = words[:_LONGEST_WORDS]
    if _BUSY.search(told):
        return Verdict("agent-busy", retryable=True)
    if _DENIED.search(told):
        return Verdict("agent-denied", retryable=False, hint=provider.login if provider else None)
    if _MISUSED.search(told):
        return Verdict("agent-failed", retryable=False)
    return _FAILED
