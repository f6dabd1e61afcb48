"""How many tokens a call may come to, before and without anybody telling. Pure.

The worst case takes no help from a vocabulary: two small letters are a token at most, a blank before a letter
belongs to it, and every other sign is a token of its own, those of East Asian scripts two, and those of rarer ones as
many as they have bytes. English comes to about twice its real tokens so, code and JSON to somewhat more, and figures,
Base64 and UUIDs, of which few signs make a token, are not underrated. A model that reads bytes one by one (none in use
does) can exceed it; what a call came to is counted as the provider tells it in any case.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from oe.ports.model import ModelSettings, Question, Usage
from oe.ports.spending import Cost
from oe.values import compact

Price = Callable[[ModelSettings, Usage], "float | None"]

_BYTES_PER_TOKEN = 3
_PIECE = re.compile(r"[a-z]{2}|(?<![A-Za-z])[A-Z][a-z]|[A-Za-z]| (?![A-Za-z])|[^A-Za-z ]")
_EAST_ASIAN = re.compile("[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]")
_RARE = re.compile("[^\\x00-\u052f\u2010-\u2026\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]")
"""All but Latin, Greek and Cyrillic letters, dashes and quotation marks, and East Asian scripts."""

_AROUND_MESSAGE = 16
_AROUND_SCHEMA = 800
"""Tokens that providers put around a message, and around a schema that they make a tool or a grammar of."""


def worst_case(question: Question, settings: ModelSettings, price: Price, *, more_tokens: int = 0) -> Cost:
    """What a call may cost at most: the whole prompt read without or into a cache, the longest answer. `more_tokens`
    are those of messages that will be there by then and are not known yet."""
    prompt = _most_in(question, settings) + more_tokens + _AROUND_MESSAGE * (len(question.messages) + 1)
    prompt += _AROUND_SCHEMA if question.schema is not None else 0
    usages = (Usage(prompt, settings.max_tokens), Usage(0, settings.max_tokens, cache_write_tokens=prompt))
    return Cost(max(price(settings, usage) or 0.0 for usage in usages), prompt + settings.max_tokens, 1)


def likely_usage(question: Question, said: str) -> Usage:
    """What a call that broke off has probably cost: its prompt, and what came of the answer."""
    return Usage(_tokens(_bytes_of(question)), _tokens(len(said.encode("utf-8", "replace"))))


@lru_cache(maxsize=64)
def most_tokens(text: str) -> int:
    """How many tokens a text may be at most, in the vocabularies that are in use. Kept for a few texts: those of a
    fan-out share their system text."""
    count = len(_PIECE.findall(text))
    if text.isascii():
        return count
    rare = "".join(_RARE.findall(text))
    return count + len(_EAST_ASIAN.findall(text)) + len(rare.encode("utf-8", "replace")) - len(rare)


def _most_in(question: Question, settings: ModelSettings) -> int:
    """Tokens of a prompt. An answer that is sent back was made of `max_tokens` at most."""
    asked = sum(most_tokens(text) for text in _texts(question._replace(
        messages=[message for message in question.messages if message.role == "user"])))
    answered = (most_tokens(message.text) for message in question.messages if message.role == "assistant")
    return asked + sum(min(tokens, settings.max_tokens) for tokens in answered)


def _texts(question: Question) -> list[str]:
    texts = [question.system, *(message.text for message in question.messages)]
    return texts if question.schema is None else [*texts, compact(question.schema)]


def _bytes_of(question: Question) -> int:
    return sum(len(text.encode("utf-8", "replace")) for text in _texts(question))


def _tokens(size_bytes: int) -> int:
    return -(-size_bytes // _BYTES_PER_TOKEN)
