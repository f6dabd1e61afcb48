"""docs/security.md names defences that are there, and tests that prove them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.pages import Page

ROOT = Path(__file__).resolve().parents[3]
ROWS = Page("../security.md").rows("threat", "what happens", "where", "proven by")
PROOFS = [re.findall(r"`([\w/.]+)::(\w+)`", f"`{row[3]}`") for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:40] for row in ROWS])
def test_a_defence_is_where_the_page_says(row: list[str]) -> None:
    places = re.findall(r"[\w/.]+/[\w.]*", row[2])
    assert places and [place for place in places if not (ROOT / place).exists()] == []


@pytest.mark.parametrize("proofs", PROOFS, ids=[row[0][:40] for row in ROWS])
def test_a_defence_is_proven_by_tests_that_are_there(proofs: list[tuple[str, str]]) -> None:
    assert proofs
    for file, name in proofs:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, (file, name)


def test_no_file_of_security_tests_is_left_out() -> None:
    named = {file for proofs in PROOFS for file, _ in proofs}
    assert {str(path.relative_to(ROOT)) for path in ROOT.glob("tests/security/test_*.py")} <= named
