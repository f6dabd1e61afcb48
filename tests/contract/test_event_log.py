"""What every EventLog does: numbers, keeps order, blanks secrets, and can be made to agree with the truth."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oe.errors import OeError
from oe.ports.event_log import EventLog
from oe.redact import Redactor
from oe.state.events import Event
from oe.store.event_log import JsonlLog
from oe.store.memory_log import MemoryLog
from oe.values import JsonObject

Records = Callable[[], list[JsonObject]]


def _fail(error: OeError) -> None:
    raise AssertionError(f"unexpected trouble: {error}")


@pytest.fixture
def redactor() -> Redactor:
    return Redactor()


@pytest.fixture(params=["jsonl", "memory"])
def log_and_records(request: pytest.FixtureRequest, tmp_path: Path, redactor: Redactor) -> Iterator[tuple[EventLog, Records]]:
    if request.param == "memory":
        memory = MemoryLog("r-1", redactor=redactor)
        yield memory, lambda: [json.loads(line) for line in memory.lines]
        return
    path = tmp_path / "r-1.jsonl"
    file = JsonlLog(path, "r-1", redactor=redactor, on_trouble=_fail)
    yield file, lambda: [json.loads(line) for line in path.read_bytes().splitlines()]
    file.close()


def _finished(slot: str, ts: float = 5.0, attempt: int = 1) -> Event:
    return Event("node.finished", ts, slot, attempt, data={"duration_ms": 1.0})


def _started(slot: str) -> Event:
    return Event("node.started", 4.0, slot, 1)


def _told(records: list[JsonObject]) -> list[tuple[object, object, object]]:
    return [(record["seq"], record["type"], record.get("slot")) for record in records]


def test_events_are_numbered_in_order(log_and_records: tuple[EventLog, Records]) -> None:
    log, records = log_and_records
    assert log.append([Event("run.started", 1.0, data={"args": {}})], flush=True) == 1
    assert log.append([_started("a"), _finished("a")], flush=True) == 2
    assert log.append([], flush=True) == 4
    assert log.append([_started("b")], flush=True) == 4
    assert _told(records()) == [(1, "run.started", None), (2, "node.started", "a"), (3, "node.finished", "a"),
                                (4, "node.started", "b")]
    assert records()[0] == {"type": "run.started", "run_id": "r-1", "ts": "1970-01-01T00:00:01.000Z", "seq": 1, "args": {}}


def test_many_events_without_flush_are_all_there_after_it(log_and_records: tuple[EventLog, Records]) -> None:
    log, records = log_and_records
    for number in range(1000):
        log.append([_started(f"n{number}")], flush=False)
    log.flush()
    assert [record["seq"] for record in records()] == list(range(1, 1001))


def test_repair_of_a_whole_log_changes_nothing(log_and_records: tuple[EventLog, Records]) -> None:
    log, records = log_and_records
    events = [_started("a"), _finished("a"), _started("b"), _finished("b")]
    log.append(events, flush=True)
    before = records()
    assert log.repair([events[1], events[3]]) == 0
    assert records() == before


def test_repair_adds_what_is_missing_with_its_own_time(log_and_records: tuple[EventLog, Records]) -> None:
    log, records = log_and_records
    log.append([_started("a"), _finished("a")], flush=True)
    assert log.repair([_finished("a"), _finished("b", 6.5), _finished("c", 7.0)]) == 2
    assert _told(records()) == [(1, "node.started", "a"), (2, "node.finished", "a"), (3, "node.finished", "b"),
                                (4, "node.finished", "c")]
    assert records()[2]["ts"] == "1970-01-01T00:00:06.500Z"
    assert log.append([_started("d")], flush=True) == 5


def test_an_empty_log_is_rebuilt_whole(log_and_records: tuple[EventLog, Records]) -> None:
    log, records = log_and_records
    committed = [_finished(f"n{number}", float(number)) for number in range(1500)]
    assert log.repair(iter(committed)) == 1500
    assert [record["slot"] for record in records()] == [f"n{number}" for number in range(1500)]
    assert log.repair(iter(committed)) == 0


def test_events_alike_are_counted_not_told_apart(log_and_records: tuple[EventLog, Records]) -> None:
    log, records = log_and_records
    writes = [Event("state.write", 5.0, "a", 1, data={"field": name}) for name in ("x", "y", "z")]
    log.append(writes[:2], flush=True)
    assert log.repair(writes) == 1
    assert [record["field"] for record in records()] == ["x", "y", "z"]


def test_the_same_attempt_after_a_superseding_is_another_event(log_and_records: tuple[EventLog, Records]) -> None:
    log, records = log_and_records
    log.append([_finished("a", 5.0)], flush=True)
    assert log.repair([_finished("a", 5.0), _finished("a", 9.0)]) == 1
    assert [record["ts"] for record in records()] == ["1970-01-01T00:00:05.000Z", "1970-01-01T00:00:09.000Z"]


def test_another_order_in_the_log_is_no_fault(log_and_records: tuple[EventLog, Records]) -> None:
    log, records = log_and_records
    log.append([_finished(name) for name in "cab"], flush=True)
    assert log.repair([_finished(name) for name in "abcd"]) == 1
    assert [record["slot"] for record in records()] == ["c", "a", "b", "d"]


def test_a_hole_is_filled_in_commit_order(log_and_records: tuple[EventLog, Records]) -> None:
    log, records = log_and_records
    log.append([_finished("d"), _finished("a")], flush=True)
    assert log.repair([_finished(name) for name in "abcde"]) == 3
    assert [record["slot"] for record in records()] == ["d", "a", "b", "c", "e"]


def test_missing_events_that_are_alike_keep_their_places_too(log_and_records: tuple[EventLog, Records]) -> None:
    log, records = log_and_records
    log.append([_finished("d")] * 3, flush=True)
    log.repair([_finished(name) for name in "abaddd"])
    assert [record["slot"] for record in records()] == ["d", "d", "d", "a", "b", "a"]


def test_what_the_truth_does_not_know_is_taken_out(log_and_records: tuple[EventLog, Records]) -> None:
    log, records = log_and_records
    log.append([_started("a"), _finished("a"), _started("b"), _finished("lost"), _started("c"), _finished("b")], flush=True)
    assert log.repair([_finished("a"), _finished("b"), _finished("e")]) == 1
    assert _told(records()) == [(1, "node.started", "a"), (2, "node.finished", "a"), (3, "node.started", "b"),
                                (4, "node.started", "c"), (5, "node.finished", "b"), (6, "node.finished", "e")]
    assert log.append([_started("f")], flush=True) == 7


def test_milestones_have_no_slot_and_are_repaired_too(log_and_records: tuple[EventLog, Records]) -> None:
    log, records = log_and_records
    truth = [Event("run.started", 1.0, data={"args": {}}), Event("run.resumed", 2.0), Event("run.finished", 3.0, data={"status": "success"})]
    log.append(truth[:1], flush=True)
    assert log.repair(truth) == 2
    assert [record["type"] for record in records()] == ["run.started", "run.resumed", "run.finished"]


@pytest.mark.parametrize("value", ["hunter22", 'quo"te\\d', "123456", "line\nbreak"])
def test_secrets_are_blanked_wherever_they_stand_and_lines_stay_json(
        log_and_records: tuple[EventLog, Records], redactor: Redactor, value: str) -> None:
    log, records = log_and_records
    redactor.add([value])
    data = {"args": {"text": f"a {value} b", value: ["x", {"deep": value}], "number": 1234567}}
    log.append([Event("run.started", 1.0, data=data)], flush=True)
    record, = records()
    assert json.dumps(value)[1:-1] not in json.dumps(record)
    assert record["type"] == "run.started"
    assert record["args"]["text"] == "a [redacted] b"  # type: ignore[index, call-overload]


def test_a_secret_that_looks_like_an_event_does_not_hide_it_from_repair(
        log_and_records: tuple[EventLog, Records], redactor: Redactor) -> None:
    log, _ = log_and_records
    redactor.add(["node.finished", "1970-01"])
    log.append([_finished("a")], flush=True)
    assert log.repair([_finished("a")]) == 0


def test_text_that_utf8_cannot_express_survives(log_and_records: tuple[EventLog, Records]) -> None:
    log, records = log_and_records
    log.append([Event("node.activity", 1.0, "a", data={"activity": "caf\udce9 \u2028 ü"})], flush=True)
    assert records()[0]["activity"] == "caf\udce9 \u2028 ü"
