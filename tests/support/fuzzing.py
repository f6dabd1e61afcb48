"""Hostile texts by seed: those of a corpus that is kept, and what comes of cutting, doubling and mixing them.

A corpus is a file of JSON lines. A line is a text, or a list whose elements are texts and pairs of a text and how often it
stands there. A text that once did harm stays in its corpus.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

CORPUS = Path(__file__).parents[1] / "property" / "corpus"
SLOWEST_SECONDS = 20.0
"""Of processor time, for one text of at most half a megabyte; most take a millisecond."""

ODD = ("", " ", "\n", "\r\n", "\r", "\t", "\0", "\ufeff", "\ud800", "\udfff", "\x1b[2J", "\u2028", "\x85", "😀", "9" * 400, "1e999",
       "-0", "NaN", "0x", "'", '"', "\\", "\\u", "\\ud83d", "[", "]", "{", "}", "(", ")", ",", ":", ": ", "- ", "#", "&a ", "*a", "<<: ",
       "!!str ", "|", ">", "$", "$.", "$$", "$args.", "{{", "}}", "{{ ", "??", "==", "!", "not ", "and ", "%", "/", "null", "true",
       "$ref", "#/", "type", "(a+)+", "(?=", "\\1", "[^", "{1,9999}", ".*", "data: ", "event: ", "id: ", "a", "0")
_LONGEST = 500_000


def corpus(name: str) -> list[str]:
    """The texts that are kept for a target."""
    lines = (CORPUS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [_text(json.loads(line)) for line in lines]


def _text(entry: object) -> str:
    if isinstance(entry, str):
        return entry
    assert isinstance(entry, list)
    return "".join(part if isinstance(part, str) else part[0] * part[1] for part in entry)


def mutants(texts: list[str], seed: int) -> Iterator[str]:
    """Texts without end, the same for a seed."""
    random = Random(seed)
    short = [text for text in texts if len(text) < 5_000] or texts
    while True:
        text = random.choice(short)
        for _ in range(random.randint(1, 6)):
            text = _changed(text, random, short)
        yield text[:_LONGEST]


def _changed(text: str, random: Random, others: list[str]) -> str:
    start = random.randrange(len(text) + 1)
    end = min(len(text), start + random.choice((0, 1, 2, 5, 30)))
    way = random.random()
    if way < 0.5:
        return text[:start] + random.choice(ODD) * random.choice((1, 1, 1, 2, 50)) + text[end:]
    if way < 0.65:
        return text[:start] + text[end:]
    if way < 0.85:
        return text[:start] + text[start:end] * random.choice((2, 3, 200)) + text[end:]
    other = random.choice(others)
    return text[:start] + other[random.randrange(len(other) + 1):] + text[end:]


def bombard(name: str, take: Callable[[str], None], *, seed: int, count: int, seconds: float = 0.0) -> int:
    """Hands the corpus and then mutants to `take`: `count` of them, or as many as `seconds` allow if that is more. How
    many there were. Whatever `take` raises fails, and so does what takes too long."""
    began, done = time.monotonic(), 0
    texts = corpus(name)
    for text in _all(texts, seed):
        if done >= len(texts) + count and time.monotonic() - began >= seconds:
            return done
        started = time.thread_time()
        try:
            take(text)
        except BaseException as error:
            raise AssertionError(f"{type(error).__name__}: {error}; seed {seed}, text {done}; to be added to corpus/{name}.jsonl: "
                                 f"{json.dumps(text)[:3000]}") from error
        took = time.thread_time() - started
        assert took < SLOWEST_SECONDS, f"{took:.1f}s; seed {seed}, text {done}: {json.dumps(text)[:3000]}"
        done += 1
    return done


def _all(texts: list[str], seed: int) -> Iterator[str]:
    yield from texts
    yield from mutants(texts, seed)
