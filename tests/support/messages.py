"""Finds the messages that a source file can produce: calls that take a problem code and a text, as patterns."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_MAKERS = frozenset({"error", "warning", "Problem", "Flaw", "FileFlaw", "_problem"})


class Message(NamedTuple):
    """A call that makes a problem: its code, and its text with holes."""

    file: str
    line: int
    pattern: str


def find_messages(source: Path) -> Iterator[Message]:
    """Every call with a literal code and a literal or interpolated text."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or len(node.args) < 2:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        code, text = node.args[:2]
        if name in _MAKERS and isinstance(code, ast.Constant) and isinstance(code.value, str):
            yield Message(source.name, node.lineno, rf"\[{re.escape(code.value)}\]: {_pattern(text)}")


def _pattern(text: ast.expr) -> str:
    if isinstance(text, ast.JoinedStr):
        return "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".*" for part in text.values)
    if isinstance(text, ast.Constant):
        return re.escape(str(text.value))
    return ".+"


def is_shown(message: Message, shown: str) -> bool:
    """Whether some line of the answers is this message."""
    return re.search(message.pattern, shown) is not None
