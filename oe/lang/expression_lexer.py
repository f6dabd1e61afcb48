"""The tokens of an expression. Written by hand: compiling a regular expression would cost more than reading one."""

from __future__ import annotations

from typing import NamedTuple

from oe.lang import literal
from oe.lang.errors import LangError
from oe.lang.reference import Reference, scan_reference
from oe.values import Json

_WORDS = {"and": "and", "or": "or", "not": "not", "in": "in"}
_PAIRS = {"==": "==", "!=": "!=", "<=": "<=", ">=": ">=", "&&": "and", "||": "or"}
_SINGLES = {"<": "<", ">": ">", "+": "+", "-": "-", "*": "*", "/": "/", "%": "%", "!": "not", "(": "(", ")": ")",
            "[": "[", "]": "]", ",": ",", ".": "."}
_SLIPS = {"===": "==", "!==": "!=", "<>": "!=", "=>": ">=", "=<": "<=", "**": "*", "//": "/"}
_SINGLE_SLIPS = {"=": "write == to compare", "&": "write && or 'and'", "|": "write || or 'or'",
                 "?": "write ?? after a path for its default", "{": "a condition stands without braces",
                 "`": "write a text in single or double quotes",
                 **dict.fromkeys("\u2018\u2019\u201c\u201d", "write a text in straight quotes: 'text'")}


class Token(NamedTuple):
    """`kind` is 'operator' (its standard form in `text`), 'name', 'literal', 'reference' or 'end'."""

    kind: str
    text: str
    offset: int
    value: Json | Reference = None


def tokens(text: str) -> list[Token]:
    """The tokens of the text, the last one of kind 'end'. Raises LangError."""
    found: list[Token] = []
    position = literal.skip_space(text, 0)
    while position < len(text):
        token, position = _token(text, position)
        found.append(token)
        position = literal.skip_space(text, position)
    found.append(Token("end", "", len(text)))
    return found


def _token(text: str, start: int) -> tuple[Token, int]:
    character = text[start]
    if character == "$":
        reference, end = scan_reference(text, start)
        return Token("reference", reference.text, start, reference), end
    if literal.is_name_start(character):
        return _word(text, start)
    if character in literal.DIGITS:
        number, end = literal.scan_number(text, start)
        return Token("literal", text[start:end], start, number), end
    if character in ("'", '"'):
        string, end = literal.scan_string(text, start)
        return Token("literal", text[start:end], start, string), end
    return _operator(text, start)


def _word(text: str, start: int) -> tuple[Token, int]:
    end = literal.name_end(text, start)
    word = text[start:end]
    if word in _WORDS:
        return Token("operator", word, start), end
    if word in literal.CONSTANTS:
        return Token("literal", word, start, literal.CONSTANTS[word]), end
    return Token("name", word, start), end


def _operator(text: str, start: int) -> tuple[Token, int]:
    for length in (3, 2):
        written = text[start: start + length]
        if written in _SLIPS:
            raise LangError(f"unknown operator '{written}'", start, f"write {_SLIPS[written]}")
    pair = text[start: start + 2]
    if pair in _PAIRS:
        return Token("operator", _PAIRS[pair], start), start + 2
    character = text[start]
    if character in _SINGLES:
        return Token("operator", _SINGLES[character], start), start + 1
    if character in _SINGLE_SLIPS:
        raise LangError(f"unexpected '{character}'", start, _SINGLE_SLIPS[character])
    shown = character if character.isprintable() else f"\\x{ord(character):02x}"
    raise LangError(f"unexpected '{shown}'", start)
