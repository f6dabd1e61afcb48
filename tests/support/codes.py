"""The stable codes of problems and errors, gathered from the source: what documentation must name, each of them.

A code is a text in kebab-case where the product hands one on: to a reporter, as `code=`, as a class's `code`, or as the
first part of a row of a table of faults.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_CODE = re.compile(r"[a-z]+(-[a-z]+)*")
_KEBAB = re.compile(r"[a-z]+(-[a-z]+)+")
_REPORTERS = frozenset({"error", "warning", "fail", "report", "warn", "_report", "_add", "_problem", "Problem", "Flaw",
                        "FileFlaw", "SchemaProblem", "data_fault"})
_ROWS = frozenset({"store/faults.py", "lang/schema_faults.py"})
"""Files that hold codes in tuples."""

_LANGUAGES = ("yaml", "json")


def codes_of(*places: str) -> dict[str, list[str]]:
    """Every code in these files and folders with the places (`oe/x.py:12`) that hand it on."""
    found: dict[str, list[str]] = {}
    for path in (path for place in places for path in _files(ROOT / place)):
        for line, code in _codes(path):
            found.setdefault(code, []).append(f"{path.relative_to(ROOT)}:{line}")
    return found


def _files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(place.rglob("*.py"))


def _codes(path: Path) -> Iterator[tuple[int, str]]:
    holds_rows = path.relative_to(ROOT / "oe").as_posix() in _ROWS
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for value in _handed_on(node, holds_rows=holds_rows):
            for code in _texts(value):
                yield value.lineno, code


def _handed_on(node: ast.AST, *, holds_rows: bool) -> Iterator[ast.expr]:
    """The expressions of a node that are codes, as far as they are texts."""
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _REPORTERS or name == "_refuse":
            yield from (each for each in node.args if _is_kebab(each))
        yield from (each.value for each in node.keywords if each.arg == "code")
    elif isinstance(node, ast.Assign):
        if any(getattr(target, "attr", getattr(target, "id", "")) == "code" for target in node.targets):
            yield node.value
    elif isinstance(node, ast.Tuple) and holds_rows:
        yield from (each for each in node.elts if _is_kebab(each))


def _is_kebab(node: ast.expr) -> bool:
    return any(_KEBAB.fullmatch(text) for text in _texts(node))


def _texts(node: ast.expr) -> list[str]:
    """The code that an expression is; two where it begins with the language of a text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value] if _CODE.fullmatch(node.value) else []
    if isinstance(node, ast.JoinedStr) and ast.unparse(node).startswith("f'{language}-"):
        rest = ast.unparse(node).removeprefix("f'{language}").removesuffix("'")
        return [language + rest for language in _LANGUAGES]
    return []
