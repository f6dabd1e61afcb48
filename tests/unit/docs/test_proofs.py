"""tests/PROOFS.md names tests that exist, and something for every promise."""

from __future__ import annotations

import re

import pytest

from tests.support.program import ROOT

PAGE = (ROOT / "tests" / "PROOFS.md").read_text(encoding="utf-8")
ROWS = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| ")]
PROMISES = [(row[0].strip(), re.findall(r"`([^`]+)::([^`]+)`", row[1])) for row in ROWS if row[1].strip() not in ("proof", "---")]


@pytest.mark.parametrize(("promise", "proofs"), PROMISES)
def test_every_promise_has_tests_that_exist(promise: str, proofs: list[tuple[str, str]]) -> None:
    assert proofs, promise
    for file, name in proofs:
        assert re.search(rf"^ *def {re.escape(name)}\(", (ROOT / "tests" / file).read_text(encoding="utf-8"), re.MULTILINE), name


def test_the_page_is_read() -> None:
    assert len(PROMISES) > 50
