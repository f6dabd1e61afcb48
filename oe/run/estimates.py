"""How many tokens a call may come to, before and without anybody telling. Pure.

A token of a byte-level vocabulary is at least one byte of UTF-8, so that the bytes of a text bound its tokens; on
average it is three to four of them.
"""

from __future__ import annotations

from collections.abc import Callable

from oe.ports.model import ModelSettings, Question, Usage
from oe.ports.spending import Cost
from oe.values import compact

Price = Callable[[ModelSettings, Usage], "float | None"]

_BYTES_PER_TOKEN = 3
_AROUND_MESSAGE = 16
_AROUND_SCHEMA = 800
"""Tokens that providers put around a message, and around a schema that they make a tool or a grammar of."""


def worst_case(question: Question, settings: ModelSettings, price: Price, *, more_bytes: int = 0) -> Cost:
    """What a call may cost at most: the whole prompt read without or into a cache, the longest answer. `more_bytes` are
    those of messages that will be there by then and are not known yet."""
    prompt = _bytes_of(question) + more_bytes + _AROUND_MESSAGE * (len(question.messages) + 1)
    prompt += _AROUND_SCHEMA if question.schema is not None else 0
    usages = (Usage(prompt, settings.max_tokens), Usage(0, settings.max_tokens, cache_write_tokens=prompt))
    return Cost(max(price(settings, usage) or 0.0 for usage in usages), prompt + settings.max_tokens, 1)


def likely_usage(question: Question, said: str) -> Usage:
    """What a call that broke off has probably cost: its prompt, and what came of the answer."""
    return Usage(_tokens(_bytes_of(question)), _tokens(len(said.encode("utf-8", "replace"))))


def _bytes_of(question: Question) -> int:
    texts = [question.system, *(message.text for message in question.messages)]
    if question.schema is not None:
        texts.append(compact(question.schema))
    return sum(len(text.encode("utf-8", "replace")) for text in texts)


def _tokens(size_bytes: int) -> int:
    return -(-size_bytes // _BYTES_PER_TOKEN)
