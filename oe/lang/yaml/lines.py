"""Lines of a block: where the next one begins, how deep it is, what may end it, and what to say when it is wrong."""

from __future__ import annotations

import re
from typing import NoReturn

from oe.lang.yaml.reading import Reading, shown
from oe.text import plural

_NEXT = re.compile(r"(?>(?:[ \t]*+(?:#[^\n]*+)?\n)*)( *+)")
_ODD_SPACES = "\xa0\u1680\u2000-\u200b\u202f\u205f\u3000"
_ODD_SPACE = re.compile(f"[^\n\"'#:{_ODD_SPACES}]*+:?([{_ODD_SPACES}])")
_BLOCK_ABOVE = re.compile(r"[:-] +[|>][-+1-9]{0,2}\Z")
_FEW_WORDS = 2
_END = re.compile(r"[ \t]*+(?:(?<=[ \t])#[^\n]*+)?\n")


def next_line(text: str, position: int) -> tuple[int, int, int]:
    """From the start of a line: start, first character and column of the next line that is neither blank nor a comment.

    Columns count from 0; at the end of the text the column is -1.
    """
    match = _NEXT.match(text, position)
    assert match is not None  # the pattern matches the empty string
    start, content = match.span(1)
    return start, content, content - start if content < len(text) else -1


def skip_white(text: str, position: int) -> int:
    """The offset of the next character that is neither space nor tab."""
    while text[position] in " \t":
        position += 1
    return position


def is_entry(text: str, position: int) -> bool:
    """Whether a '-' that begins a sequence entry stands here."""
    return text[position] == "-" and text[position + 1] in " \t\n"


def end_of_value(reading: Reading, start: int, end: int) -> int:
    """The start of the line after a value; fails where more than a comment follows on its last line."""
    text = reading.text
    match = _END.match(text, end)
    if match is not None:
        return match.end()
    return _refuse_rest(reading, start, skip_white(text, end))


def _refuse_rest(reading: Reading, start: int, content: int) -> NoReturn:
    """Fail at what follows a value that began at `start`; it is told apart by what was probably meant."""
    text = reading.text
    if text[content] == ":" and text[content + 1] in " \t\n":
        if text[start] in "[{":
            from oe.lang.yaml.entries import refuse_complex_key

            refuse_complex_key(reading, start)
        line = text.rfind("\n", start, content) + 1
        if line and text[start] in "\"'":
            reading.fail("yaml-key-form", start, "a key of more than one line", "write it on one line")
        if line:
            reading.fail("yaml-indentation", skip_white(text, line),
                         "wrong indentation: a key inside the value that began above",
                         "give it the indentation of the keys beside it, or quote the value")
        reading.fail("yaml-nested-mapping", content, "a second ': ' on one line",
                     "quote the value, or put the inner mapping on the next line")
    if text[content] == "#":
        reading.fail("yaml-unexpected-character", content, "expected a space before '#'")
    line_end = text.index("\n", content)
    if text[start] in "\"'" and "\n" in text[start:content]:
        reading.fail("yaml-unclosed-quote", start,
                     f"the string ends on line {reading.positions.span(content).line}, with text after it",
                     f"close it with {text[start]} where it should end")
    inner = text[start] == "'" == text[content - 1]
    reading.fail("yaml-trailing-text", content, f"unexpected {shown(text[content:line_end].rstrip())} after the value",
                 "a quote inside is written ''" if inner else "quote the whole value")


def refuse_key_in_sequence(reading: Reading, line: int, indent: int, parent: int) -> None:
    """Fail where a sequence ended at a line of its own indentation that belongs to no collection around it."""
    _, content, column = next_line(reading.text, line)
    text = reading.text
    if column == indent > parent and text[content] != "\t":
        _refuse_odd_space(reading, content, "yaml-indentation")
        hint = "indent it as deep as the text of the entry it belongs to, or less than the sequence"
        if text[content] == "-" and text[content + 1] != "-":
            hint = f"put a space after the dash: {shown('- ' + _line(text, content + 1))}"
        reading.fail("yaml-indentation", content, "a line without '- ' among the entries of a sequence", hint)


def refuse_leftover(reading: Reading, content: int, column: int, value_column: int) -> NoReturn:
    """Fail at a line after the value of the document."""
    if column < value_column:
        reading.fail("yaml-indentation", content,
                     f"wrong indentation: {plural(column, 'space')}, where the first line has {value_column}",
                     "give the lines of one level the same indentation")
    if reading.text[content] == "\t":
        reading.fail("yaml-tab-indent", content, "a tab as indentation", "indent with spaces")
    reading.fail("yaml-trailing-text", content, "text after the value of the document",
                 "one file holds one value; is the line before it indented too little?")


def refuse_line(reading: Reading, content: int, column: int, indent: int) -> NoReturn:
    """Fail at a line that is no entry of the collection it stands in, whose entries are indented by `indent`."""
    text = reading.text
    if text[content] == "\t":
        reading.fail("yaml-tab-indent", content, "a tab as indentation", "indent with spaces")
    if column != indent:
        reading.fail("yaml-indentation", content,
                     f"wrong indentation: {plural(column, 'space')}, where the entries of this level have {indent}",
                     "give the lines of one level the same indentation")
    if is_entry(text, content):
        reading.fail("yaml-indentation", content, "a sequence entry among the keys of a mapping",
                     "indent the sequence deeper than the keys beside it")
    _refuse_odd_space(reading, content, "yaml-expected-key")
    line = _line(text, content)
    word = line.replace("\t", " ").split(" ", 1)[0]
    hint = "write 'key: value'"
    if ":" in word[:-1] and word[0] not in "\"'[{":
        hint = f"put a space after the colon: '{word.replace(':', ': ', 1)}'"
    elif len(line.split()) > _FEW_WORDS or _BLOCK_ABOVE.search(text[:content].rstrip().rpartition("\n")[2]):
        hint += "; a line that belongs to the text above is indented deeper than its key"
    reading.fail("yaml-expected-key", content, f"expected 'key: value', found {shown(line)}", hint)


def _line(text: str, position: int) -> str:
    return text[position: text.index("\n", position)]


def _refuse_odd_space(reading: Reading, content: int, code: str) -> None:
    """Fail at a white space that YAML takes for a letter, as it comes with what is copied from a page."""
    odd = _ODD_SPACE.match(reading.text, content)
    if odd is not None:
        reading.fail(code, odd.start(1), f"the space here is U+{ord(odd[1]):04X}, which YAML takes for a letter",
                     "replace it by a plain space")
