"""Trees and diagnoses exactly as a person sees them: each case is a moment of a run, its file what is printed then."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

import pytest

from oe.render.tree import ASCII, UNICODE, render_tree
from oe.state.diagnosis import Code, diagnose
from oe.state.snapshot import Snapshot
from oe.text import neutralise
from tests.support.moments import CASES, nested

HERE = Path(__file__).parent


def shown(snapshot: Snapshot) -> str:
    findings = [f"{finding.severity}: {finding.code}: {finding.subject}: {finding.message} ({finding.action})"
                for finding in diagnose(snapshot)]
    return "\n".join([render_tree(snapshot), "", *findings]).rstrip() + "\n"


@pytest.mark.parametrize("name", CASES)
def test_a_moment_is_shown(name: str) -> None:
    text = shown(CASES[name]())
    expected = HERE / f"{name}.out"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["review", "nested"])
def test_a_terminal_gets_lines(name: str) -> None:
    text = render_tree(CASES[name](), style=UNICODE) + "\n"
    expected = HERE / f"{name}.unicode"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


def test_every_answer_has_its_case() -> None:
    assert {path.stem for path in HERE.glob("*.out")} == set(CASES)


def test_every_finding_is_found() -> None:
    found = {finding.code for case in CASES.values() for finding in diagnose(case())}
    assert found == set(get_args(Code))


@pytest.mark.parametrize("name", CASES)
def test_no_line_steers_a_terminal_or_is_endless(name: str) -> None:
    for line in render_tree(CASES[name]()).splitlines():
        assert neutralise(line) == line
        assert len(line) < 500


def test_the_tree_is_ascii_unless_asked() -> None:
    tree = render_tree(nested())
    assert tree.isascii()
    drawn = render_tree(nested(), style=UNICODE)
    for plain, nice in zip(ASCII, UNICODE, strict=True):
        drawn = drawn.replace(nice, plain)
    assert drawn == tree


def test_depth_bounds_what_is_shown() -> None:
    lines = render_tree(nested(), depth=1).splitlines()
    assert [line[:3] for line in lines[1:-2]] == ["|- "] * 2 + ["`- "]
    assert "  `- [running] claude" not in "\n".join(lines)


def test_of_few_units_those_that_go_on_and_failed_come_first() -> None:
    tree = render_tree(CASES["many_units"](), most=4).splitlines()
    assert [line.split(" (")[0] for line in tree[1:5]] == [
        "|- ok n0", "|- failed n3", "|- [running] n200", "|- [running] n299"]
    assert tree[5].startswith("`- ... 296 more: ")
