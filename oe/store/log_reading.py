"""Reading an event log: sorted by time without holding it in memory, or as it grows. Writes nothing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from heapq import merge
from typing import BinaryIO, NamedTuple

from oe.errors import OeError
from oe.store.event_lines import find_end, read_lines
from oe.values import JsonObject

_HEAD = re.compile(rb'\{"type":"([a-z.]+)","run_id":"[^"\\]*","ts":"([^"\\]*)"')


class Logged(NamedTuple):
    """One event of a log: as it stands there, and as a value."""

    text: str
    record: JsonObject


def sorted_events(path: str) -> Iterator[Logged]:
    """The events by time, those of one time in the order of the log. What is no whole event is left out.

    Lines are nearly sorted, so only the places of late ones are kept: time is linear in the log, memory in how many
    lines came late. A log that still grows is read to where it ended at the beginning. Raises FileNotFoundError, and
    OeError where the log cannot be read.
    """
    with _opened(path) as file, _opened(path) as late_file:
        late, end = _find_late(file)
        in_order = _in_order(file, end)
        lines = merge(in_order, _at(late_file, late), key=lambda entry: entry[:2]) if late else in_order
        for _, _, line in lines:
            event = _parse(line)
            if event is not None:
                yield event


def started_slots(path: str) -> list[str]:
    """The slots of a log in the order in which they were first started; empty where there is no log."""
    return list(dict.fromkeys(str(record.get("slot")) for record in starts(path)))


def starts(path: str) -> Iterator[JsonObject]:
    """The events node.started of a log in its order; none where there is no log."""
    try:
        file = _opened(path)
    except FileNotFoundError:
        return
    with file:
        for line in file:
            head = _HEAD.match(line)
            event = _parse(line) if head and head[1] == b"node.started" else None
            if event is not None:
                yield event.record


def last_event(path: str, run_id: str) -> JsonObject | None:
    """The log's last event; None where there is none, or where something that is no event follows it."""
    try:
        with _opened(path) as file:
            end, seq = find_end(file, run_id)
            if not seq or os.fstat(file.fileno()).st_size != end:
                return None
            file.seek(max(0, end - (1 << 16)))
            event = _parse(file.read().rpartition(b"\n")[0].rpartition(b"\n")[2] + b"\n")
            return event.record if event is not None else None
    except FileNotFoundError:
        return None


class Tail:
    """What has been added to a log since the last look. Knows events by their `seq`, so a log that was cut or mended
    in between shows each of them once."""

    def __init__(self, path: str, run_id: str) -> None:
        self._path = path
        self._run_id = run_id
        self._position = 0
        self._seq = 0

    def read(self) -> Iterator[Logged]:
        """The events that are new."""
        try:
            file = _opened(self._path)
        except FileNotFoundError:
            return
        with file:
            before = self._seq
            yield from self._read(file, self._position, self._seq)
            if self._seq == before and _has_line_at(file, self._position):
                yield from self._read(file, 0, 0)

    def _read(self, file: BinaryIO, start: int, seq: int) -> Iterator[Logged]:
        for number, line in enumerate(read_lines(file, self._run_id, start=start, seq=seq), seq + 1):
            self._position = line.end
            if number > self._seq:
                self._seq = number
                yield Logged(json.dumps(line.record, ensure_ascii=False, separators=(",", ":")), line.record)


def _opened(path: str) -> BinaryIO:
    """The log. Raises FileNotFoundError, and OeError where it is there and cannot be read."""
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OeError(f"cannot read the event log '{path}': {reason}", code="unreadable-log") from error


def _find_late(file: BinaryIO) -> tuple[list[tuple[bytes, int]], int]:
    """Time and place of every line that is older than one before it, sorted; and where the log ends."""
    newest = b""
    late: list[tuple[bytes, int]] = []
    offset = 0
    for line in file:
        head = _HEAD.match(line)
        if head:
            if head[2] < newest:
                late.append((head[2], offset))
            else:
                newest = head[2]
        offset += len(line)
    late.sort()
    return late, offset


def _in_order(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int, bytes]]:
    """The other lines."""
    file.seek(0)
    newest = b""
    offset = 0
    for line in file:
        if offset >= end:
            return
        head = _HEAD.match(line)
        if head and head[2] >= newest:
            newest = head[2]
            yield newest, offset, line
        offset += len(line)


def _at(file: BinaryIO, late: list[tuple[bytes, int]]) -> Iterator[tuple[bytes, int, bytes]]:
    for ts, offset in late:
        file.seek(offset)
        yield ts, offset, file.readline()


def _parse(line: bytes) -> Logged | None:
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
        text = line[:-1].decode()
    except (ValueError, RecursionError):
        return None
    return Logged(text, record) if isinstance(record, dict) else None


def _has_line_at(file: BinaryIO, position: int) -> bool:
    """Whether something follows that is not only the beginning of a line, or the file has become shorter."""
    if os.fstat(file.fileno()).st_size < position:
        return True
    file.seek(position)
    return file.readline().endswith(b"\n")
