"""Lines of the event log: encoding with secrets blanked, and reading back what is whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import BinaryIO, NamedTuple

from oe.redact import Redactor
from oe.state.events import Event, as_line, as_object
from oe.values import Json, JsonObject, compact

_FIXED = frozenset({"type", "run_id", "ts", "seq", "node_id", "slot", "attempt", "index"})
"""What identifies an event. It holds no value of the user, and blanking it would tear the log from the truth."""

_FIRST_WINDOW = 1 << 16


class Line(NamedTuple):
    """One whole line: where it starts and ends in the file, and its event."""

    start: int
    end: int
    record: JsonObject


def encode_event(event: Event, run_id: str, seq: int, redactor: Redactor) -> str:
    """The event's line. Where it holds a secret, its values are blanked one by one, so that it stays JSON."""
    line = as_line(event, run_id, seq)
    if not redactor.finds(line):
        return line
    record = {key: value if key in _FIXED else _blank(value, redactor)
              for key, value in as_object(event, run_id, seq).items()}
    return compact(record) + "\n"


def _blank(value: Json, redactor: Redactor) -> Json:
    if isinstance(value, str):
        return redactor.text(value)
    if isinstance(value, Mapping):
        return {redactor.text(key): _blank(item, redactor) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_blank(item, redactor) for item in value]
    text = compact(value)
    return redactor.text(text) if redactor.finds(text) else value


def encode_lines(lines: list[str]) -> bytes:
    """UTF-8. A lone surrogate becomes a backslash escape, which inside a JSON string is the right one."""
    return "".join(lines).encode("utf-8", "backslashreplace")


def read_lines(file: BinaryIO, run_id: str, *, start: int = 0, seq: int = 0) -> Iterator[Line]:
    """The lines from `start` on, as long as each is whole, of this run, and numbered one above the line before."""
    file.seek(start)
    for line in file:
        record = _parse(line)
        seq += 1
        if record is None or record.get("seq") != seq or record.get("run_id") != run_id:
            return
        yield Line(start, start + len(line), record)
        start += len(line)


def find_end(file: BinaryIO, run_id: str) -> tuple[int, int]:
    """Where the last whole line ends, and its `seq`; (0, 0) for a log without one. Reads from the end."""
    size = file.seek(0, 2)
    window = _FIRST_WINDOW
    while size:
        start = max(0, size - window)
        file.seek(start)
        tail = file.read(size - start)
        end = start + len(tail)
        while (position := tail.rfind(b"\n")) >= 0:
            if position + 1 < len(tail):
                tail, end = tail[:position + 1], start + position + 1
            begin = tail.rfind(b"\n", 0, position) + 1
            if begin == 0 and start > 0:
                break  # the line begins before the window
            seq = _seq_of(tail[begin:], run_id)
            if seq:
                return end, seq
            tail, end = tail[:begin], start + begin
        if start == 0:
            break
        window *= 4
    return 0, 0


def _seq_of(line: bytes, run_id: str) -> int:
    record = _parse(line)
    seq = record.get("seq") if record is not None and record.get("run_id") == run_id else None
    return seq if isinstance(seq, int) else 0


def _parse(line: bytes) -> JsonObject | None:
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
