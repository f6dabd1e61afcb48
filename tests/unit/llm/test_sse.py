"""The reader of server-sent events gives the same events however the stream is cut."""

from __future__ import annotations

import random

import pytest

from oe.llm.sse import EventReader, EventTooLong, ServerEvent


def read(*pieces: bytes) -> list[ServerEvent]:
    reader = EventReader()
    return [event for piece in pieces for event in reader.feed(piece)]


@pytest.mark.parametrize(("stream", "events"), [
    ("data: a\n\n", [("message", "a")]),
    ("data:a\n\ndata:  b\n\n", [("message", "a"), ("message", " b")]),
    ("event: ping\ndata: {}\n\n", [("ping", "{}")]),
    ("data: one\ndata: two\n\n", [("message", "one\ntwo")]),
    ("data\n\n", [("message", "")]),
    (": a comment\n\ndata: a\n\n", [("message", "a")]),
    ("id: 7\nretry: 10\nfoo: bar\nnonsense\n:\ndata: a\n\n", [("message", "a")]),
    ("event: lost\n\ndata: a\n\n", [("message", "a")]),
    ("\ufeffdata: a\n\n", [("message", "a")]),
    ("data: a\u2028b\x0bc\x85d\n\n", [("message", "a\u2028b\x0bc\x85d")]),
    ("\n\n\ndata: a\n\n\n\n", [("message", "a")]),
    ("data: unfinished\n", []),
    ("data: unfinished", []),
    ("", []),
])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_events(stream: str, events: list[tuple[str, str]], line_end: str) -> None:
    data = stream.replace("\n", line_end).encode()
    if line_end == "\r":
        data += b" "  # a lone CR is known to be one only by what follows
    assert read(data) == events
    assert read(*(data[place:place + 1] for place in range(len(data)))) == events


def test_a_cut_goes_through_a_character_as_well() -> None:
    data = "data: grüße 🦊 ①\r\n\r\nevent: x\r\ndata: ü\r\n\r\n".encode()
    whole = read(data)
    assert whole == [("message", "grüße 🦊 ①"), ("x", "ü")]
    for seed in range(50):
        cuts = sorted(random.Random(seed).sample(range(1, len(data)), 8))
        assert read(*(data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True))) == whole


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert read(b"data: a\xff\xc3b\n\n") == [("message", "a\ufffd\ufffdb")]


def test_an_event_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oe.llm.sse.MOST_CHARACTERS", 1000)
    assert len(read(b"data: " + b"x" * 990 + b"\n\n") * 3) == 3
    assert len(read(*[b"data: ", b"x" * 490, b"x" * 490, b"\n\n"] * 3)) == 3
    with pytest.raises(EventTooLong):
        read(b"data: ", *[b"x" * 100] * 10)
    with pytest.raises(EventTooLong):
        read(*[b"data: x\n"] * 501)
    assert read(*[b": comment\n"] * 501) == []


def test_a_long_event_in_small_pieces_takes_time_in_proportion() -> None:
    data = b"data: " + b"x" * 400_000 + b"\n\n"
    assert len(read(*(data[place:place + 7] for place in range(0, len(data), 7)))[0].data) == 400_000
