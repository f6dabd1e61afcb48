"""Problems with their source line: the caret stands under what is meant, whatever the line holds."""

from __future__ import annotations

import pytest

from oe.diagnostics import Problem, Span
from oe.render.problems import problem_lines, summary


def plain(text: str, _: str) -> str:
    return text


def shown(line: str, column: int) -> tuple[str, str]:
    """The source line and the carets as they are printed, without margin."""
    lines = problem_lines(Problem("code", "message", Span("f", 1, column)), [line], plain)
    assert lines[0] == f"f:1:{column}: error: message [code]"
    return lines[1].removeprefix("   1 | "), lines[2].removeprefix("     | ")


@pytest.mark.parametrize(("line", "column", "carets"), [
    ("neds: [a]", 1, "^^^^"),
    ("  when: $.a == b", 9, "        ^^^"),
    ('x: "two words", y', 4, "   ^^^^^^^^^^^"),
    ("x: 'it', y", 4, "   ^^^^"),
    ("{a: b}", 1, "^"),
    ("short", 50, "     ^"),
    ("日本: x", 1, "^^^^"),
    ("日本: x", 5, "      ^"),
    ("a\u0301b: x", 1, "^^"),
    ("\tx: y", 2, " ^"),
])
def test_the_caret_marks_the_word(line: str, column: int, carets: str) -> None:
    assert shown(line, column) == (line.replace("\t", " "), carets)


def test_a_long_line_is_shown_around_the_place() -> None:
    line = "a" * 500 + " HERE " + "b" * 500
    text, carets = shown(line, 502)
    assert len(text) <= 110
    assert text[carets.index("^"):].startswith("HERE")
    assert carets.strip() == "^^^^"


def test_a_line_cannot_steer_the_terminal() -> None:
    text, carets = shown("\x1b[2J: HERE", 7)
    assert text == "\\x1b[2J: HERE"
    assert text[carets.index("^"):] == "HERE"


@pytest.mark.parametrize("line", ["\x7fELF\x02\x01\x01" + "\0" * 40 + "text", "\ufffd\ufffdPNG"])
def test_what_is_no_text_is_not_shown(line: str) -> None:
    assert len(problem_lines(Problem("code", "message", Span("f", 1, 3)), [line], plain)) == 1


@pytest.mark.parametrize("source", [[], ["x"], ["x", "  "]])
def test_without_the_line_there_is_no_excerpt(source: list[str]) -> None:
    problem = Problem("code", "message", Span("f", 2, 1), "mend it", "warning")
    assert problem_lines(problem, source, plain) == ["f:2:1: warning: message [code]", "    hint: mend it"]


def test_a_problem_without_place() -> None:
    assert problem_lines(Problem("code", "message"), ["x"], plain) == ["error: message [code]"]


@pytest.mark.parametrize(("severities", "text"), [
    (["error"], "1 error"), (["error", "error", "warning"], "2 errors, 1 warning"), (["warning"] * 2, "2 warnings"), ([], ""),
])
def test_the_summary_counts(severities: list[str], text: str) -> None:
    assert summary([Problem("c", "m", severity=severity) for severity in severities]) == text  # type: ignore[arg-type]
