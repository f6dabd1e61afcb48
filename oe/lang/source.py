"""From what a file holds to a text that can be parsed: encoding, byte-order mark, line ends, size. Knows no syntax."""

from __future__ import annotations

import re
from typing import NoReturn

from oe.diagnostics import Problem, Span
from oe.errors import SpecError
from oe.lang.document import Positions

MAX_SIZE = 16 * 1024 * 1024
"""Characters (or bytes) of a text."""

MAX_DEPTH = 128
"""Levels of nesting, aliases expanded: what comes after may recurse over the value."""

_ALLOWED_BYTES = bytes([9, 10, *range(32, 127)])
_NO_TEXT = "this is no text file, or one in an encoding that nothing tells"
_FORBIDDEN = "[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"


def prepare(data: str | bytes, name: str, language: str) -> str:
    """The text with line feeds alone as line ends and without a byte-order mark; lines and columns stay as they were.

    `language` (`yaml`, `json`) begins the problem codes. Raises SpecError for what is no text, or too long a one.
    """
    if len(data) > MAX_SIZE:
        _refuse(Span(name, 1, 1), f"{language}-size", f"the text is longer than {MAX_SIZE // 1024 // 1024} MiB")
    text = data if isinstance(data, str) else _decode(data, name, language)
    if text.startswith("\ufeff"):
        text = text[1:]
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii() or text.encode("ascii").translate(None, _ALLOWED_BYTES):
        match = re.search(_FORBIDDEN, text)
        if match:
            _refuse_character(name, text, match.start(), language)
    return text


def encoding_of(data: bytes) -> str:
    """The encoding that the first bytes of a text tell: what YAML 1.2 asks its readers to know, UTF-8 where there is no
    byte-order mark."""
    if data[:4] in (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff"):
        return "utf-32"
    return "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"


def _decode(data: bytes, name: str, language: str) -> str:
    encoding = encoding_of(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, "replace").removeprefix("\ufeff")
        _refuse(Positions(name, before).span(len(before)), f"{language}-encoding",
                f"not {encoding.upper()}: byte 0x{data[error.start]:02x} ({error.reason})",
                _NO_TEXT if encoding == "utf-8" and 0 in data else "save the file as UTF-8")


def _refuse_character(name: str, text: str, offset: int, language: str) -> NoReturn:
    code = ord(text[offset])
    if code == 0xFEFF:
        what, hint = "byte-order mark inside the text", "remove the invisible character U+FEFF"
    elif 0xD800 <= code <= 0xDFFF:
        what, hint = f"lone surrogate U+{code:04X}", "write the whole character"
    elif not code:
        what, hint = "control character U+0000", _NO_TEXT
    else:
        what = f"control character U+{code:04X}"
        hint = f'in a double-quoted string it can be written "\\u{code:04x}"'
    _refuse(Positions(name, text).span(offset), f"{language}-control-character", what, hint)


def _refuse(span: Span, code: str, message: str, hint: str | None = None) -> NoReturn:
    raise SpecError([Problem(code, message, span, hint)])
