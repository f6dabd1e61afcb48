"""What a language model said: the text without its thinking, and the JSON value in it. Pure; asks nobody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import NamedTuple

from oe.lang.schema import Schema, path_text
from oe.lang.scope import MISSING, Missing
from oe.values import Json

DEEPEST_ANSWER = 100
"""Levels of nesting in an answer."""

_TOLD_PROBLEMS = 8
_WORK_PER_CHARACTER = 8
_MOST_FALSE_STARTS = 2_000
"""How often a text may be looked at on average while values are sought in its prose, and how many of the brackets that
it opens may begin no value."""

_THOUGHT = re.compile(r"\s*<(think|thinking|thought|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_OPEN_THOUGHT = re.compile(r"\s*<(think|thinking|thought|reasoning)>", re.IGNORECASE)
_END_OF_THOUGHT = re.compile(r"^[ \t]*</(?:think|thinking|thought|reasoning)>[ \t]*$", re.MULTILINE | re.IGNORECASE)
_FENCED = re.compile(r"\s*```[^\n`]*\n(.*?)\n?[ \t]*```\s*", re.DOTALL)
_OPENING = re.compile(r"[{\[]")
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


class Reading(NamedTuple):
    """What was read from a text: the value, or why there is none, as sentences that can be told to the model. With
    problems, `value` is the one that came nearest, MISSING where there was none at all."""

    value: Json | Missing
    problems: tuple[str, ...] = ()


class _Refused(ValueError):
    """A value that JSON's grammar allows and `oe` does not."""


class _Found(NamedTuple):
    """A value that stands somewhere in a text, and how many characters it takes there."""

    value: Json
    length: int


def without_thinking(text: str) -> str:
    """The text without the thinking that some models put before their answer. One that never ends its thinking has
    said nothing. A tag in the midst of a text is part of what is said."""
    position = 0
    while (thought := _THOUGHT.match(text, position)) is not None:
        position = thought.end()
    if _OPEN_THOUGHT.match(text, position) is not None:
        return ""
    if not position:  # where the template of the model has opened the thought, only its end is in the text
        ends = list(_END_OF_THOUGHT.finditer(text))
        position = ends[-1].end() if ends else 0
    return text[position:].strip() if position else text


def read_value(text: str, schema: Schema | None = None) -> Reading:
    """The JSON value that the text is or holds: bare, in a fence, or with prose around it.

    Of several values the last that fits the schema counts, since models correct themselves; without a schema the
    longest. Numbers that are not finite are refused.
    """
    said = without_thinking(text)
    try:
        found = _values(said)
    except _Refused as refused:
        return Reading(MISSING, (str(refused),))
    if not found:
        return Reading(MISSING, (_why_none(said),))
    if schema is not None:
        for each in reversed(found):
            if schema.is_valid(each.value):
                return Reading(each.value)
    nearest = max(found, key=lambda each: (schema is None or isinstance(each.value, dict), each.length)).value
    return Reading(nearest, () if schema is None else tuple(_sentences(nearest, schema)))


def repair_request(problems: Sequence[str]) -> str:
    """What a model is told whose answer does not validate."""
    listed = "\n".join(f"- {problem}" for problem in problems)
    return (f"Your answer cannot be used:\n{listed}\n"
            "Answer again with the whole JSON object, corrected, and with nothing before or after it.")


def _sentences(value: Json, schema: Schema) -> Iterator[str]:
    violations = schema.violations(value, limit=_TOLD_PROBLEMS + 1)
    for violation in violations[:_TOLD_PROBLEMS]:
        hint = f" ({violation.hint})" if violation.hint else ""
        yield f"{path_text(violation.path)}: {violation.message}{hint}"
    if len(violations) > _TOLD_PROBLEMS:
        yield "and more"


def _values(text: str) -> list[_Found]:
    """The values in a text, in their order: the whole text, what its one fence holds, or those in its prose."""
    fence = _FENCED.fullmatch(text)
    for whole in (text, fence[1] if fence is not None else ""):
        if whole:
            try:
                return [_Found(_checked(_DECODER.decode(whole)), len(whole))]
            except _Refused:
                raise
            except (ValueError, RecursionError):
                continue
    return list(_values_in_prose(text))


def _values_in_prose(text: str) -> Iterator[_Found]:
    """The objects and arrays that stand in a text, none inside another."""
    work = _WORK_PER_CHARACTER * len(text)
    false_starts = 0
    opening = _OPENING.search(text)
    while opening is not None and work > 0 and false_starts < _MOST_FALSE_STARTS:
        start = opening.start()
        try:
            value, end = _DECODER.raw_decode(text, start)
            yield _Found(_checked(value), end - start)
        except json.JSONDecodeError as error:
            end, false_starts = start + 1, false_starts + 1
            # A string without end is reported at its beginning, after the rest of the text has been read.
            work -= len(text) - start if error.msg.startswith("Unterminated") else error.pos - start
        except (ValueError, RecursionError) as error:
            if isinstance(error, _Refused):
                raise
            end, false_starts = start + 1, false_starts + 1
            work -= len(text) - start
        work -= 1
        opening = _OPENING.search(text, end)


def _why_none(text: str) -> str:
    if not text.strip():
        return "there is no answer, only an empty text"
    opening = _OPENING.search(text)
    if opening is None:
        return "there is no JSON object in the answer"
    try:
        _DECODER.raw_decode(text, opening.start())
    except json.JSONDecodeError as error:
        return f"the JSON is not valid: {error.msg.lower()}, line {error.lineno} column {error.colno} of the answer"
    except RecursionError:
        pass
    except ValueError:
        return "a number in the JSON has too many digits"
    return "the JSON is nested too deeply"


def _checked(root: Json) -> Json:
    """The value, if it is one that can be kept. Raises _Refused."""
    waiting: list[tuple[Json, int]] = [(root, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, dict | list):
            if depth > DEEPEST_ANSWER:
                raise _Refused(f"the JSON is nested deeper than {DEEPEST_ANSWER} levels")
            if isinstance(value, dict):
                for key in value:
                    _check_text(key)
            parts = value.values() if isinstance(value, dict) else value
            waiting.extend((part, depth + 1) for part in parts)
    return root


def _check_text(text: str) -> None:
    if not text.isascii() and _HALF_CHARACTER.search(text) is not None:
        raise _Refused("a text in the JSON holds half a character (a lone surrogate)")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise _Refused(f"the number {text[:20]} is too large")
    return number


def _refuse_constant(name: str) -> Json:
    raise _Refused(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse_constant)
