"""What reaches a terminal: JSON that stays the same value and cannot steer it, colours only where they are seen."""

from __future__ import annotations

import argparse
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oe.cli.console import Console, harmless_json, is_terminal
from oe.cli.parser import positive_integer
from oe.text import neutralise


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@given(st.text(st.characters() | st.sampled_from("\x7f\x9b\u2028\u202e\u2066\ud800")))
def test_json_stays_the_same_value_and_cannot_steer(text: str) -> None:
    shown = harmless_json(json.dumps(text, ensure_ascii=False))
    assert json.loads(shown) == text
    assert neutralise(shown) == shown


@pytest.mark.parametrize(("environment", "expected"), [
    ({}, "\x1b[31mx\x1b[0m"), ({"NO_COLOR": "1"}, "x"), ({"NO_COLOR": ""}, "\x1b[31mx\x1b[0m"), ({"TERM": "dumb"}, "x")])
def test_colours_of_results_are_for_terminals_that_want_them(environment: dict[str, str], expected: str) -> None:
    to_terminal = Console(io.StringIO(), Terminal(), io.StringIO(), environment)
    assert to_terminal.paint_result("x", "red") == expected
    assert to_terminal.paint("x", "red") == "x"
    to_file = Console(io.StringIO(), io.StringIO(), Terminal(), environment)
    assert to_file.paint_result("x", "red") == "x"
    assert to_file.paint("x", "red") == expected


def test_a_closed_stream_is_no_terminal() -> None:
    stream = Terminal()
    stream.close()
    assert not is_terminal(io.TextIOWrapper(io.BytesIO())) and is_terminal(Terminal())
    closed = io.StringIO()
    closed.close()
    assert not is_terminal(closed)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "", "²", "٣", "00"])
def test_a_count_is_a_positive_whole_number(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="positive whole number"):
        positive_integer(text)
    assert positive_integer("20") == 20
