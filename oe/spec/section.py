"""One mapping of the document against its level: unknown, missing and ill-shaped keys are reported, the rest kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import cast

from oe.lang.document import Path
from oe.spec.keys import Key
from oe.spec.level import Level
from oe.spec.other_words import key_meant
from oe.spec.report import Report
from oe.spec.shape import Misfit, expected_text, find_misfits, found_text, is_plain, misfit_hint, quick_test
from oe.text import clip, nearest, parse_duration
from oe.values import Json, JsonObject


class KeyTable:
    """The keys of one mapping by name; of two with one name the later counts. `plain` are those whose values need no
    full schema checker; `fits` passes, for each, most of the values that fit."""

    __slots__ = ("fits", "keys", "plain", "required")

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = {key.name: key for key in keys}
        self.plain = frozenset(name for name, key in self.keys.items() if is_plain(key.schema))
        self.fits = {name: quick_test(key.schema) for name, key in self.keys.items()}
        self.required = [key for key in self.keys.values() if key.required]


class Section:
    """The keys of one mapping that are as they should be. `broken` names those that are written but are not: whoever
    uses the section says nothing more about them."""

    __slots__ = ("_table", "broken", "path", "values")

    def __init__(self, table: KeyTable, values: dict[str, Json], broken: frozenset[str], path: Path) -> None:
        self._table = table
        self.values = values
        self.broken = broken
        self.path = path

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def get(self, name: str) -> Json:
        """The value as written, or the key's default."""
        return self.values[name] if name in self.values else self._table.keys[name].default

    def text(self, name: str) -> str | None:
        """The value of a key that holds text."""
        return cast("str | None", self.get(name))

    def integer(self, name: str) -> int | None:
        """The value of a key that holds a whole number."""
        return cast("int | None", self.get(name))

    def flag(self, name: str) -> bool:
        """The value of a key that is true or false."""
        return cast("bool", self.get(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """The value of a key that holds texts, or one text; repetitions fall away."""
        value = self.get(name)
        if isinstance(value, str):
            return (value,)
        return tuple(dict.fromkeys(cast("list[str]", value or ())))

    def mapping(self, name: str) -> JsonObject:
        """The value of a key that holds a mapping; empty where it is missing."""
        return cast("JsonObject", self.get(name) or {})

    def items(self, name: str) -> list[Json]:
        """The value of a key that holds a list; empty where it is missing."""
        return cast("list[Json]", self.get(name) or [])

    def seconds(self, name: str) -> float | None:
        """The value of a key that holds a duration."""
        value = self.get(name)
        if isinstance(value, str):
            return parse_duration(value)
        return float(cast("float", value)) if value is not None else None


def read_section(report: Report, level: Level, value: Json, path: Path, noun: str | None = None) -> Section | None:
    """The good keys of a mapping of that level; what is wrong is reported. None where it is no mapping at all.

    `noun` is what messages call it, where that says more than the level's own.
    """
    table = _tables.get(level.name)
    if table is None:
        table = _tables[level.name] = KeyTable(level.keys)
    noun = noun or level.noun
    if not isinstance(value, dict):
        report.error("wrong-type", f"{noun} must be a mapping, found {found_text(value)}", path,
                     _mapping_hint(level, value))
        return None
    return read_keys(report, table, value, path, noun)


_tables: dict[str, KeyTable] = {}
"""Made once for each level, when it is first met."""


def read_keys(report: Report, table: KeyTable, value: JsonObject, path: Path, noun: str,
              *, is_open: bool = False) -> Section:
    """As `read_section`, for any table of keys. `is_open`: unknown keys are passed over."""
    good: dict[str, Json] = {}
    broken: list[str] = []
    meant: list[str] = []
    for name, part in value.items():
        key = table.keys.get(name)
        if key is None:
            if not is_open:
                meant.append(_refuse_unknown(report, noun, table, (*path, name), value))
            continue
        if not table.fits[name](part) and (misfits := find_misfits(part, key.schema, is_plain=name in table.plain)):
            for misfit in misfits:
                _refuse_misfit(report, key, misfit, path)
            broken.append(name)
            continue
        good[name] = part
        if key.accepted is not None:
            report.warning("accepted-key", key.accepted, (*path, name), key=True)
    for key in table.required:
        # A misspelt required key is one mistake: the hint at the unknown key already names it.
        if key.name not in value and key.name not in meant:
            report.error("missing-key", f"{noun} needs '{key.name}': {_lower(key.doc)}", path)
            broken.append(key.name)
    return Section(table, good, frozenset((*broken, *meant)), path)


def _refuse_unknown(report: Report, noun: str, table: KeyTable, at: Path, value: JsonObject) -> str:
    """Reports the key and returns the one that was probably meant, or an empty text."""
    name = str(at[-1])
    near = nearest(name, table.keys)
    missing = [key for key in table.keys if key not in value]
    meant = key_meant(name, missing) or key_meant(name, table.keys.keys() - {"id", "name"})
    bare = name.strip()
    colon = missing_colon(name, value[name], table.keys)
    if colon is not None:
        hint, near = colon, name.split(maxsplit=1)[0]
    elif bare != name and bare in table.keys:
        hint, near = f"write '{bare}': {name.replace(bare, '')[0]!a} beside it is part of the key", bare
    elif meant is not None:
        hint = f"write {meant if ':' in meant else repr(meant)} instead"
    else:
        hint = f"did you mean '{near}'?" if near else f"legal keys: {', '.join(table.keys)}"
    report.error("unknown-key", f"{noun} has no key '{clip(name, 60)}'", at, hint, key=True)
    return (meant or near or "").partition(":")[0]


def missing_colon(name: str, value: Json, legal: Collection[str]) -> str | None:
    """The hint for `{kind tool}`, which YAML reads as a key without a value."""
    word, _, rest = name.partition(" ")
    if value is not None or word not in legal or not rest:
        return None
    return f"put a colon after '{word}': '{word}: {clip(rest.strip(), 40)}'"


def _refuse_misfit(report: Report, key: Key, misfit: Misfit, path: Path) -> None:
    where = key.name + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in misfit.path)
    at = (*path, key.name, *misfit.path)
    if misfit.message is not None:
        report.error("bad-value", f"'{where}': {misfit.message}", at)
        return
    message = f"'{where}' must be {expected_text(misfit.schema, misfit.value)}, found {found_text(misfit.value)}"
    hint = misfit_hint(misfit) or key.otherwise
    if misfit.is_type:
        report.error("wrong-type", message, at, hint)
    else:
        report.error("bad-value", message, at, hint)


def _lower(doc: str) -> str:
    return doc[0].lower() + doc[1:].rstrip(".")


def _mapping_hint(level: Level, value: Json) -> str:
    if isinstance(value, str) and value and level.short:
        return f"write {{{level.short}: {clip(value, 40)}}}"
    names = [key.name for key in level.keys if key.required] or [level.keys[0].name]
    return f"such as {{{', '.join(f'{name}: …' for name in names)}}}"
