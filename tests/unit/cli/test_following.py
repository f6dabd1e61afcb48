"""What is shown while a run is followed: on a terminal it is rewritten in its place, elsewhere it comes line by line."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from oe.cli.commands.inspect_run import _print_lines
from oe.cli.console import Console
from oe.cli.following import Redrawn, Streams
from oe.state.snapshot import Scope, Snapshot
from oe.values import JsonObject


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def followed(out: io.StringIO, monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    monkeypatch.setattr("oe.cli.following._SECONDS", 0.0)
    monkeypatch.setenv("COLUMNS", "40")

    def look(*tails: str) -> tuple[Snapshot, float]:
        parts = tuple(Scope(f"ask[{place}]", "item", "llm", "running", tail=tail) for place, tail in enumerate(tails))
        unit = Scope("ask", "unit", "llm", "running", parts=parts)
        return Snapshot("r-1", 1.5, Scope("run", "run", "custom", "running", parts=(unit,))), 0.0

    looks = iter([None, look("It"), look("It"), look("It began", "Once")])
    streams = Streams(lambda: next(looks), Console(io.StringIO(), out, io.StringIO(), environment))
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


def test_a_dumb_terminal_is_told_like_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    assert followed(Terminal(), monkeypatch, TERM="dumb") == followed(io.StringIO(), monkeypatch)


def test_a_terminal_gets_one_line_that_is_rewritten_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    assert followed(Terminal(), monkeypatch) == "\r\x1b[Kask[0] says: It\r\x1b[Kask[1] says: Once\r\x1b[K"


def test_an_interruption_leaves_no_line_that_is_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Terminal()
    streams = Streams(lambda: (Snapshot("r-1", 1.5, Scope("ask", "unit", "llm", "running", tail="It")), 0.0),
                      Console(io.StringIO(), out, io.StringIO(), {}))
    monkeypatch.setattr("oe.cli.following._SECONDS", 0.0)

    def interrupted() -> Iterator[tuple[str, JsonObject]]:
        streams.wait()
        raise KeyboardInterrupt
        yield "", {}

    with pytest.raises(KeyboardInterrupt):
        _print_lines(interrupted(), Console(io.StringIO(), out, io.StringIO(), {}), streams.clear)
    assert out.getvalue() == "\r\x1b[Kask says: It\r\x1b[K"


def redrawn(out: io.StringIO, monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    """A tree of few lines, a longer and wider one than the terminal, and the last one, as they were written."""
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "8")
    shown = Redrawn(Console(io.StringIO(), out, io.StringIO(), environment))
    tree = ["the name and status of a run", *(f"|- ok n{number}" for number in range(10)), "", "10 nodes"]
    written, before = [], 0
    for text, is_last in (("short\n\n1 node", False), ("\n".join(tree), False), ("\n".join(tree), True)):
        shown.show(text, is_last=is_last)
        written.append(out.getvalue()[before:])
        before = len(out.getvalue())
    return written


def test_a_tree_is_drawn_in_its_own_place_again_within_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    first, long, last = redrawn(Terminal(), monkeypatch)
    assert first == "short\n\n1 node\n"
    assert long == ("\x1b[3A\x1b[Jthe name and statu…\n|- ok n0\n|- ok n1\n|- ok n2\n... 7 more lines\n\n10 nodes\n")
    assert last.startswith("\x1b[7A\x1b[Jthe name and status of a run\n|- ok n0\n") and last.count("\n") == 13


def test_the_room_for_a_tree_is_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "8")
    rooms = [Redrawn(Console(io.StringIO(), out, io.StringIO(), environment)).room()
             for out, environment in ((Terminal(), {}), (Terminal(), {"TERM": "dumb"}), (io.StringIO(), {}))]
    assert rooms == [7, None, None]


@pytest.mark.parametrize(("out", "environment"), [(io.StringIO(), {}), (Terminal(), {"TERM": "dumb"})], ids=["pipe", "dumb"])
def test_elsewhere_each_tree_is_whole(monkeypatch: pytest.MonkeyPatch, out: io.StringIO, environment: dict[str, str]) -> None:
    first, long, last = redrawn(out, monkeypatch, **environment)
    assert (first, long) == ("short\n\n1 node\n", last)
    assert last.startswith("\nthe name and status of a run\n") and "\x1b" not in last
