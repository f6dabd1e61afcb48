"""References: `$.a.b[0]`, `$args.x`, `$item`, `$inputs['fetch-diff'].x ?? 'none'` — read, resolved, and explained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from oe.errors import NodeError
from oe.lang import literal
from oe.lang.errors import LangError
from oe.lang.scope import MISSING, Missing, Scope
from oe.text import clip, did_you_mean, nearest
from oe.values import Json, kind_of

ROOTS = ("args", "item", "index", "iter", "prev", "inputs")
"""The names that may follow `$`; `$.x` is the state field x."""

_NUMBERS = frozenset({"index", "iter"})
_WHERE = {
    "item": "it exists in a for_each, and in the stages of a pipeline",
    "index": "it exists in a for_each, and in the stages of a pipeline",
    "iter": "it exists in the body of a loop",
    "prev": "it exists in the stages of a pipeline, from the second on",
}
_LONGEST_INDEX = 15
_SHOWN_NAMES = 8

Segment = str | int


class Reference(NamedTuple):
    """A path to a value. `root` is 'state', one of ROOTS, or 'bare' (a name without `$` in a text template).

    `text` is the path as written, without its default; `offset` is where it starts in the text that holds it.
    """

    root: str
    segments: tuple[Segment, ...]
    offset: int
    default: Json | Missing
    text: str


def parse_reference(text: str, offset: int = 0) -> Reference:
    """The reference that the whole text from `offset` is, with an optional `?? literal`. Raises LangError."""
    start = literal.skip_space(text, offset)
    if text[start: start + 1] != "$":
        raise _invalid("a reference starts with '$'", start, "write $.field, $args.name or $item")
    found, position = scan_reference(text, start)
    position = literal.skip_space(text, position)
    if position < len(text):
        raise _after(text, position, found)
    return found


def scan_reference(text: str, start: int) -> tuple[Reference, int]:
    """The reference that starts with the `$` at `start`, with its default, and where it ends."""
    root, position = _scan_root(text, start)
    return _scan_rest(text, start, root, position)


def scan_bare(text: str, start: int) -> tuple[Reference, int]:
    """A path without `$`, as text templates allow: `name`, `diff-stat.files[0]`, `['odd key']`."""
    if text[start: start + 1] == "[":
        first, position = _scan_bracket(text, start)
        if isinstance(first, int):
            raise _invalid("a path starts with a name, not an index", start, "write {{ $item[0] }} or {{ name[0] }}")
        return _scan_rest(text, start, "bare", position, (first,))
    position = _dashed_name_end(text, start)
    return _scan_rest(text, start, "bare", position, (text[start:position],))


def _scan_root(text: str, start: int) -> tuple[str, int]:
    following = text[start + 1: start + 2]
    if following and following in ".[":
        return "state", start + 1
    end = literal.name_end(text, start + 1)
    name = text[start + 1: end]
    if name in ROOTS:
        return name, end
    if not name:
        how = "write it without braces: " if following == "{" else "write "
        raise _invalid("expected a name after '$'", start + 1, f"{how}$.field, $args.name or $item")
    if name == "state":
        raise _invalid("unknown reference '$state'", start, "the state is '$': write $.field")
    near = next((known for known in ROOTS if sorted(known) == sorted(name)), None) or nearest(name, ROOTS)
    raise _invalid(f"unknown reference '${clip(name, 40)}'", start,
                   f"did you mean '${near}'?" if near else f"write '$.{clip(name, 40)}' for the state field")


def _scan_rest(text: str, start: int, root: str, position: int,
               segments: tuple[Segment, ...] = ()) -> tuple[Reference, int]:
    more, end = _scan_segments(text, position, dashed=root == "bare")
    written = text[start:end]
    if more and root in _NUMBERS:
        raise _invalid(f"'${root}' is a number and has no parts", position)
    default: Json | Missing = MISSING
    after = literal.skip_space(text, end)
    if text.startswith("??", after):
        default, end = _scan_default(text, literal.skip_space(text, after + 2))
    return Reference(root, segments + more, start, default, written), end


def _scan_segments(text: str, position: int, *, dashed: bool) -> tuple[tuple[Segment, ...], int]:
    segments: list[Segment] = []
    while position < len(text):
        segment: Segment
        if text[position] == ".":
            segment, position = _scan_name(text, position + 1, dashed=dashed)
        elif text[position] == "[":
            segment, position = _scan_bracket(text, position)
        else:
            break
        segments.append(segment)
    return tuple(segments), position


def _scan_name(text: str, start: int, *, dashed: bool) -> tuple[str, int]:
    character = text[start: start + 1]
    if literal.is_name_start(character):
        end = _dashed_name_end(text, start) if dashed else literal.name_end(text, start)
        return text[start:end], end
    if character in literal.DIGITS:
        end = literal.name_end(text, start)
        raise _invalid("a name cannot start with a digit", start, f"write [{text[start:end]}] for an index")
    if character == "[":
        raise _invalid("unexpected '.' before '['", start - 1, "leave the dot out")
    found = f", found '{character}'" if character else ""
    raise _invalid(f"expected a name after '.'{found}", start, "write ['odd key'] for a name that is no identifier")


def _dashed_name_end(text: str, start: int) -> int:
    end = literal.name_end(text, start)
    while text[end: end + 1] == "-" and (text[end + 1: end + 2].isalnum() or text[end + 1: end + 2] == "_"):
        end = literal.name_end(text, end + 1)
    return end


def _scan_bracket(text: str, bracket: int) -> tuple[Segment, int]:
    start = literal.skip_space(text, bracket + 1)
    character = text[start: start + 1]
    segment: Segment
    if character in ("'", '"'):
        segment, end = literal.scan_string(text, start)
    elif character in literal.DIGITS:
        segment, end = _scan_index(text, start)
    elif character == "-":
        raise _invalid("an index counts from 0 and is not negative", start)
    else:
        end = literal.name_end(text, start)
        hint = f"write ['{text[start:end]}'] for a key" if end > start else "write [0] or ['key']"
        raise _invalid("expected an index or a quoted key in '[ ]'", start, hint)
    end = literal.skip_space(text, end)
    if text[end: end + 1] != "]":
        raise _invalid("'[' is not closed", bracket, "end it with ]")
    return segment, end + 1


def _scan_index(text: str, start: int) -> tuple[int, int]:
    end = start
    while text[end: end + 1] in literal.DIGITS:
        end += 1
    if end - start > _LONGEST_INDEX:
        raise _invalid("index is too large", start)
    return int(text[start:end]), end


def _scan_default(text: str, start: int) -> tuple[Json, int]:
    if text[start: start + 1] == "$":
        raise _invalid("a default is a literal, not a reference", start, "null, true, 5, 'text', [] or {}")
    try:
        return literal.scan_literal(text, start)
    except LangError as error:
        error.code = "invalid-reference"
        raise


def _after(text: str, position: int, found: Reference) -> LangError:
    rest = text[position:]
    if rest[0] == "?":
        return _invalid("unexpected '?'", position, "write ?? before a default")
    if rest[0] == "-" and position > 0 and text[position - 1] != " " and found.segments:
        end = _dashed_name_end(text, position - len(str(found.segments[-1])))
        name = text[position - len(str(found.segments[-1])): end]
        return _invalid("unexpected '-' in a reference", position, f"write ['{name}'] for a name that is no identifier")
    return _invalid(f"unexpected '{clip(rest, 20)}' after the reference '{clip(found.text, 60)}'", position)


def _invalid(message: str, offset: int, hint: str | None = None) -> LangError:
    return LangError(message, offset, hint, code="invalid-reference")


def resolve(reference: Reference, scope: Scope) -> Json | Missing:
    """The value that the reference leads to, its default where that is missing or null, MISSING where there is none."""
    value = _root(reference, scope)
    for segment in reference.segments[1:] if reference.root == "bare" else reference.segments:
        value = _part(value, segment)
        if value is MISSING:
            break
    if (value is MISSING or value is None) and reference.default is not MISSING:
        return reference.default
    return value


def _root(reference: Reference, scope: Scope) -> Json | Missing:
    match reference.root:
        case "state":
            return scope.state
        case "args":
            return scope.args
        case "item":
            return scope.item
        case "index":
            return scope.index
        case "iter":
            return scope.iteration
        case "prev":
            return scope.prev
        case "inputs":
            return scope.inputs
    name = str(reference.segments[0])
    for values in (scope.own, scope.args, scope.inputs, scope.reads):
        if name in values:
            return values[name]
    return MISSING


def _part(value: Json | Missing, segment: Segment) -> Json | Missing:
    if type(segment) is int:
        return value[segment] if isinstance(value, list) and segment < len(value) else MISSING
    if isinstance(value, dict) or (isinstance(value, Mapping) and not isinstance(value, Missing)):
        return value.get(str(segment), MISSING)
    return MISSING


def require(reference: Reference, scope: Scope) -> Json:
    """As `resolve`, but a missing value fails the node and names the nearest one."""
    value = resolve(reference, scope)
    if isinstance(value, Missing):
        message, hint = missing_message(reference, scope)
        raise NodeError(message, name="MissingValueError", retryable=False, hint=hint, code="missing-value")
    return value


def missing_message(reference: Reference, scope: Scope) -> tuple[str, str | None]:
    """Why a reference leads nowhere, and the nearest name at the level where it broke."""
    shown = clip(reference.text, 80)
    if reference.root == "bare":
        return _missing_bare(reference, scope, shown)
    value = _root(reference, scope)
    if value is MISSING:
        return f"'{shown}' has no value: there is no ${reference.root} here", _WHERE[reference.root]
    return _missing_part(reference.segments, value, "$" if reference.root == "state" else f"${reference.root}", shown)


def _missing_bare(reference: Reference, scope: Scope, shown: str) -> tuple[str, str | None]:
    name = str(reference.segments[0])
    value = _root(reference, scope)
    if value is not MISSING:
        return _missing_part(reference.segments[1:], value, name, shown)
    if name in ROOTS:
        return f"'{shown}' has no value: no argument, edge input or field '{name}'", f"write '${shown}'"
    names = [*scope.own, *scope.args, *scope.inputs, *scope.reads]
    return f"'{shown}' has no value: no argument, edge input or field '{clip(name, 40)}'", _nearest_hint(name, names)


def _missing_part(segments: tuple[Segment, ...], value: Json | Missing, so_far: str,
                  shown: str) -> tuple[str, str | None]:
    for segment in segments:
        part = _part(value, segment)
        if part is MISSING:
            why, hint = _broken(value, segment, clip(so_far, 80))
            return f"'{shown}' has no value: {why}", hint
        value = part
        so_far += f"[{segment}]" if isinstance(segment, int) else f".{segment}"
    return f"'{shown}' has no value", None


def _broken(value: Json | Missing, segment: Segment, so_far: str) -> tuple[str, str | None]:
    """What a value lacks, as a sentence, and the hint."""
    if isinstance(value, Mapping) and isinstance(segment, str):
        return _no_key(list(value), segment, so_far)
    if isinstance(value, list) and isinstance(segment, int):
        return f"'{so_far}' has {len(value)} item{'' if len(value) == 1 else 's'}, no [{segment}]", None
    if isinstance(value, list):
        lacking = f"'{so_far}' is a list and has no key '{clip(str(segment), 40)}'"
        return lacking, f"write {so_far}[0] for its first item"
    if isinstance(value, Mapping):
        return f"'{so_far}' is an object and has no index [{segment}]", _nearest_hint("", value)
    kind = "null" if value is None or isinstance(value, Missing) else f"{_article(kind_of(value))} {kind_of(value)}"
    return f"'{so_far}' is {kind} and has no parts", None


def _no_key(names: list[str], segment: str, so_far: str) -> tuple[str, str | None]:
    what = {"$": "state has no value for field", "$args": "no argument", "$inputs": "no edge input from"}
    lacking = what.get(so_far, f"'{so_far}' has no key")
    return f"{lacking} '{clip(segment, 40)}'", _nearest_hint(segment, names)


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeio" else "a"


def _nearest_hint(word: str, names: Iterable[str]) -> str | None:
    """The nearest name, or with none near the first few that exist."""
    known = [str(name) for name in names]
    found = did_you_mean(word, known)
    if found or not known:
        return found
    listed = ", ".join(f"'{clip(name, 40)}'" for name in known[:_SHOWN_NAMES])
    return f"there is {listed}" + (" …" if len(known) > _SHOWN_NAMES else "")
