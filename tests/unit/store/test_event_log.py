"""The log as a file: what reaches the disk when, its mode, and its faults."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from oe.errors import OeError
from oe.state.events import Event
from oe.store.event_log import JsonlLog
from tests.support.growth import growth

STARTED = Event("node.started", 1.0, "a", 1)


def _fail(error: OeError) -> None:
    raise AssertionError(f"unexpected trouble: {error}")


def test_what_is_flushed_can_be_read_at_once_and_what_is_not_waits(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = JsonlLog(path, "r", on_trouble=_fail)
    log.append([STARTED], flush=False)
    assert path.read_bytes() == b""
    log.append([STARTED, STARTED], flush=True)
    assert path.read_bytes().count(b"\n") == 3
    log.append([STARTED], flush=False)
    log.close()
    assert path.read_bytes().count(b"\n") == 4


def test_a_buffer_does_not_grow_without_bound(tmp_path: Path) -> None:
    log = JsonlLog(tmp_path / "log.jsonl", "r", on_trouble=_fail)
    for _ in range(1000):
        log.append([STARTED], flush=False)
    assert (tmp_path / "log.jsonl").read_bytes().count(b"\n") > 700
    log.close()


def test_a_flush_is_one_write_of_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = JsonlLog(tmp_path / "log.jsonl", "r", on_trouble=_fail)
    written: list[bytes] = []
    monkeypatch.setattr(os, "write", lambda _, data: written.append(bytes(data)) or len(data))
    log.append([STARTED] * 5, flush=True)
    assert [data.count(b"\n") for data in written] == [5]


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = JsonlLog(tmp_path / "log.jsonl", "r", on_trouble=_fail)
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    log.append([STARTED] * 5, flush=True)
    log.close()
    assert [json.loads(line)["seq"] for line in (tmp_path / "log.jsonl").read_bytes().splitlines()] == [1, 2, 3, 4, 5]


@pytest.mark.usefixtures("tmp_path")
@pytest.mark.parametrize("mask", [0o000, 0o077, 0o277])
def test_only_the_owner_can_read_it_and_children_do_not_inherit_it(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        log = JsonlLog(tmp_path / "log.jsonl", "r", on_trouble=_fail)
    finally:
        os.umask(before)
    assert (tmp_path / "log.jsonl").stat().st_mode & 0o777 == 0o600
    assert not os.get_inheritable(log._descriptor)
    log.close()


def test_numbers_go_on_where_the_log_ends(tmp_path: Path) -> None:
    for expected in (1, 4, 7):
        log = JsonlLog(tmp_path / "log.jsonl", "r", on_trouble=_fail)
        assert log.append([STARTED] * 3, flush=True) == expected
        log.close()


def test_a_place_that_cannot_be_written_is_told_once_and_the_run_goes_on(tmp_path: Path) -> None:
    troubles: list[OeError] = []
    log = JsonlLog(tmp_path / "missing" / "log.jsonl", "r", on_trouble=troubles.append)
    assert log.broken
    assert [log.append([STARTED, STARTED], flush=True), log.append([STARTED], flush=True)] == [1, 3]
    log.close()
    trouble, = troubles
    assert trouble.code == "log-broken"
    assert "log.jsonl" in trouble.message
    assert "rebuilt" in str(trouble.hint)


def test_a_log_that_could_not_be_opened_is_rebuilt_when_it_can(tmp_path: Path) -> None:
    troubles: list[OeError] = []
    path = tmp_path / "missing" / "log.jsonl"
    log = JsonlLog(path, "r", on_trouble=troubles.append)
    finished = Event("node.finished", 1.0, "a", 1)
    log.append([STARTED, finished], flush=True)
    assert log.repair([finished]) == 0
    assert log.broken
    path.parent.mkdir()
    assert log.repair([finished]) == 1
    assert not log.broken
    assert log.append([STARTED], flush=True) == 2
    log.close()
    assert [json.loads(line)["type"] for line in path.read_bytes().splitlines()] == ["node.finished", "node.started"]
    assert len(troubles) == 1


def test_repair_takes_time_in_proportion_to_the_log(tmp_path: Path) -> None:
    def repair_of_half(count: int) -> Callable[[], object]:
        path = tmp_path / f"{count}.jsonl"
        path.unlink(missing_ok=True)
        committed = [Event("node.finished", float(number), f"n[{number}]", 1) for number in range(count)]
        log = JsonlLog(path, "r", on_trouble=_fail)
        log.append(committed[: count // 2], flush=True)
        log.close()
        os.truncate(path, path.stat().st_size // 2)
        return lambda: JsonlLog(path, "r", on_trouble=_fail).repair(committed)

    assert growth(repair_of_half, 2_000, 40_000, most=2) <= 2
