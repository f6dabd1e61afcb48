"""Finds what a `$ref` of a schema names: a part of the same document, or of a file that the caller loads."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from oe.errors import OeError
from oe.text import clip, did_you_mean
from oe.values import Json

Load: TypeAlias = "Callable[[str], Json]"

_LONGEST_INDEX = 9


class Target(NamedTuple):
    """The schema a reference leads to, and the file that holds it ('' for the document itself)."""

    schema: Json
    file: str


class RefProblem(Exception):
    """A reference leads nowhere, or is of a refused kind."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class References:
    """Resolves the references of one root schema; every file is loaded once."""

    def __init__(self, root: Json, load: Load | None) -> None:
        self._load = load
        self._documents: dict[str, Json] = {"": root}

    def resolve(self, reference: str, file: str) -> Target:
        """The target of a reference that stands in `file`. Raises RefProblem."""
        target_file, fragment = split_reference(reference, file)
        if target_file not in self._documents:
            self._documents[target_file] = self._loaded(target_file, reference)
        if fragment and not fragment.startswith("/"):
            raise RefProblem(f"anchor '#{clip(fragment, 40)}' is not available", "refer to '#/$defs/name'")
        return Target(_part(self._documents[target_file], fragment, reference), target_file)

    def _loaded(self, file: str, reference: str) -> Json:
        if self._load is None:
            raise RefProblem(f"file reference '{clip(reference, 80)}' is not available here",
                             "put the schema under $defs and refer to '#/$defs/name'")
        try:
            return self._load(file)
        except OeError as error:
            raise RefProblem(f"cannot read '{clip(file, 80)}': {error.message}", error.hint) from error


def split_reference(reference: str, file: str) -> tuple[str, str]:
    """The file that a reference in `file` leads to, and the fragment in it. Raises RefProblem."""
    name, _, fragment = reference.partition("#")
    name, fragment = _unquoted(name), _unquoted(fragment)
    return (_joined(file, name, reference) if name else file), fragment


def _unquoted(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote  # only for the few references that are escaped

    return unquote(text)


def _joined(base: str, name: str, reference: str) -> str:
    """`./schemas/b.json` for `b.json` inside `./schemas/a.json`."""
    scheme = name.split(":", 1)[0] if ":" in name.split("/", 1)[0] else ""
    if scheme or name.startswith("//"):
        raise RefProblem(f"remote reference '{clip(reference, 80)}' is not available",
                         "copy the schema into a file and refer to './file.json'")
    if name.startswith("/"):
        raise RefProblem(f"reference '{clip(reference, 80)}' is an absolute path", "write a path relative to this file")
    parts: list[str] = []
    for part in [*base.split("/")[:-1], *name.split("/")]:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts if parts[:1] == [".."] else [".", *parts])


def _part(document: Json, pointer: str, reference: str) -> Json:
    """The part of a document that a JSON Pointer names (RFC 6901)."""
    value = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and _is_index(key) and int(key) < len(value):
            value = value[int(key)]
        else:
            hint = did_you_mean(key, value) if isinstance(value, dict) else None
            raise RefProblem(f"'{clip(reference, 80)}' leads nowhere: there is no '{clip(key, 40)}'", hint)
    return value


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdecimal() and len(key) <= _LONGEST_INDEX and (key == "0" or key[0] != "0")
