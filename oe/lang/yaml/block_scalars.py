"""Literal and folded blocks, `|` and `>` (YAML 1.2 §8.1)."""

from __future__ import annotations

import re

from oe.lang.yaml.reading import Reading

_HEADER = re.compile(r"[|>](?:([1-9])([-+])?|([-+])([1-9])?)?[ \t]*+(?:(?<=[ \t])#[^\n]*+)?\n")
_BLANK_LINES = re.compile(r"(?>(?: *+\n)*)")


def read_block_scalar(reading: Reading, position: int, parent: int) -> tuple[str, int]:
    """The string whose indicator stands at `position`, and the start of the line after it.

    Its lines are indented deeper than `parent`, by as many spaces as its header or its first line says.
    """
    text = reading.text
    header = _HEADER.match(text, position)
    if header is None:
        reading.fail("yaml-block-header", position, f"text after '{text[position]}' on its line",
                     "the text of a block begins on the next line; quote the value if it is not a block")
    chomping = header[2] or header[3]
    digit = header[1] or header[4]
    start = header.end()
    indent = max(parent, 0) + int(digit) if digit else _detect_indent(reading, start, parent)
    lines, end = _take_lines(text, start, indent)
    trailing = 0
    while lines and not lines[-1]:
        lines.pop()
        trailing += 1
    _check_end(reading, end, indent, parent)
    if lines and trailing and end == len(text) and reading.open_end:
        trailing -= 1  # the spaces after the last line feed are no line
    body = "\n".join(lines) if text[position] == "|" else _fold(lines)
    return body + _tail(bool(lines), trailing, chomping), end


def _tail(filled: bool, trailing: int, chomping: str | None) -> str:
    if chomping == "-":
        return ""
    if chomping == "+":
        return "\n" * (trailing + filled)
    return "\n" if filled else ""


def _detect_indent(reading: Reading, start: int, parent: int) -> int:
    text = reading.text
    match = _BLANK_LINES.match(text, start)
    assert match is not None  # the pattern matches the empty string
    content = match.end()
    while text.startswith(" ", content):
        content += 1
    indent = content - match.end()
    blank = max(len(line) for line in text[start: match.end()].split("\n"))
    if indent <= parent or content >= len(text):
        return max(parent + 1, blank)
    if blank > indent:
        reading.fail("yaml-indentation", match.end() + indent,
                     f"the first line of the block is indented by {indent} spaces, a blank line before it by {blank}",
                     "take the spaces out of the blank line")
    return indent


def _take_lines(text: str, start: int, indent: int) -> tuple[list[str], int]:
    """The lines of the block without their indentation, and where the first line that is not one of them starts."""
    prefix = " " * indent
    lines = []
    position = start
    length = len(text)
    while position < length:
        end = text.index("\n", position)
        if text.startswith(prefix, position) and end - position >= indent:
            lines.append(text[position + indent: end])
        elif not text[position:end].strip(" "):
            lines.append("")
        else:
            break
        position = end + 1
    return lines, position


def _check_end(reading: Reading, end: int, indent: int, parent: int) -> None:
    """Fail at a line that is indented, but not as deep as the block, or by a tab: it belongs to nothing."""
    text = reading.text
    content = end
    while text.startswith(" ", content):
        content += 1
    if content == len(text):
        return
    column = content - end
    if text[content] == "\t":
        reading.fail("yaml-tab-indent", content, "a tab as indentation", "indent with spaces")
    if parent < column < indent and text[content] != "#":
        reading.fail("yaml-indentation", content, f"indented by {column} spaces, the block before it by {indent}",
                     "indent every line of a block alike")


def _fold(lines: list[str]) -> str:
    """Lines joined as §8.1.3 says: single breaks become spaces but next to lines that begin with white space."""
    pieces: list[str] = []
    breaks = 0
    indented = True  # no fold before the first line
    for line in lines:
        if not line:
            breaks += 1
            continue
        starts_white = line[0] in " \t"
        if not pieces:
            pieces.append("\n" * breaks)
        elif indented or starts_white:
            pieces.append("\n" * (breaks + 1))
        else:
            pieces.append("\n" * breaks or " ")
        pieces.append(line)
        breaks, indented = 0, starts_white
    return "".join(pieces)
