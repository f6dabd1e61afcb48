"""Reads pages of docs/ as data: tables by their head, fenced blocks by their language. What a page says can be tested."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CELL_END = re.compile(r"(?<!\\)\|")


class Block(NamedTuple):
    """A fenced block."""

    language: str
    text: str


class Page:
    """One page of the reference."""

    def __init__(self, name: str) -> None:
        self.text = (REFERENCE / name).read_text(encoding="utf-8")

    def blocks(self, *languages: str) -> list[Block]:
        """The blocks of these languages, in order."""
        return [Block(kind, text) for kind, text in _BLOCK.findall(self.text) if kind in languages]

    def rows(self, *head: str) -> list[list[str]]:
        """The rows of every table whose head is this, cells without their back-quotes. There is at least one row."""
        found = [cells for table in self._tables() if table[0] == list(head) for cells in table[2:]]
        assert found, f"no table with the head {head}"
        assert all(len(cells) == len(head) for cells in found), [cells for cells in found if len(cells) != len(head)]
        return found

    def section(self, title: str) -> str:
        """The text from a heading to the next of its level or above."""
        match = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,2}} |\Z)", self.text, re.MULTILINE | re.DOTALL)
        assert match is not None, title
        return match[2]

    def _tables(self) -> Iterator[list[list[str]]]:
        table: list[list[str]] = []
        for line in [*_BLOCK.sub("", self.text).splitlines(), ""]:
            if line.startswith("|"):
                table.append([_plain(cell) for cell in _CELL_END.split(line)[1:-1]])
            elif table:
                yield table
                table = []


def _plain(cell: str) -> str:
    text = cell.strip().replace("\\|", "|")
    return text[1:-1] if text[:1] == "`" == text[-1:] and text.count("`") == 2 else text


def literal(cell: str) -> str | bytes:
    """A text or bytes as a page writes them: a Python literal, with `*` and `+` for long ones (`"[" * 200 + "]"`)."""
    value = _evaluated(ast.parse(cell, mode="eval").body)
    assert isinstance(value, str | bytes)
    return value


def _evaluated(node: ast.expr) -> str | bytes | int:
    if isinstance(node, ast.BinOp):
        left, right = _evaluated(node.left), _evaluated(node.right)
        if isinstance(node.op, ast.Mult) and isinstance(left, str) and isinstance(right, int):
            return left * right
        assert isinstance(node.op, ast.Add) and isinstance(left, str) and isinstance(right, str)
        return left + right
    value = ast.literal_eval(node)
    assert isinstance(value, str | bytes | int)
    return value
