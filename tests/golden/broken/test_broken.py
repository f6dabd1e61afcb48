"""Experiences as people break them: each is refused at the right line and column, with the way out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.front_end import answer

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/experience.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_answer(case: Path) -> None:
    expected = case / "expected.out"
    found = answer(case / "experience.yaml")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused_with_a_position(case: Path) -> None:
    *problems, verdict = (case / "expected.out").read_text(encoding="utf-8").splitlines()
    assert verdict == "refused"
    assert all(problem.startswith("experience.yaml:") for problem in problems)
    assert any(": error[" in problem for problem in problems)


def test_there_are_twenty_five() -> None:
    assert len(CASES) >= 25
