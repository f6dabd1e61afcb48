"""How many tokens a call may come to: never fewer than real vocabularies make of a text, and not many times as many."""

from __future__ import annotations

import pytest

from oe.ports.model import Message, ModelSettings, Question
from oe.run.estimates import most_tokens, worst_case


@pytest.mark.parametrize(("text", "real"), [
    # counts of real vocabularies, the largest that the OpenAI cookbook ("how to count tokens") gives for each
    ("antidisestablishmentarianism", 6),
    ("2 + 2 = 4", 7),
    ("お誕生日おめでとう", 14),
    ("tiktoken is great!", 6),
    ("Hello, world!", 4),
    # one token a figure, as in SentencePiece vocabularies
    ("3.14159265358979", 16),
    ("2026-11-21T05:50:31Z", 20),
    ("", 0),
])
def test_the_worst_case_is_no_less_than_what_real_vocabularies_make(text: str, real: int) -> None:
    assert real <= most_tokens(text) <= 2.4 * max(real, 1)


@pytest.mark.parametrize(("text", "low", "high"), [
    ("The quick brown fox jumps over the lazy dog. " * 20, 0.40, 0.60),
    ("aGVsbG8gd29ybGQsIHRoaXMgaXMgYmFzZTY0IQ==" * 10, 0.75, 0.95),
    ("550e8400-e29b-41d4-a716-446655440000" * 10, 0.75, 1.0),
    ('{"name":"value","count":12,"list":[1,2,3]}' * 10, 0.65, 0.95),
    ("Съешь же ещё этих мягких французских булок. " * 10, 0.45, 0.60),
    ("敏捷的棕色狐狸跳过了懒狗" * 10, 0.60, 0.70),
    ("\U0001f98a\U0001f468\u200d\U0001f469" * 10, 1.0, 1.0),
    ("ธนาคารแห่งประเทศไทย" * 10, 1.0, 1.0),
])
def test_it_is_a_share_of_the_bytes_by_the_kind_of_text(text: str, low: float, high: float) -> None:
    share = most_tokens(text) / len(text.encode())
    assert low <= share <= high


def test_the_worst_case_is_the_prompt_its_frame_and_the_longest_answer() -> None:
    question = Question({}, (Message("user", "Hi"),), "Be brief")
    settings = ModelSettings("p", "m", max_tokens=100)
    cost = worst_case(question, settings, lambda _, usage: usage.all_input_tokens * 1.0 + usage.output_tokens * 2.0)
    prompt = most_tokens("Hi") + most_tokens("Be brief") + 2 * 16
    assert (cost.tokens, cost.usd, cost.calls) == (prompt + 100, prompt + 200.0, 1)
    assert worst_case(question, settings, lambda *_: None, more_tokens=50).tokens == prompt + 150


def test_a_long_text_that_many_calls_share_is_looked_at_once() -> None:
    text = "word " * 80_000
    first = most_tokens(text)
    looked_at = most_tokens.cache_info().misses
    assert {most_tokens(text) for _ in range(1000)} == {first}
    assert most_tokens.cache_info().misses == looked_at


def test_an_answer_that_is_sent_back_counts_as_the_longest_that_it_can_have_been() -> None:
    asked, again = Message("user", "Hi"), Message("user", "No")
    question = Question({}, (asked, Message("assistant", "1" * 5000), again))
    worst = worst_case(question, ModelSettings("p", "m", max_tokens=100), lambda *_: None).tokens
    assert worst == most_tokens("Hi") + 100 + most_tokens("No") + 4 * 16 + 100
