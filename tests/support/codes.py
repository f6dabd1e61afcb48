"""The stable codes of problems and errors, gathered from the source: what documentation must name, each of them.

A code is a text in kebab-case where the product hands one on: to a reporter, as `code=`, as the default of a parameter
`code`, as a class's `code`, in a row of a table of faults, or in a closed set of them (`ModelFault`, `HttpFault`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]

_CODE = re.compile(r"[a-z]+(-[a-z]+)*")
_KEBAB = re.compile(r"[a-z]+(-[a-z]+)+")
_CODE_FIRST = frozenset({"error", "warning", "fail", "report", "warn", "_report", "_problem", "Problem", "Flaw", "FileFlaw",
                         "_fault", "Verdict"})
"""Callables whose first argument is a code."""

_CODE_LATER = frozenset({"_add", "_refuse", "SchemaProblem", "data_fault"})
_ROWS = frozenset({"store/faults.py", "lang/schema_faults.py"})
"""Files that hold codes in tuples."""

_LANGUAGES = ("yaml", "json")


class Use(NamedTuple):
    """One place that hands a code on: `by` is the name of what it calls, '' elsewhere; `is_final` for a failed attempt
    that is not tried again."""

    place: str
    by: str
    is_final: bool


FAULTS = ("ModelFault", "HttpFault")
"""Closed sets whose errors decide by themselves whether they last."""


def codes_of(*places: str) -> dict[str, list[Use]]:
    """Every code in these files and folders, with its uses."""
    found: dict[str, list[Use]] = {}
    for path in (path for place in places for path in _files(ROOT / place)):
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for value in _handed_on(node, holds_rows=name.removeprefix("oe/") in _ROWS):
                for code in _texts(value):
                    found.setdefault(code, []).append(Use(f"{name}:{value.lineno}", _callee(node), _is_final(node)))
    return found


def _files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(place.rglob("*.py"))


def _handed_on(node: ast.AST, *, holds_rows: bool) -> Iterator[ast.expr]:
    """The expressions of a node that are codes, as far as they are texts."""
    if isinstance(node, ast.Call):
        if _callee(node) in _CODE_FIRST:
            yield from node.args[:1]
        if _callee(node) in _CODE_LATER:
            yield from (each for each in node.args if _is_kebab(each))
        yield from (each.value for each in node.keywords if each.arg == "code")
    elif isinstance(node, ast.Assign):
        if any(getattr(target, "attr", getattr(target, "id", "")) == "code" for target in node.targets):
            yield node.value
    elif isinstance(node, ast.FunctionDef):
        names = [each.arg for each in node.args.args]
        pairs = zip(reversed(names), reversed(node.args.defaults), strict=False)
        yield from (default for name, default in pairs if name == "code")
    elif isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Subscript) and _is_fault(node):
        yield from getattr(node.value.slice, "elts", ())
    elif isinstance(node, ast.Tuple) and holds_rows:
        yield from (each for each in node.elts if _is_kebab(each))


def _is_fault(node: ast.AnnAssign) -> bool:
    return isinstance(node.target, ast.Name) and node.target.id in FAULTS


def _callee(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    is_warning = name == "Problem" and any(isinstance(each, ast.Constant) and each.value == "warning" for each in node.args)
    return "warning" if is_warning else str(name)


def _is_final(node: ast.AST) -> bool:
    if isinstance(node, ast.FunctionDef) or _callee(node) in ("data_fault", "_fault"):
        return True
    return isinstance(node, ast.Call) and any(
        each.arg == "retryable" and ast.unparse(each.value) == "False" for each in node.keywords)


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
