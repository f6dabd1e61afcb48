"""The examples that ask models, run by the real program from their recordings: no network, no key, the expected result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.examples import REPLAYED, copy_example, statuses
from tests.support.program import Program


@pytest.mark.parametrize("name", REPLAYED)
def test_an_example_runs_from_its_recording_and_says_so(program: Program, tmp_path: Path, name: str) -> None:
    example = copy_example(name, tmp_path)
    result = program.run("run", example, "--json")
    assert (result.exit_code, result.json()["status"]) == (0, "success"), result.stderr
    assert result.json()["state"] == json.loads((example / "expected.json").read_text(encoding="utf-8"))
    assert result.json()["totals"]["cost_usd"] == 0
    assert "no model is asked: answers are replayed from" in result.stderr
    assert "no model is asked" not in program.run("run", example).stderr  # everything comes from the cache


@pytest.mark.parametrize(("file", "answered"), [("how", "look_up"), ("wish", "estimate"), ("crash", "reproduce")])
def test_an_issue_goes_the_way_of_its_kind(program: Program, tmp_path: Path, file: str, answered: str) -> None:
    example = copy_example("issue-triage", tmp_path)
    found = statuses(program.run("run", example, "--json", "--arg", f"file=./issues/{file}.md"))
    ways = {"reproduce", "look_up", "estimate"}
    assert {name for name in ways if found[name] == "success"} == {answered}
    assert found["reply"] == "success"


def test_a_question_that_was_not_recorded_is_not_answered(program: Program, tmp_path: Path) -> None:
    example = copy_example("agent-echo", tmp_path)
    result = program.run("run", example, "--arg", "sentence=Something else.")
    assert result.exit_code == 1
    assert "does not hold this call of 'echo'" in result.stderr
    assert "in the nearest, on line 2 for 'echo', the message 1 differs from character" in result.stderr
    assert "Something else" not in result.stderr and "The build is green" not in result.stderr
