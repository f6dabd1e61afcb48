"""The event log as a JSONL file: whole lines only, whatever happens to the disk or the process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from oe.errors import OeError, StoreError
from oe.redact import Redactor
from oe.state.events import Event
from oe.store.event_lines import encode_event, encode_lines, find_end, read_lines
from oe.store.faults import from_os
from oe.store.log_repair import Comparison
from oe.store.private_files import open_private
from oe.values import Json, compact

_BUFFERED_LINES = 256
_REPAIR_HINT = "the run goes on; the log is rebuilt from the database at its end or by the next command"


class JsonlLog:
    """See `oe.ports.event_log.EventLog` for the contract. The holder of the run's lock is its only writer.

    The file is opened, and a torn last line cut, when the object is made; a place that cannot be written makes the log
    `broken` like any later fault, for it is not the truth.
    """

    def __init__(self, path: str | os.PathLike[str], run_id: str, *, redactor: Redactor | None = None,
                 on_trouble: Callable[[OeError], None]) -> None:
        self._path = os.fspath(path)
        self._run_id = run_id
        self._redactor = redactor if redactor is not None else Redactor()
        self._on_trouble = on_trouble
        self._reported = False
        self._descriptor = -1
        self._lines: list[str] = []
        self._seq = 0
        self._written = 0
        self._size = 0
        self.broken = False
        self._open()

    def append(self, events: Sequence[Event], *, flush: bool) -> int:
        seq = self._seq
        first = seq + 1
        lines = []
        for event in events:
            seq += 1
            lines.append(encode_event(event, self._run_id, seq, self._redactor))
        self._seq = seq
        if not self.broken:
            self._lines += lines
            if flush or len(self._lines) >= _BUFFERED_LINES:
                self.flush()
        return first

    def flush(self) -> None:
        if self._lines:
            lines, self._lines = self._lines, []
            self._write(encode_lines(lines))

    def repair(self, committed: Iterable[Event]) -> int:
        self.flush()
        self.broken = False
        if self._descriptor < 0:
            self._open()
        if self.broken:
            return 0
        try:
            return self._repair(committed)
        except OSError as error:
            self._give_up(error)
            return 0

    def close(self) -> None:
        self.flush()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        try:
            self._descriptor = open_private(self._path, os.O_RDWR | os.O_APPEND)
            with open(self._path, "rb") as file:
                self._cut(*find_end(file, self._run_id))
        except OSError as error:
            self._give_up(error)

    def _cut(self, size: int, seq: int) -> None:
        """Makes the file end after the line with that seq."""
        if os.fstat(self._descriptor).st_size != size:
            os.ftruncate(self._descriptor, size)
        self._size = size
        self._seq = self._written = seq

    def _write(self, data: bytes) -> None:
        """Appends whole lines by one write; a short one, as of a disk that is nearly full, is continued."""
        if self.broken:
            return
        written = 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written:] if written else data)
        except OSError as error:
            self._give_up(error)
        else:
            self._size += written
            self._written = self._seq

    def _give_up(self, error: OSError) -> None:
        """Leaves the file at its last whole line and writes no more until it is repaired."""
        self.broken = True
        self._lines.clear()
        if self._descriptor >= 0:
            with suppress(OSError):  # then the torn line stays until the repair
                os.ftruncate(self._descriptor, self._size)
        if not self._reported:
            self._reported = True
            fault = from_os(self._path, error, doing="write the event log")
            self._on_trouble(StoreError(fault.message, code="log-broken", hint=_REPAIR_HINT))

    def _repair(self, committed: Iterable[Event]) -> int:
        comparison = Comparison(committed)
        size, seq = 0, 0
        with open(self._path, "rb") as file:
            for line in read_lines(file, self._run_id):
                size, seq = line.end, seq + 1
                comparison.saw(line.record, line.start, seq)
        self._cut(size, seq)
        for event in comparison.missing():
            self.append((event,), flush=False)
        self.flush()
        added = self._written - seq
        unknown = comparison.unknown()
        if unknown and not self.broken:
            self._take_out(unknown)
        return added

    def _take_out(self, lines: list[tuple[int, int]]) -> None:
        """Rewrites the log from the first of these lines on, without them and numbered anew."""
        doomed = {start for start, _ in lines}
        start, seq = lines[0]
        with open(self._path, "rb") as file:
            kept: list[dict[str, Json]] = [dict(line.record)
                                           for line in read_lines(file, self._run_id, start=start, seq=seq - 1)
                                           if line.start not in doomed]
        self._cut(start, seq - 1)
        for record in kept:
            self._seq += 1
            record["seq"] = self._seq
            self._lines.append(compact(record) + "\n")
        self.flush()
