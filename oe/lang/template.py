"""Templates: JSON values in which whole strings are references, and texts with `{{ path }}` holes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from oe.errors import NodeError
from oe.lang import literal
from oe.lang.document import Path
from oe.lang.errors import LangError
from oe.lang.reference import Reference, parse_reference, require, scan_bare, scan_reference
from oe.lang.scope import Scope
from oe.text import clip
from oe.values import Json, compact

DEEPEST_VALUE = 128
LONGEST_TEXT = 64 * 1024 * 1024
"""Characters of a rendered text; a template that multiplies a large value ends here instead of in memory."""

_Resolver = Callable[[Scope], Json]


class ValueTemplate:
    """A JSON value in which every string that is wholly a reference stands for what it leads to, type kept.

    `$$` at the start of a string stands for one `$`. Parts without references are built once and shared.
    """

    __slots__ = ("_constant", "_references", "_resolver")

    def __init__(self, constant: Json, resolver: _Resolver | None, references: list[tuple[Path, Reference]]) -> None:
        self._constant = constant
        self._resolver = resolver
        self._references = references

    @property
    def is_constant(self) -> bool:
        """Whether the value holds no reference."""
        return self._resolver is None

    def resolve(self, scope: Scope) -> Json:
        """The value with its references replaced. Raises NodeError `missing-value`, not retryable."""
        return self._constant if self._resolver is None else self._resolver(scope)

    def references(self) -> list[tuple[Path, Reference]]:
        """Every reference with the path of the string that it stands in."""
        return list(self._references)


def compile_value(value: Json) -> ValueTemplate:
    """The template of a value. Raises the first LangError, with the `path` of the string inside the value."""
    template, problems = compile_sound_part(value)
    if problems:
        raise problems[0]
    return template


def compile_sound_part(value: Json) -> tuple[ValueTemplate, list[LangError]]:
    """The template of a value without its faulty strings, so that its other references can be checked, and every fault,
    each with `path` and `offset`."""
    compiler = _Compiler()
    constant, resolver = compiler.build(value, ())
    return ValueTemplate(constant, resolver, compiler.references), compiler.problems


def value_problems(value: Json) -> list[LangError]:
    """Every fault of a value template, each with `path` and `offset`."""
    return compile_sound_part(value)[1]


class _Compiler:
    """Walks a value once; gathers its references and faults."""

    def __init__(self) -> None:
        self.references: list[tuple[Path, Reference]] = []
        self.problems: list[LangError] = []

    def build(self, value: Json, path: Path) -> tuple[Json, _Resolver | None]:
        """The value as a constant, or what resolves it."""
        if isinstance(value, str):
            return self._string(value, path) if value.startswith("$") else (value, None)
        if isinstance(value, dict | list) and len(path) >= DEEPEST_VALUE:
            self._refuse(LangError(f"value is nested deeper than {DEEPEST_VALUE} levels"), path)
        elif isinstance(value, dict):
            return self._mapping(value, path)
        elif isinstance(value, list):
            return self._sequence(value, path)
        return value, None

    def _string(self, text: str, path: Path) -> tuple[Json, _Resolver | None]:
        if not _is_reference_like(text):
            return (text[1:] if text.startswith("$$") else text), None
        try:
            reference = parse_reference(text)
        except LangError as error:
            plain = f"write '${clip(text, 40)}' for the literal text"
            joint = " or " if (error.hint or "").endswith("?") else ", or "
            error.hint = f"{error.hint}{joint}{plain}" if error.hint else plain
            self._refuse(error, path)
            return None, None
        self.references.append((path, reference))
        return None, lambda scope: require(reference, scope)

    def _mapping(self, value: dict[str, Json], path: Path) -> tuple[Json, _Resolver | None]:
        parts = {key: self.build(part, (*path, key)) for key, part in value.items()}
        constant: dict[str, Json] = {key: part for key, (part, _) in parts.items()}
        live = [(key, resolver) for key, (_, resolver) in parts.items() if resolver is not None]
        if not live:
            return constant, None

        def resolve(scope: Scope) -> Json:
            resolved = dict(constant)
            for key, resolver in live:
                resolved[key] = resolver(scope)
            return resolved
        return None, resolve

    def _sequence(self, value: list[Json], path: Path) -> tuple[Json, _Resolver | None]:
        parts = [self.build(part, (*path, index)) for index, part in enumerate(value)]
        constant = [part for part, _ in parts]
        live = [(index, resolver) for index, (_, resolver) in enumerate(parts) if resolver is not None]
        if not live:
            return constant, None

        def resolve(scope: Scope) -> Json:
            resolved = list(constant)
            for index, resolver in live:
                resolved[index] = resolver(scope)
            return resolved
        return None, resolve

    def _refuse(self, error: LangError, path: Path) -> None:
        error.path = path
        self.problems.append(error)


def _is_reference_like(text: str) -> bool:
    """`$` before a name, `.`, `[` or `{` means a reference; `$5`, `$ 5`, `$(x)`, a lone `$` and `$$` do not."""
    following = text[1:2]
    return literal.is_name_start(following) or following in (".", "[", "{")


class _Hole(NamedTuple):
    """One `{{ }}`: a reference."""

    reference: Reference


class TextTemplate:
    """A text with holes. Strings are inserted as they are, everything else as compact JSON."""

    __slots__ = ("_parts",)

    def __init__(self, parts: list[str | _Hole]) -> None:
        self._parts = parts

    @property
    def is_constant(self) -> bool:
        """Whether the text has no holes."""
        return not any(isinstance(part, _Hole) for part in self._parts)

    def render(self, scope: Scope) -> str:
        """The text with its holes filled. Raises NodeError `missing-value`, not retryable."""
        pieces = []
        length = 0
        for part in self._parts:
            piece = part if isinstance(part, str) else as_text(require(part.reference, scope))
            length += len(piece)
            if length > LONGEST_TEXT:
                raise NodeError(f"text grows beyond {LONGEST_TEXT} characters", name="TextTooLongError",
                                retryable=False, code="text-too-long")
            pieces.append(piece)
        return "".join(pieces)

    def references(self) -> list[Reference]:
        """Every reference, with its offset in the text."""
        return [part.reference for part in self._parts if isinstance(part, _Hole)]


def as_text(value: Json) -> str:
    """A value as a text template shows it."""
    if isinstance(value, str):
        return value
    try:
        return compact(value)
    except (ValueError, RecursionError) as error:
        raise NodeError("value cannot be written as JSON: a number is not finite, or it is nested too deeply",
                        name="ValueError", retryable=False, code="not-json") from error


def compile_text(text: str) -> TextTemplate:
    """The template of a text. Raises the first LangError."""
    parts, problems = _scan_text(text)
    if problems:
        raise problems[0]
    return TextTemplate(parts)


def text_problems(text: str) -> list[LangError]:
    """Every fault of a text template, each with `offset`."""
    return _scan_text(text)[1]


def _scan_text(text: str) -> tuple[list[str | _Hole], list[LangError]]:
    parts: list[str | _Hole] = []
    problems: list[LangError] = []
    position = 0
    while (opening := text.find("{{", position)) >= 0:
        parts.append(text[position:opening])
        try:
            part, position = _scan_hole(text, opening)
            parts.append(part)
        except LangError as error:
            error.code = "invalid-template"
            problems.append(error)
            closing = text.find("}}", max(error.offset, opening + 2))
            position = closing + 2 if closing >= 0 else len(text)
    parts.append(text[position:])
    return parts, problems


def _scan_hole(text: str, opening: int) -> tuple[str | _Hole, int]:
    start = literal.skip_space(text, opening + 2)
    part: str | _Hole
    character = text[start: start + 1]
    if character in ("'", '"'):
        part, end = literal.scan_string(text, start)
    elif character == "$":
        reference, end = scan_reference(text, start)
        part = _Hole(reference)
    elif literal.is_name_start(character) or character == "[":
        reference, end = scan_bare(text, start)
        part = _Hole(reference)
    elif not character or text.find("}}", start) < 0:
        raise _unclosed(opening)
    else:
        raise LangError("expected a name or a reference in '{{ }}'", start,
                        "write {{ '{{' }} for the braces themselves")
    end = literal.skip_space(text, end)
    if text.startswith("}}", end):
        return part, end + 2
    closing, reopening = text.find("}}", end), text.find("{{", end)
    if closing < 0 or 0 <= reopening < closing:
        raise _unclosed(opening)
    raise LangError(f"unexpected '{clip(text[end:closing].strip(), 20)}' in '{{{{ }}}}'", end,
                    "a template holds one path and an optional ?? 'default'")


def _unclosed(opening: int) -> LangError:
    return LangError("'{{' is not closed", opening, "end it with }}, or write {{ '{{' }} for the braces themselves")
