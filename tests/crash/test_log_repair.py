"""A log that was cut at any byte, by a crash or a full disk, is mended from the truth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oe.errors import OeError
from oe.ports.committed import log_of
from oe.ports.store import Store
from oe.state.events import EVENTS, Event
from oe.store.event_log import JsonlLog
from oe.store.memory_store import MemoryStore
from oe.values import JsonObject
from tests.contract.builders import ending, new_run, outcome

RUN = "r-1"


def _fail(error: OeError) -> None:
    raise AssertionError(f"unexpected trouble: {error}")


def _open(path: Path) -> JsonlLog:
    return JsonlLog(path, RUN, on_trouble=_fail)


@pytest.fixture
def store() -> Store:
    """A run with everything that has events: a retry, a cached node, items, a loop, a supersede, an end."""
    store = MemoryStore()
    store.create_run(new_run(args={"text": "ü\u2028\U0001f600"}))
    store.commit(RUN, [outcome("a", status="retrying", error=None, details={"delay_ms": 5})])
    store.commit(RUN, [outcome("a", 2, ("x", 1), ("y", 2), metrics={"calls": 1},
                               details={"tokens": [{"input_tokens": 1, "output_tokens": 2}] * 2})])
    store.commit(RUN, [outcome(f"b[{index}]", 1, ("x", index), details={"index": index}) for index in range(3)])
    store.commit(RUN, [outcome("a", 2, ("x", 1), details={"cached": {"key": "k"}}),
                       outcome("loop", details={"exhausted": 3}), outcome("c", 0, status="skipped", reason="when")], superseded=[2, 3])
    store.end_run(RUN, ending())
    return store


def _write_whole(path: Path, store: Store) -> None:
    """The log of an undisturbed run: progress between the committed events."""
    log = _open(path)
    for event in log_of(store.everything(RUN)):
        log.append([Event("node.activity", 1.0, "a", 1, data={"activity": "thinking – ü"}), event], flush=True)
    log.close()


def _records(path: Path) -> list[JsonObject]:
    text = path.read_bytes().decode()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.split("\n")[:-1]]


def _committed(records: list[JsonObject]) -> list[JsonObject]:
    return [{key: value for key, value in record.items() if key != "seq"}
            for record in records if EVENTS[str(record["type"])].committed]


def _assert_mended(path: Path, truth: list[JsonObject]) -> None:
    records = _records(path)
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    assert _committed(records) == truth


@pytest.fixture
def whole(tmp_path: Path, store: Store) -> bytes:
    path = tmp_path / "whole.jsonl"
    _write_whole(path, store)
    return path.read_bytes()


@pytest.fixture
def truth(tmp_path: Path, store: Store) -> list[JsonObject]:
    path = tmp_path / "truth.jsonl"
    log = _open(path)
    log.repair(log_of(store.everything(RUN)))
    log.close()
    return _committed(_records(path))


STEPS = pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.long)])
"""The short form cuts at every eleventh byte, and around the end of every line."""


@STEPS
def test_a_cut_at_every_byte_is_mended(tmp_path: Path, store: Store, whole: bytes, truth: list[JsonObject], step: int) -> None:
    path = tmp_path / "cut.jsonl"
    ends = {at + near for at, byte in enumerate(whole) if byte == 10 for near in (0, 1, 2)}
    for size in sorted(each for each in ends | {*range(0, len(whole) + 1, step)} if each <= len(whole)):
        path.write_bytes(whole[:size])
        log = _open(path)
        kept = len(path.read_bytes())
        assert kept == whole[:size].rfind(b"\n") + 1
        log.repair(log_of(store.everything(RUN)))
        log.close()
        _assert_mended(path, truth)
        assert path.read_bytes().startswith(whole[:kept])


def test_events_after_a_torn_line_begin_a_line_of_their_own_even_without_repair(
        tmp_path: Path, store: Store, whole: bytes, truth: list[JsonObject]) -> None:
    path = tmp_path / "cut.jsonl"
    for size in range(len(whole) - 200, len(whole) + 1):
        path.write_bytes(whole[:size])
        log = _open(path)
        first = log.append([Event("node.started", 9.0, "z", 1)], flush=True)
        records = _records(path)
        assert first == len(records) == records[-1]["seq"]
        log.repair(log_of(store.everything(RUN)))
        log.close()
        _assert_mended(path, truth)


@pytest.mark.parametrize("garbage", [b"\0" * 4096, b"\0" * 10 + b"\n", b"{}\n", b"[1]\n", b"\xff\xfe\n", b"{\"seq\": 7}\n{",
                                     b"[" * 100_000 + b"\n"])
def test_garbage_at_the_end_is_cut(tmp_path: Path, store: Store, whole: bytes, truth: list[JsonObject],
                                   garbage: bytes) -> None:
    path = tmp_path / "cut.jsonl"
    path.write_bytes(whole + garbage)
    log = _open(path)
    assert log.repair(log_of(store.everything(RUN))) == 0
    log.close()
    assert path.read_bytes() == whole
    _assert_mended(path, truth)


@pytest.mark.parametrize("place", [0.0, 0.3, 0.7, 0.99])
def test_a_damaged_middle_is_replaced_from_the_truth(tmp_path: Path, store: Store, whole: bytes, truth: list[JsonObject],
                                                     place: float) -> None:
    path = tmp_path / "cut.jsonl"
    start = int(len(whole) * place)
    path.write_bytes(whole[:start] + b"\0" * 20 + whole[start + 20:])
    log = _open(path)
    log.repair(log_of(store.everything(RUN)))
    log.close()
    _assert_mended(path, truth)


def test_a_log_of_another_run_is_replaced(tmp_path: Path, store: Store, whole: bytes, truth: list[JsonObject]) -> None:
    path = tmp_path / "cut.jsonl"
    path.write_bytes(whole.replace(b'"run_id":"r-1"', b'"run_id":"r-2"'))
    log = _open(path)
    log.repair(log_of(store.everything(RUN)))
    log.close()
    _assert_mended(path, truth)


@STEPS
def test_a_crash_within_the_repair_is_mended_by_the_next(tmp_path: Path, store: Store, whole: bytes,
                                                         truth: list[JsonObject], step: int) -> None:
    path = tmp_path / "cut.jsonl"
    path.write_bytes(whole[:300])
    log = _open(path)
    log.repair(log_of(store.everything(RUN)))
    log.close()
    mended = path.read_bytes()
    for size in range(300, len(mended), step):
        path.write_bytes(mended[:size])
        log = _open(path)
        log.repair(log_of(store.everything(RUN)))
        log.close()
        assert path.read_bytes() == mended
    _assert_mended(path, truth)


def test_a_long_last_line_is_found_from_the_end(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    log = _open(path)
    log.append([Event("node.activity", 1.0, "a", 1, data={"activity": "x" * size}) for size in (10, 300_000, 1_000_000)],
               flush=True)
    log.close()
    whole = path.read_bytes()
    for cut, seq in ((0, 4), (1, 3), (1_000_200, 2), (len(whole), 1)):
        path.write_bytes(whole[:len(whole) - cut])
        again = _open(path)
        assert again.append([Event("node.ready", 1.0, "b")], flush=True) == seq
        again.close()
        assert len(_records(path)) == seq
