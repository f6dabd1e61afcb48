"""Every message of the front end, exactly as it is shown, and none that is never shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.front_end import answer
from tests.support.messages import find_messages, is_shown

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CASES = sorted(HERE.glob("*.yaml"))
SOURCES = sorted([*(ROOT / "oe/spec").rglob("*.py"),
                  *(ROOT / f"oe/kinds/{name}.py" for name in ("agent", "skill", "experience", "cli_agent",
                                                              "structured_output"))])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_answer(case: Path) -> None:
    expected = case.with_suffix(".out")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(answer(case), encoding="utf-8")
    assert answer(case) == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_name_of_a_case_says_which_code_it_shows(case: Path) -> None:
    code = case.stem.partition("--")[0]
    if code in ("clean", "child-arguments", "schema-problems"):
        return
    assert f"[{code}]" in case.with_suffix(".out").read_text(encoding="utf-8")


def test_every_message_of_the_source_is_shown() -> None:
    shown = "".join(case.with_suffix(".out").read_text(encoding="utf-8") for case in CASES)
    messages = [message for source in SOURCES for message in find_messages(source)]
    assert len(messages) > 60
    missing = [f"{message.file}:{message.line}: {message.pattern}" for message in messages
               if not is_shown(message, shown)]
    assert not missing, "no golden file shows:\n" + "\n".join(missing)


def test_every_answer_has_its_question() -> None:
    assert {case.stem for case in CASES} == {answered.stem for answered in HERE.glob("*.out")}
