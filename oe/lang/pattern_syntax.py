"""Reads a regular expression as ECMA-262 writes it (as JSON Schema asks) and refuses by name what it does not take."""

from __future__ import annotations

from oe.lang.errors import LangError
from oe.lang.pattern_tree import (
    Assertion,
    Chars,
    Choice,
    Ranges,
    Regex,
    Repeat,
    Sequence,
    complement,
    python_char,
    python_class,
    union,
)

LONGEST_PATTERN = 2_000
DEEPEST_PATTERN = 40
MOST_REPEATS = 100_000

_DIGIT: Ranges = ((0x30, 0x39),)
_WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Ranges = ((0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
                  (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF))
_LINE_ENDS: Ranges = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
_SETS: dict[str, Ranges] = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_CONTROLS = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D}
_HEX_LENGTHS = {"x": 2, "u": 4}
_HEX = frozenset("0123456789abcdefABCDEF")
_LOOKS = ("?=", "?!", "?<=", "?<!")
_REFUSED_GROUPS = {"?P": "write (?<name>…) for a named group", "?#": "comments are not part of ECMA-262 patterns",
                   "?>": "atomic groups are not part of ECMA-262 patterns",
                   "?(": "conditional groups are not part of ECMA-262 patterns"}
_REFUSED_ESCAPES = {
    "A": "write ^ for the start", "Z": "write $ for the end", "z": "write $ for the end",
    "0": "write \\x00",
    "p": "write the ranges, such as [A-Za-zÀ-ɏ]", "P": "write the ranges, such as [^A-Za-z]",
    "k": "back references cannot be bounded", "Q": "escape each character by itself"}


def parse_pattern(text: str) -> Regex:
    """The tree of a pattern. Raises LangError `invalid-pattern` with the offset of the fault."""
    if len(text) > LONGEST_PATTERN:
        raise _invalid(f"pattern of {len(text)} characters is too long", 0, f"at most {LONGEST_PATTERN}")
    reader = _Reader(text)
    tree = reader.choice(0)
    if reader.position < len(text):
        raise _invalid("')' closes nothing", reader.position, "write \\) for the character itself")
    return tree


def _invalid(message: str, offset: int, hint: str | None = None) -> LangError:
    return LangError(message, offset, hint, code="invalid-pattern")


