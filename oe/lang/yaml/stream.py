"""The frame of a YAML text: directives, document markers, and the refusal of a second document."""

from __future__ import annotations

import re
from typing import NamedTuple

from oe.lang.yaml.reading import Reading, shown

_BLANK = re.compile(r"(?>(?:[ \t]*+(?:#[^\n]*+)?\n)*)")
_MARKER = r"^(?:---|\.\.\.)(?=[ \t\n])"
_DIRECTIVE = r"%([^ \t\n]*)([^\n#]*)(?:(?<=[ \t])#[^\n]*)?\n"


class Frame(NamedTuple):
    """Where the one document of a text stands: offsets of its content, and whether `---` stands before it."""

    start: int
    end: int
    explicit: bool


def find_document(reading: Reading) -> Frame | None:
    """The one document; None where the stream is empty. Fails on a second one and on directives out of place."""
    text = reading.text
    if text[0] not in "%-.# \t\n" and "\n---" not in text and "\n..." not in text:
        return Frame(0, len(text), False)
    frame = _find_start(reading)
    if frame is None:
        return None
    marker = re.compile(_MARKER, re.MULTILINE).search(text, frame.start)
    if marker is None:
        return frame
    if marker[0] == "---":
        _refuse_second(reading, marker.start())
    _end_of_marker(reading, marker.end())
    rest = marker.start()
    while text.startswith("...", rest):
        _end_of_marker(reading, rest + 3)
        rest = _next_line(text, text.index("\n", rest) + 1)
    if rest < len(text):
        _refuse_second(reading, rest)
    return Frame(frame.start, marker.start(), frame.explicit)


def _find_start(reading: Reading) -> Frame | None:
    text = reading.text
    directive = -1
    position = _next_line(text, 0)
    while position < len(text):
        mark = text[position: position + 3] if text[position + 3: position + 4] in ("", " ", "\t", "\n") else ""
        if mark == "---":
            return Frame(position + 3, len(text), True)
        if mark == "..." and directive < 0:
            _end_of_marker(reading, position + 3)
        elif text[position] == "%":
            _read_directive(reading, position, directive >= 0)
            directive = position
        elif directive >= 0:
            break
        else:
            return Frame(position, len(text), False)
        position = _next_line(text, text.index("\n", position) + 1)
    if directive >= 0:
        reading.fail("yaml-directive", directive, "a directive without a document", "write '---' on the next line")
    return None


def _read_directive(reading: Reading, position: int, repeated: bool) -> None:
    match = re.compile(_DIRECTIVE).match(reading.text, position)
    name, value = (match[1], match[2].strip()) if match else ("", "")
    if name != "YAML" or value != "1.2":
        reading.fail("yaml-directive", position, f"directive {shown(f'%{name} {value}'.rstrip())} is not supported",
                     "only '%YAML 1.2' is; most files need none")
    if repeated:
        reading.fail("yaml-directive", position, "a second '%YAML' directive")


def _next_line(text: str, position: int) -> int:
    """The start of the next line, from one on, that is neither blank nor a comment; the end where there is none."""
    match = _BLANK.match(text, position)
    assert match is not None  # the pattern matches the empty string
    return match.end()


def _end_of_marker(reading: Reading, position: int) -> None:
    line = reading.text[position: reading.text.index("\n", position)]
    if line.strip(" \t") and not line.lstrip(" \t").startswith("#"):
        offset = position + len(line) - len(line.lstrip(" \t"))
        reading.fail("yaml-trailing-text", offset, "text after the document end marker '...'")


def _refuse_second(reading: Reading, position: int) -> None:
    reading.fail("yaml-multiple-documents", position, "a second document begins here; one file holds one document",
                 "move it to a file of its own")
