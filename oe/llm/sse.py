"""Server-sent events from bytes, as the WHATWG standard reads them. Pure, incremental, bounded; knows no provider."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

_LINE_END = re.compile(r"\r\n|\n|\r")
MOST_CHARACTERS = 16 * 1024 * 1024
"""The longest event. A server that never ends one would otherwise fill the memory."""


class ServerEvent(NamedTuple):
    """One event: its type (`message` where it names none) and its data, lines joined by line feeds."""

    type: str
    data: str


class EventTooLong(ValueError):
    """An event went on beyond MOST_CHARACTERS."""


class EventReader:
    """Takes the stream in pieces cut anywhere, also inside a character or between CR and LF. Bytes that are no UTF-8
    become replacement characters; lines that are no field are passed over, as the standard wants."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest: list[str] = []
        self._ends_in_cr = False
        self._type = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[ServerEvent]:
        """The events that this piece ends. Raises EventTooLong. One that the stream's end leaves open never comes."""
        text = self._decoder.decode(piece)
        if self._ends_in_cr and text:
            text = text.removeprefix("\n")  # the second half of a line end that is counted already
            self._ends_in_cr = False
        self._ends_in_cr = self._ends_in_cr or text.endswith("\r")
        *lines, rest = _LINE_END.split(text)
        if lines:
            lines[0] = "".join((*self._rest, lines[0]))
            self._size -= sum(map(len, self._rest))
            self._rest = []
        events = [event for line in lines if (event := self._take(line)) is not None]
        self._rest.append(rest)
        self._size += len(rest)
        if self._size > MOST_CHARACTERS:
            raise EventTooLong
        return events

    def _take(self, line: str) -> ServerEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._size += len(value) + 1
        elif name == "event":
            self._type = value
        return None

    def _dispatch(self) -> ServerEvent | None:
        event = ServerEvent(self._type or "message", "\n".join(self._data)) if self._data else None
        self._type, self._data, self._size = "", [], 0
        return event