class _Reader:
    """Reads from left to right; `depth` counts open groups."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.position = 0

    def _peek(self, length: int = 1) -> str:
        return self._text[self.position: self.position + length]

    def _take(self, expected: str) -> bool:
        if self._text.startswith(expected, self.position):
            self.position += len(expected)
            return True
        return False

    def choice(self, depth: int) -> Regex:
        """Alternatives up to the end or a closing parenthesis."""
        if depth > DEEPEST_PATTERN:
            raise _invalid("groups are nested too deeply", self.position, f"at most {DEEPEST_PATTERN} levels")
        alternatives = [self._sequence(depth)]
        while self._take("|"):
            alternatives.append(self._sequence(depth))
        return alternatives[0] if len(alternatives) == 1 else Choice(tuple(alternatives))

    def _sequence(self, depth: int) -> Regex:
        parts: list[Regex] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._quantified(self._atom(depth)))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _quantified(self, atom: Regex) -> Regex:
        start = self.position
        bounds = self._bounds()
        if bounds is None:
            return atom
        if isinstance(atom, Assertion):
            raise _invalid("an assertion cannot be repeated", start)
        lazy = self._take("?")
        if self._peek() == "+":
            raise _invalid("possessive repeats are not part of ECMA-262 patterns", self.position)
        return Repeat(atom, *bounds, lazy)

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, least, most in (("*", 0, None), ("+", 1, None), ("?", 0, 1)):
            if self._take(sign):
                return least, most
        return self._counted() if self._peek() == "{" else None

    def _counted(self) -> tuple[int, int | None] | None:
        start = self.position
        end = self._text.find("}", start)
        least, comma, most = self._text[start + 1: end].partition(",") if end >= 0 else ("", "", "")
        if not least and comma and most.isdecimal():
            raise _invalid("a repeat needs its lower bound", start, f"write {{0,{most}}}")
        if not _is_count(least) or (most and not _is_count(most)):
            return None
        self.position = end + 1
        low = int(least)
        high = int(most) if most else None if comma else low
        if max(low, high or 0) > MOST_REPEATS:
            raise _invalid("repeat count is too large", start, f"at most {MOST_REPEATS}")
        if high is not None and high < low:
            raise _invalid(f"repeat bounds {{{low},{high}}} are out of order", start, f"write {{{high},{low}}}")
        return low, high

    def _atom(self, depth: int) -> Regex:
        char = self._peek()
        start = self.position
        if char in "*+?" or (char == "{" and self._counted() is not None):
            raise _invalid("there is nothing to repeat", start, f"write \\{char} for the character itself")
        self.position += 1
        match char:
            case "^":
                return Assertion("^", None)
            case "$":
                return Assertion(r"\Z", None)
            case ".":
                return Chars(complement(_LINE_ENDS), python_class(_LINE_ENDS, negated=True))
            case "(":
                return self._group(start, depth)
            case "[":
                return self._class(start)
            case "\\":
                return self._escape(start)
        return _char(ord(char))

    def _group(self, start: int, depth: int) -> Regex:
        look = next((kind for kind in _LOOKS if self._take(kind)), None)
        if look is None and not self._take("?:"):
            self._group_name(start)
        body = self.choice(depth + 1)
        if not self._take(")"):
            raise _invalid("'(' is not closed", start, "end it with ), or write \\( for the character itself")
        if look is not None:
            return Assertion(look, body)
        return body if isinstance(body, Chars | Choice) else Sequence((body,))

    def _group_name(self, start: int) -> None:
        if self._peek() != "?":
            return
        end = self._text.find(">", self.position)
        if self._peek(2) == "?<" and end > 0 and self._text[self.position + 2: end].isidentifier():
            self.position = end + 1
            return
        hint = _REFUSED_GROUPS.get(self._peek(2), "write [Aa] for a letter in either case, (?:…) for a plain group")
        raise _invalid(f"unknown group '({self._peek(2)}'", start, hint)

    def _escape(self, start: int) -> Regex:
        char = self._peek()
        if char in ("b", "B"):
            self.position += 1
            return Assertion("\\" + char, None)
        if char.lower() in _SETS and char:
            self.position += 1
            ranges = _SETS[char.lower()]
            if char.isupper():
                return Chars(complement(ranges), python_class(ranges, negated=True))
            return Chars(ranges, python_class(ranges))
        if char in "123456789" and char:
            raise _invalid(f"back reference '\\{char}' is not available", start, "back references cannot be bounded")
        return _char(self._escaped_code(start))

    def _escaped_code(self, start: int) -> int:
        """The code point of an escape that stands for one character; the position is after the backslash."""
        char = self._peek()
        self.position += 1
        if not char:
            raise _invalid("pattern ends with a backslash", start, "write \\\\ for the character itself")
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char in _HEX_LENGTHS:
            return self._hex_code(char, start)
        if char == "0" and self._peek() not in tuple("0123456789"):
            return 0
        if char == "c" and self._peek().isascii() and self._peek().isalpha():
            self.position += 1
            return ord(self._text[self.position - 1]) % 32
        if char.isascii() and not char.isalnum():
            return ord(char)
        if char in ("p", "P"):
            raise _invalid(f"character class '\\{char}{{…}}' is not available", start, _REFUSED_ESCAPES[char])
        raise _invalid(f"unknown escape '\\{char}'", start, _REFUSED_ESCAPES.get(char, f"write {char}"))

    def _hex_code(self, kind: str, start: int) -> int:
        if kind == "u" and self._take("{"):
            end = self._text.find("}", self.position)
            digits = self._text[self.position: end] if end >= 0 else ""
            self.position = end + 1
        else:
            digits = self._peek(_HEX_LENGTHS[kind])
            self.position += len(digits)
            if len(digits) != _HEX_LENGTHS[kind]:
                digits = ""
        if not digits or not _HEX.issuperset(digits) or int(digits, 16) > 0x10FFFF:
            raise _invalid(f"escape '\\{kind}' needs {_HEX_LENGTHS[kind]} hexadecimal digits", start)
        code = int(digits, 16)
        if 0xD800 <= code < 0xDC00 and self._peek(2) == "\\u" and _HEX.issuperset(self._peek(6)[2:]):
            low = int(self._peek(6)[2:] or "0", 16)
            if 0xDC00 <= low < 0xE000:
                self.position += 6
                return 0x10000 + ((code - 0xD800) << 10) + low - 0xDC00
        return code

    def _class(self, start: int) -> Regex:
        negated = self._take("^")
        ranges: list[tuple[int, int]] = []
        while not self._take("]"):
            if not self._peek():
                raise _invalid("'[' is not closed", start, "end it with ], or write \\[ for the character itself")
            ranges += self._class_part()
        members = union(ranges)
        return Chars(complement(members) if negated else members, python_class(members, negated=negated))

    def _class_part(self) -> Ranges:
        start = self.position
        first = self._class_atom()
        if self._peek() != "-" or self._peek(2) in ("-]", "-"):
            return first
        self.position += 1
        last = self._class_atom()
        if not _is_one(first) or not _is_one(last):
            raise _invalid("a range needs a character on both sides", start, "write \\- for the character itself")
        if first[0][0] > last[0][0]:
            raise _invalid(f"range '{self._text[start:self.position]}' is out of order", start)
        return ((first[0][0], last[0][0]),)

    def _class_atom(self) -> Ranges:
        start = self.position
        char = self._peek()
        self.position += 1
        if char != "\\":
            code = ord(char)
            return ((code, code),)
        escaped = self._peek()
        if escaped and escaped.lower() in _SETS:
            self.position += 1
            members = _SETS[escaped.lower()]
            return complement(members) if escaped.isupper() else members
        if escaped == "b":
            self.position += 1
            return ((0x08, 0x08),)
        code = self._escaped_code(start)
        return ((code, code),)


def _is_count(text: str) -> bool:
    return 0 < len(text) <= 9 and text.isascii() and text.isdecimal()


def _is_one(ranges: Ranges) -> bool:
    return len(ranges) == 1 and ranges[0][0] == ranges[0][1]


def _char(code: int) -> Chars:
    return Chars(((code, code),), python_char(code))
