"""What models say while a run is followed: a line for what is new in a pipe, one line that is rewritten on a terminal."""

from __future__ import annotations

import io

import pytest

from oe.cli.console import Console
from oe.cli.following import Streams
from oe.state.snapshot import Scope, Snapshot


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def followed(out: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("oe.cli.following._SECONDS", 0.0)
    monkeypatch.setenv("COLUMNS", "40")

    def look(*tails: str) -> tuple[Snapshot, float]:
        parts = tuple(Scope(f"ask[{place}]", "item", "llm", "running", tail=tail) for place, tail in enumerate(tails))
        unit = Scope("ask", "unit", "llm", "running", parts=parts)
        return Snapshot("r-1", 1.5, Scope("run", "run", "custom", "running", parts=(unit,))), 0.0

    looks = iter([None, look("It"), look("It"), look("It began", "Once")])
    streams = Streams(lambda: next(looks), Console(io.StringIO(), out, io.StringIO(), {}))
    for _ in range(4):
        streams.wait()
    streams.clear()
    streams.clear()
    return out.getvalue()


def test_a_pipe_gets_a_line_for_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    assert followed(io.StringIO(), monkeypatch).splitlines() == [
        "00:00:01.500  node.output      ask[0] chunk=It",
        '00:00:01.500  node.output      ask[0] chunk=" began"',
        "00:00:01.500  node.output      ask[1] chunk=Once"]


def test_a_terminal_gets_one_line_that_is_rewritten_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    assert followed(Terminal(), monkeypatch) == "\r\x1b[Kask[0] says: It\r\x1b[Kask[1] says: Once\r\x1b[K"
