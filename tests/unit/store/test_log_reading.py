"""Reading event logs: by time whatever the order of the lines, and as they grow, are cut and are mended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oe.state.events import Event, as_line
from oe.store.log_reading import Tail, last_event, sorted_events, started_slots

RUN = "r-1"


def line(seq: int, ts: float = 0.0, kind: str = "node.ready", slot: str | None = "a") -> bytes:
    return as_line(Event(kind, ts, slot), RUN, seq).encode()


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(lines))
    return path


@settings(max_examples=200)
@given(st.lists(st.integers(0, 20), max_size=40))
def test_events_come_by_time_and_keep_their_order_within_one(tmp_path_factory: pytest.TempPathFactory,
                                                             times: list[int]) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    write(path, *(line(seq, float(ts)) for seq, ts in enumerate(times, 1)))
    order = [event.record["seq"] for event in sorted_events(str(path))]
    assert order == [seq for seq, _ in sorted(enumerate(times, 1), key=lambda pair: pair[1])]


def test_the_text_of_an_event_is_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "log", line(1), line(2, slot="größe"))
    assert [event.text for event in sorted_events(str(path))] == path.read_text("utf-8").splitlines()


@pytest.mark.parametrize("rubbish", [b"\n", b"null\n", b"\xff\xfe\n", b'{"type":"node.ready","run_id":"r-1","ts":"x"\n',
                                     b"[" * 100_000 + b"\n", b'{"type":"torn'])
def test_what_is_no_event_is_left_out(tmp_path: Path, rubbish: bytes) -> None:
    path = write(tmp_path / "log", line(1), *([rubbish, line(2)] if rubbish.endswith(b"\n") else [line(2), rubbish]))
    assert [event.record["seq"] for event in sorted_events(str(path))] == [1, 2]


def test_started_slots_are_in_order_of_their_first_start(tmp_path: Path) -> None:
    path = write(tmp_path / "log", line(1, slot="c"), line(2, kind="node.started", slot="b"),
                 line(3, kind="node.started", slot="a[1]"), line(4, kind="node.started", slot="b"))
    assert started_slots(str(path)) == ["b", "a[1]"]
    assert started_slots(str(tmp_path / "missing")) == []


def test_the_last_event_is_none_behind_a_torn_line(tmp_path: Path) -> None:
    path = write(tmp_path / "log", line(1), line(2, slot="last"))
    found = last_event(str(path), RUN)
    assert found is not None and found["slot"] == "last"
    write(path, line(1), b'{"type"')
    assert last_event(str(path), RUN) is None
    assert last_event(str(write(path)), RUN) is None
    assert last_event(str(tmp_path / "missing"), RUN) is None


def test_a_tail_shows_each_event_once_while_the_log_grows(tmp_path: Path) -> None:
    path = tmp_path / "log"
    tail = Tail(str(path), RUN)
    assert list(tail.read()) == []
    write(path, line(1), line(2)[:10])
    assert [event.record["seq"] for event in tail.read()] == [1]
    assert list(tail.read()) == []
    write(path, line(1), line(2), line(3))
    assert [event.record["seq"] for event in tail.read()] == [2, 3]


def test_a_tail_goes_on_after_the_log_was_cut_and_mended(tmp_path: Path) -> None:
    path = write(tmp_path / "log", line(1, slot="long name of a slot"), line(2), line(3))
    tail = Tail(str(path), RUN)
    assert len(list(tail.read())) == 3
    write(path, line(1, slot="s"))
    assert list(tail.read()) == []
    write(path, line(1, slot="s"), *(line(seq) for seq in range(2, 7)))
    assert [event.record["seq"] for event in tail.read()] == [4, 5, 6]
    assert list(tail.read()) == []


def test_a_tail_gives_text_and_value_alike(tmp_path: Path) -> None:
    path = write(tmp_path / "log", line(1, slot="größe"))
    for event in Tail(str(path), RUN).read():
        assert json.loads(event.text) == event.record
