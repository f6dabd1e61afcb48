"""What models are saying: the new part of an end of a text, and the lines that it is told in."""

from __future__ import annotations

import pytest

from oe.render.streams import fresh_text, stream_line, stream_status


@pytest.mark.parametrize(("before", "now", "text"), [
    ("", "It began", "It began"),
    ("It began", "It began on a", " on a"),
    ("It began on a", "n on a dark night", " dark night"),
    ("It began", "quite another end", "…quite another end"),
    ("same", "same", ""),
    ("aaa", "aaaa", "a"),
])
def test_what_is_new_in_the_end_of_a_text(before: str, now: str, text: str) -> None:
    assert fresh_text(before, now) == text


def test_what_is_said_is_one_harmless_line() -> None:
    assert stream_line("ask[1]", "two\nlines \x1b[31m", 0.25) == (
        '00:00:00.250  node.output      ask[1] chunk="two\\nlines \\u001b[31m"')
    assert stream_status("ask", "a b\n\x1b[2Jc", 40) == "ask says: a b \\x1b[2Jc"
    line = stream_status("ask", "word " * 50, 40)
    assert len(line) == 40 and line.startswith("ask says: …") and line.endswith("word word")
