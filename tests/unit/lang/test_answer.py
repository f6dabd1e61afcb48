"""JSON in what models say: thinking, fences and prose around it, several values, values that are refused, time."""

from __future__ import annotations

import pytest

from oe.lang.answer import read_value, repair_request, without_thinking
from oe.lang.schema import compile_schema
from oe.lang.scope import MISSING
from tests.support.growth import growth

SCORE = compile_schema({"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"],
                        "additionalProperties": False})


@pytest.mark.parametrize("text", [
    '{"score": 3}',
    '\n  {"score": 3}  \n',
    '```json\n{"score": 3}\n```',
    '```\n{"score": 3}```',
    'Here is my answer:\n\n```json\n{"score": 3}\n```\nI hope that helps {smile}.',
    'The score is {"score": 3}.',
    '<think>maybe {"score": 9}?</think>{"score": 3}',
    '<think>a</think>\n<think>b</think>\n{"score": 3}',
    '<Reasoning>\n{"score": 9}\n</Reasoning>\n\n{"score": 3}',
    'weighing {"score": 9}\n</think>\n\n{"score": 3}',
    'First {"score": 1}. No, that is wrong. Rather {"score": 3}',
    '{"score": 3}\nSee also [1] and {"unlike": true}.',
    'A set {1, 2} and a list [3, and then {"score": 3}',
    '```json\n{"score": 3}',
])
def test_the_value_is_found(text: str) -> None:
    assert read_value(text, SCORE) == ({"score": 3}, ())


def test_a_fence_inside_a_string_is_part_of_it() -> None:
    text = '```json\n{"code": "```py\\nx\\n```"}\n```'
    assert read_value(text).value == {"code": "```py\nx\n```"}


def test_without_a_schema_the_longest_value_counts_and_a_scalar_may_be_the_whole() -> None:
    assert read_value('As in [1], the list is ["a", "b", "c"]; see {}.').value == ["a", "b", "c"]
    assert read_value("42").value == 42
    assert read_value("```json\nnull\n```").value is None


@pytest.mark.parametrize(("text", "problem"), [
    ("", "there is no answer, only an empty text"),
    ("<think>I could say {\"score\": 3}", "there is no answer, only an empty text"),
    ("I cannot do that.", "there is no JSON object in the answer"),
    ('{"score": }', "the JSON is not valid: expecting value, line 1 column 11 of the answer"),
    ('{"score": 1e999}', "the number 1e999 is too large"),
    ('So: {"score": NaN}', "NaN is no JSON number"),
    ('{"score": -Infinity}', "-Infinity is no JSON number"),
    ('{"score": "\\ud800"}', "a text in the JSON holds half a character (a lone surrogate)"),
    ('{"score": ' + "[" * 150 + "]" * 150 + "}", "the JSON is nested deeper than 100 levels"),
    ("[" * 100_000, "the JSON is nested too deeply"),
    ('{"score": ' + "9" * 5000 + "}", "a number in the JSON has too many digits"),
])
def test_what_cannot_be_read_is_told_in_one_sentence(text: str, problem: str) -> None:
    found = read_value(text, SCORE)
    assert found.value is MISSING
    assert found.problems == (problem,)


def test_a_value_that_breaks_the_schema_comes_with_every_problem() -> None:
    found = read_value('Look at [1]: {"scroe": 3}', SCORE)
    assert found.value == {"scroe": 3}
    assert found.problems == ("$: missing key 'score' (there is 'scroe')", "$.scroe: unknown key 'scroe' (did you mean 'score'?)")
    assert repair_request(found.problems) == (
        "Your answer cannot be used:\n- $: missing key 'score' (there is 'scroe')\n"
        "- $.scroe: unknown key 'scroe' (did you mean 'score'?)\n"
        "Answer again with the whole JSON object, corrected, and with nothing before or after it.")


def test_many_problems_are_not_all_told() -> None:
    schema = compile_schema({"type": "array", "items": {"type": "integer"}})
    assert len(read_value("[" + '"x",' * 50 + '"x"]', schema).problems) == 9


@pytest.mark.parametrize(("text", "said"), [
    ("plain", "plain"),
    ("<think>hm</think>\n\nyes", "yes"),
    ("<thinking>\na\n</thinking>yes", "yes"),
    ("hm\n</think>\nyes", "yes"),
    ("Close it with </think> in the end.", "Close it with </think> in the end."),
    ("Tags such as <think>x</think> are dropped.", "Tags such as <think>x</think> are dropped."),
    ("<think>for ever", ""),
])
def test_only_thinking_before_the_answer_is_dropped(text: str, said: str) -> None:
    assert without_thinking(text) == said


@pytest.mark.parametrize("piece", ["{", "[", '{"', '["', '[1,', '{"a":', "<think>", "```\n", "{{[[", '{"a": "'])
def test_hostile_texts_take_time_in_proportion_to_their_size(piece: str) -> None:
    assert growth(lambda count: lambda: read_value(piece * count, SCORE), 2_000, 20_000, most=4) <= 4
