"""JSON texts to positioned documents: RFC 8259 to the letter, and each key once.

The standard library's parser finds the value; the places of its parts are looked for when one is first asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from math import isfinite
from typing import NoReturn

from oe.diagnostics import Problem
from oe.errors import SpecError
from oe.lang.document import KEY_SHIFT, Document, Places, Positions
from oe.lang.source import MAX_DEPTH, prepare
from oe.text import clip, neutralise
from oe.values import Json

_TOKEN = re.compile(r'"((?>(?:[^"\\]++|\\.)*))"|([\[\]{},:])|([^\s\[\]{},:"]++)', re.DOTALL)
_WORD = re.compile(r"[A-Za-z_][\w.-]*")
_WORDS = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false", "None": "null", "Null": "null",
          "NULL": "null", "nil": "null", "undefined": "null"}
_STRING, _MARK = 1, 2  # groups of _TOKEN; the third is a literal


def read_json(text: str | bytes, name: str = "<string>") -> Document:
    """The value of a JSON text. Raises SpecError for what RFC 8259 does not allow, for keys that come twice, numbers
    that are not finite, lone surrogates, and too deep nesting."""
    source = prepare(text, name, "json")
    repeated = False

    def as_object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        nonlocal repeated
        values = dict(pairs)
        repeated = repeated or len(values) < len(pairs)
        return values

    try:
        value: Json = json.loads(source, object_pairs_hook=as_object, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        message = error.msg[:1].lower() + error.msg[1:]
        hint = _syntax_hint(source, error.pos)
        raise SpecError([Problem("json-syntax", message, Positions(name, source).span(error.pos), hint)]) from error
    except (ValueError, RecursionError) as error:
        raise SpecError(_Scan(source, name).problems) from error
    if repeated or "\\u" in source or not _is_bounded(value):
        problems = _Scan(source, name).problems
        if problems:
            raise SpecError(problems)
    start = len(source) - len(source.lstrip(" \t\n"))
    return Document(name, source, value, start=start, places=_finder(source, name, value))


def _syntax_hint(source: str, position: int) -> str | None:
    """What to do about a fault of the grammar, where the text at it shows what was meant."""
    rest, before = source[position:].lstrip(), source[:position].rstrip()
    if not rest:
        return "the text ends before all that is open is closed" if before else "the text is empty"
    if rest[0] in "]}" and before.endswith(","):
        return "take out the comma before it"
    if rest[0] == "'":
        return "write texts in double quotes"
    if rest.startswith(("//", "/*", "#")):
        return "JSON has no comments"
    word = _WORD.match(rest)
    if word is None:
        return None
    if word[0] in _WORDS:
        return f"write {_WORDS[word[0]]}"
    if rest[word.end():].lstrip().startswith(":"):
        return f'write keys in double quotes: "{clip(word[0], 40)}"'
    return "write texts in double quotes"  # without it: the value may be an argument that is a secret


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(word)


def _is_bounded(value: Json) -> bool:
    """Whether nesting and numbers are within bounds; level by level, so that no depth can exhaust the stack."""
    level: list[Json] = [value]
    for _ in range(MAX_DEPTH + 1):
        if not all(isfinite(part) for part in level if isinstance(part, float)):
            return False
        level = [child for part in level for child in _children(part)]
        if not level:
            return True
    return False


def _children(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _finder(source: str, name: str, value: Json) -> Callable[[], Places]:
    def find() -> Places:
        return {id(container): places
                for container, places in zip(_containers(value), _Scan(source, name).places, strict=True)}
    return find


def _containers(value: Json) -> Iterator[Json]:
    """The collections of a value in the order in which they open in the text."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (dict, list)):
            yield part
            waiting.extend(reversed(_children(part)))


class _Scan:
    """A walk over the tokens of a text: the places of its parts, and the faults that the parser does not tell."""

    def __init__(self, source: str, name: str) -> None:
        self.places: list[dict[str, int] | list[int]] = []
        self.problems: list[Problem] = []
        self._positions = Positions(name, source)
        self._open: list[dict[str, int] | list[int]] = []
        self._key: tuple[str, int] | None = None
        for match in _TOKEN.finditer(source):
            if match.lastindex == _MARK:
                self._take_mark(match[2], match.start())
                if len(self._open) > MAX_DEPTH:
                    self._report("json-depth", match.start(), f"nested deeper than {MAX_DEPTH} levels")
                    break
            elif match.lastindex == _STRING:
                self._take_string(match)
            elif not self._take_literal(match[0], match.start()):
                break  # the parser stopped here too: what follows may be anything

    def _take_mark(self, mark: str, offset: int) -> None:
        if mark in "[{":
            self._place(offset)
            container: dict[str, int] | list[int] = [] if mark == "[" else {}
            self.places.append(container)
            self._open.append(container)
            self._key = None
        elif mark in "]}":
            self._open.pop()
        elif mark == ",":
            self._key = None

    def _take_string(self, match: re.Match[str]) -> None:
        offset = match.start()
        text = match[1]
        if "\\" in text:
            text = str(json.loads(match[0]))
            if re.search("[\ud800-\udfff]", text):
                self._report("json-surrogate", offset, "the string holds half of a surrogate pair",
                             "write the whole character, or both halves")
        container = self._open[-1] if self._open else None
        if not isinstance(container, dict) or self._key is not None:
            self._place(offset)
            return
        if text in container:
            self._report("json-duplicate-key", offset, f"key '{neutralise(clip(text, 60))}' is here a second time",
                         f"the first is on line {self._positions.span(container[text] >> KEY_SHIFT).line}")
        self._key = text, offset

    def _place(self, offset: int) -> None:
        container = self._open[-1] if self._open else None
        if isinstance(container, list):
            container.append(offset)
        elif container is not None and self._key is not None:
            container[self._key[0]] = self._key[1] << KEY_SHIFT | offset

    def _take_literal(self, text: str, offset: int) -> bool:
        """Take a number or word; False for one that the parser refuses."""
        self._place(offset)
        if text in ("true", "false", "null"):
            return True
        if text in ("NaN", "Infinity", "-Infinity"):
            self._report("json-number", offset, f"'{text}' is no JSON number")
            return False
        try:
            readable, finite = True, isfinite(float(text)) if set(text) & set(".eE") else int(text) is not None
        except ValueError:  # more digits than the interpreter converts
            readable = finite = False
        if not finite:
            self._report("json-number", offset, f"the number '{clip(text, 20)}' is too large")
        return readable

    def _report(self, code: str, offset: int, message: str, hint: str | None = None) -> None:
        self.problems.append(Problem(code, message, self._positions.span(offset), hint))
