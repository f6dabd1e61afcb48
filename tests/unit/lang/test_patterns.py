"""Patterns: which are taken, which are refused and why, and where ECMA-262 differs from Python's `re`."""

from __future__ import annotations

import pytest

from oe.errors import OeError
from oe.lang.errors import LangError
from oe.lang.patterns import LONGEST_TEXT, compile_pattern, longest_text, pattern_problem, search
from tests.support.growth import quickest

SAFE = [
    "", "^$", r"\S", r"^\S+$", ".*", "^.*$", r"^\s*$", r"^\s*[a-z]+\s*$", r"^[a-z0-9-]+(\.[a-z0-9-]+)*$",
    r"^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$",
    r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
    r"(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$",
    r"^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d+)?([+-][0-2]\d:[0-5]\d|Z)$",
    "^[0-9a-f]{64}$", r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", r"^(\d{1,3}\.){3}\d{1,3}$",
    r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$", r"^(?=.*[A-Z])(?=.*\d).{8,}$", r"^(a|b)*$", r"^\w+(\s\w+)*$",
    r"^(([a-z]+)(,|$))+$", r"^([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}$", r'^("[^"\\]*(\\.[^"\\]*)*")$', r"a*a*a*b?",
    r"^(?<year>\d{4})-(?<month>\d\d)$", r"^.{1,5000}$", r"^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$",
]
EXPONENTIAL = [
    "(a+)+", "(a*)*", "(a|a)*", "(.*a)*", r"(\w+\s?)*", "(a?b?)*$", "(a|aa)+$", "(a|a?)+$", r"([a-zA-Z]+)*$", "(x+x+)+y",
    r"^(([a-z])+.)+[A-Z]([a-z])+$", r"^([\/\w \.-]*)*\/?$", r"(\d+|\w+)*", r"(.|\s)*x", "(?=(a+)+$)", "(x(a?|b?)y)*z",
    "(a{1,30}){1,30}", "((a{1,10}){1,10}){1,10}", "(a{64}|a{63})*$", "(a?){30}a{30}", "a?" * 30 + "a" * 30, "(a|a)" * 30,
]


@pytest.mark.parametrize("pattern", SAFE)
def test_ordinary_patterns_are_taken(pattern: str) -> None:
    assert pattern_problem(pattern) is None
    assert longest_text(pattern) == LONGEST_TEXT


@pytest.mark.parametrize("pattern", EXPONENTIAL)
def test_patterns_that_can_take_exponential_time_are_refused(pattern: str) -> None:
    assert quickest(lambda: pattern_problem(pattern), most=10) <= 10
    problem = pattern_problem(pattern)
    assert problem is not None
    assert "exponential" in problem[0]
    assert problem[1]


@pytest.mark.parametrize(("pattern", "longest"), [
    ("^a*a*b$", 10_000), ("foo.*bar", 10_000), (r"^[^@]+@[^@]+\.[^@]+$", 10_000), (r"a+$", 10_000),
    ("^.*foo.*bar.*$", 464), ("^a*a*a*a*b$", 100), ("^(?=.*x)(?=a*b)c", LONGEST_TEXT), ("a(?=.*x)b", 10_000),
])
def test_the_text_is_bounded_by_how_the_time_grows(pattern: str, longest: int) -> None:
    assert longest_text(pattern) == longest
    text = ("fooa@." * longest)[:longest]
    assert quickest(lambda: search(pattern, text), most=20) <= 20
    with pytest.raises(OeError, match="too long for this pattern"):
        search(pattern, text + "x")


def test_more_overlapping_repeats_are_refused() -> None:
    problem = pattern_problem("^a*a*a*a*a*b")
    assert problem == ("pattern has 5 repeats in a row that match the same text",
                       "separate them by a character that none of them matches")


@pytest.mark.parametrize(("pattern", "text", "found"), [
    (r"^\d$", "٣", False), (r"^\w$", "é", False), (r"^\s$", "\u00a0", True), (r"^\s$", "\ufeff", True),
    (r"^\S$", "\u2028", False), (r"^[\s]$", "\u3000", True), (r"^[^\S]$", " ", True), (r"^[\D]$", "5", False),
    ("^a$", "a\n", False), ("^.$", "\r", False), ("^.$", "\u2028", False), ("^.$", "🙂", True), (r"^\u{1f642}$", "🙂", True),
    (r"^\ud83d\ude42$", "🙂", True), (r"^\x41\u0042\cJ\0$", "AB\n\0", True), (r"^[\b]$", "\b", True), (r"\bé", "é", False),
    ("^[[]$", "[", True), ("^[]$", "", False), ("^[]", "a", False), ("^[^]$", "\n", True), ("^a{$", "a{", True),
    ("^a]}$", "a]}", True), ("^[a&&b]$", "&", True), ("^[a~~b]$", "~", True), (r"^\/\-\.$", "/-.", True), ("^[-a]$", "-", True),
    ("^(?<n>a)$", "a", True), ("a+?b", "aab", True), ("(?<!x)y", "ay", True), ("(?<!x)y", "xy", False), ("(|a)b", "b", True),
])
def test_patterns_mean_what_ecma_262_says(pattern: str, text: str, found: bool) -> None:
    assert search(pattern, text) is found


@pytest.mark.parametrize(("pattern", "message"), [
    ("(", "'(' is not closed"), (")", "')' closes nothing"), ("[a", "'[' is not closed"), ("*a", "nothing to repeat"),
    ("a**", "nothing to repeat"), ("{2}", "nothing to repeat"), ("^*", "an assertion cannot be repeated"), ("a{2,1}", "out of order"),
    ("a{,3}", "needs its lower bound"), ("[b-a]", "out of order"), (r"[\w-z]", "a character on both sides"), ("a\\", "ends with a backslash"),
    (r"\p{L}", r"character class '\p{…}' is not available"), (r"\P{L}", r"'\P{…}' is not available"), (r"\Z", r"unknown escape '\Z'"),
    (r"\a", r"unknown escape '\a'"), (r"(a)\1", r"back reference '\1' is not available"), (r"(?<n>a)\k<n>", r"unknown escape '\k'"),
    ("(?P<n>a)", "unknown group '(?P'"), ("(?i)a", "unknown group '(?i'"), ("(?>a)", "unknown group '(?>'"), ("a++", "possessive"),
    ("(?<=a+)b", "not available"), (r"\u12", "hexadecimal"), (r"\u{110000}", "hexadecimal"), (r"\01", r"unknown escape '\0'"),
    ("(" * 50 + ")" * 50, "nested too deeply"), ("a" * 3000, "too long"), ("a{200000}", "too large"),
    ("(a?)" * 400, "too complex"),
])
def test_what_a_pattern_cannot_be(pattern: str, message: str) -> None:
    problem = pattern_problem(pattern)
    assert problem is not None
    assert message in problem[0]


def test_a_refusal_has_a_place_and_a_code() -> None:
    with pytest.raises(LangError) as refusal:
        compile_pattern("ab[c")
    assert (refusal.value.offset, refusal.value.code) == (2, "invalid-pattern")
    with pytest.raises(LangError) as refusal:
        compile_pattern("(a+)+")
    assert refusal.value.code == "unsafe-pattern"
