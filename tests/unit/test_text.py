"""Words for people: durations and sizes at the borders of their units, text cut to the cells of a terminal."""

from __future__ import annotations

import pytest

from oe.text import clip_cells, end_cells, format_duration, format_size, width_of


@pytest.mark.parametrize(("seconds", "text"), [
    (0.0, "0ms"), (0.9994, "999ms"), (0.9996, "1.0s"), (59.94, "59.9s"), (59.96, "01:00"), (60.0, "01:00"),
    (119.9, "01:59"), (3599.9, "59:59"), (3600.0, "1:00:00"), (90_061.0, "25:01:01")])
def test_a_duration_is_never_rounded_to_what_its_unit_does_not_have(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(("size_bytes", "text"), [
    (1023, "1023 B"), (1024, "1.0 KiB"), (1_048_524, "1023.9 KiB"), (1_048_575, "1.0 MiB"), (2.0 ** 50, "1024.0 TiB")])
def test_a_size_is_never_rounded_to_what_its_unit_does_not_have(size_bytes: float, text: str) -> None:
    assert format_size(size_bytes) == text


@pytest.mark.parametrize(("text", "cut", "end"), [
    ("abcdef", "abcdef", "abcdef"), ("abcdefg", "abcde…", "…cdefg"), ("漢字漢字", "漢字…", "…漢字"), ("x漢字漢字", "x漢字…", "…漢字"),
    ("\u0928\u0941\u0928\u0941", "\u0928\u0941\u0928\u0941", "\u0928\u0941\u0928\u0941")])
def test_text_is_cut_to_cells(text: str, cut: str, end: str) -> None:
    assert (clip_cells(text, 6), end_cells(text, 6)) == (cut, end)
    assert width_of(cut) <= 6 and width_of(end) <= 6
    assert (clip_cells(text, 0), end_cells(text, 0)) == ("", "")
