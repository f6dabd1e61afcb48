"""docs/reference/errors.md names every code of the product, and none that there is not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

import oe.errors
from oe.app.experiences import read_experience
from oe.errors import OeError
from oe.lang.errors import LangError
from oe.ports.http import HttpError, HttpFault
from oe.ports.model import ModelError, ModelFault
from tests.support.codes import ROOT, Use, codes_of
from tests.support.pages import Page

PAGE = Page("errors.md")
CODES = codes_of("oe")
PROBLEMS = {row[0]: row[1] for row in PAGE.rows("code", "severity", "what")}
VALUES = {row[0] for row in PAGE.rows("code", "what")}
COMMANDS = {row[0]: int(row[1]) for row in PAGE.rows("code", "exit code", "what")}
NODES = {row[0]: row[1] for row in PAGE.rows("code", "tried again", "what")}
TEXTS = {row[0] for row in Page("yaml.md").rows("code", "what", "such as")}
CLASSES = {each.__name__: each for each in [*vars(oe.errors).values(), LangError]
           if isinstance(each, type) and issubclass(each, OeError)}


def test_every_code_is_named() -> None:
    named = PROBLEMS.keys() | VALUES | COMMANDS.keys() | NODES.keys() | TEXTS
    missing = {code: [use.place for use in uses] for code, uses in CODES.items() if code not in named}
    assert not missing, "docs/reference/errors.md must say what these mean"


def test_no_code_is_named_that_there_is_not() -> None:
    assert sorted((PROBLEMS.keys() | VALUES | COMMANDS.keys() | NODES.keys() | TEXTS) - CODES.keys()) == []


def test_the_tables_are_in_order() -> None:
    for table in (PROBLEMS, COMMANDS, NODES):
        assert list(table) == sorted(table)


def test_warnings_are_what_is_told_as_one() -> None:
    told = {code for code, uses in CODES.items() if any(use.by in ("warning", "warn") for use in uses)}
    assert {code for code, severity in PROBLEMS.items() if severity == "warning"} == told
    assert set(PROBLEMS.values()) == {"error", "warning"}


def raised_as(code: str) -> set[str]:
    """The classes of errors that carry the code."""
    made = {use.by for use in CODES[code] if use.by in CLASSES}
    own = {name for name, each in CLASSES.items() if each.code == code and "code" in vars(each)}
    return made | own | ({"StoreError"} if code.startswith("store-") else set())


def test_exit_codes_are_those_of_the_errors() -> None:
    exits = {code: {int(CLASSES[name].exit_code) for name in raised_as(code)} for code in COMMANDS}
    exits["unreadable"] = {3}  # given where it is raised; see the next test
    exits["cancelled"] = {130}
    exits["invalid-template"] = exits["invalid-expression"]  # the code is set on an error that was caught
    assert exits == {code: {exit_code} for code, exit_code in COMMANDS.items()}


def test_an_unreadable_file_ends_as_the_table_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "experience.yaml").touch()
    monkeypatch.setattr("oe.app.experiences.open", refuse, raising=False)
    with pytest.raises(OeError) as caught:
        read_experience(str(tmp_path))
    assert (caught.value.code, int(caught.value.exit_code)) == ("unreadable", COMMANDS["unreadable"])


def is_of_a_node(use: Use) -> bool:
    return use.by in ("NodeError", "Verdict", "data_fault", "_fault") or (not use.by and use.is_final)


def test_what_is_tried_again_is_what_the_table_says() -> None:
    words = {frozenset({True}): "no", frozenset({False}): "yes", frozenset({True, False}): "either"}
    found = {code: words[finals] for code, uses in CODES.items()
             if (finals := frozenset(use.is_final for use in uses if is_of_a_node(use)))}
    lasting = {True: "yes", False: "no"}
    for code in get_args(ModelFault):
        found[code] = lasting[ModelError(code, "").retryable]
    for code in get_args(HttpFault):
        found[code] = lasting[HttpError(code, "").retryable]
    depends = dict.fromkeys(("node-failed", "model-garbled", "model-unreachable", "http-unreachable"), "either")
    assert found | depends == NODES


def test_every_code_that_a_golden_answer_shows_is_named() -> None:
    answers = [path.read_text(encoding="utf-8") for path in (ROOT / "tests/golden").rglob("*.out")]
    shown = {code for text in answers for code in re.findall(r"\[([a-z]+(?:-[a-z]+)+)\](?:$|:| at )", text, re.MULTILINE)}
    assert len(shown) > 80
    assert sorted(shown - PROBLEMS.keys() - VALUES - COMMANDS.keys() - NODES.keys() - TEXTS) == []
