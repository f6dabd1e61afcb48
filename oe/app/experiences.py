"""Reading experiences: which file is meant, the experience in it, and those that it nests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, cast

from oe.diagnostics import Problem
from oe.errors import ExitCode, NotFoundError, OeError, SpecError
from oe.lang.document import Document
from oe.spec.model import Experience, Node
from oe.store.local_files import LocalFiles
from oe.values import Json

if TYPE_CHECKING:
    from oe.ports.kind import NestingKind, NodeKind

__all__ = ["Experience", "Loaded", "files_nested_in", "find_file", "kinds_by_name", "load_experience", "read_alone",
           "read_document", "read_experience", "schema_loader"]

FILE_NAMES = ("experience.yaml", "experience.yml", "experience.json")
"""What an experience's file is called in its directory, first one first."""


def kinds_by_name() -> Mapping[str, NodeKind]:
    """Every node kind by its name."""
    from oe.kinds import KINDS

    return KINDS


class Loaded(NamedTuple):
    """A spec that was read: the experience unless there are errors, and every problem."""

    experience: Experience | None
    problems: list[Problem]


def find_file(path: str) -> str:
    """The experience file that PATH means: a directory's own, or the file itself. Raises NotFoundError."""
    if os.path.isdir(path):
        for name in FILE_NAMES:
            if os.path.isfile(os.path.join(path, name)):
                return os.path.join(path, name)
        raise NotFoundError(f"no experience in '{path}'",
                            hint=f"expected {' or '.join(FILE_NAMES)}; `oe init` makes one")
    if not os.path.isfile(path):
        what = "neither a file nor a directory" if os.path.exists(path) else "no such file or directory"
        raise NotFoundError(f"{what}: '{path}'")
    return path


def read_experience(path: str) -> Loaded:
    """Reads and checks an experience and those that it nests, at any depth; runs and creates nothing. A text that
    cannot be read is a problem too."""
    file = find_file(path)
    loaded = read_alone(file)
    if loaded.experience is None:
        return loaded
    problems = list(loaded.problems)
    known = {os.path.realpath(file)}
    left = [_beside(file, inner) for inner in files_nested_in(loaded.experience)]
    while left:
        inner = left.pop(0)
        if os.path.realpath(inner) in known:
            continue
        known.add(os.path.realpath(inner))
        child = read_alone(inner)
        problems += child.problems
        if child.experience is not None:
            left += [_beside(inner, deeper) for deeper in files_nested_in(child.experience)]
    has_errors = any(problem.severity == "error" for problem in problems)
    return Loaded(None if has_errors else loaded.experience, problems)


def files_nested_in(experience: Experience, nodes: Iterable[Node] | None = None) -> Iterator[str]:
    """The files of the experiences that the nodes of one carry out, or some of them, relative to its folder."""
    kinds = kinds_by_name()
    nesting = [node for node in nodes or experience.nodes.values() if kinds[node.kind].is_nested]
    if not nesting:
        return
    files = LocalFiles(experience.folder)
    for node in nesting:
        with suppress(OeError):  # the check of the node's kind has told it
            file = cast("NestingKind", kinds[node.kind]).child_file(node, files)
            files.absolute(file)
            yield file.removeprefix("./")


def _beside(file: str, other: str) -> str:
    return os.path.normpath(os.path.join(os.path.dirname(file), other))


def read_alone(file: str) -> Loaded:
    """Reads and checks one experience file, without those that it nests."""
    from oe.spec.load import build_experience  # costs 15 ms, which looking at runs can do without

    try:
        document = read_document(file)
    except SpecError as error:
        return Loaded(None, list(error.problems))
    files = LocalFiles(os.path.dirname(os.path.abspath(file)))
    experience, problems = build_experience(document, kinds_by_name(), files)
    return Loaded(experience, problems)


def load_experience(path: str | os.PathLike[str]) -> Experience:
    """The experience of a directory or file. Raises SpecError with every error, NotFoundError."""
    loaded = read_experience(os.fspath(path))
    if loaded.experience is None:
        raise SpecError(loaded.problems)
    return loaded.experience


def read_document(file: str) -> Document:
    """The text of an experience file as values with their positions; nothing is checked. Raises SpecError, OeError."""
    try:
        with open(file, "rb") as stream:
            data = stream.read()
    except OSError as error:
        raise OeError(f"cannot read '{file}': {(error.strerror or str(error)).lower()}", code="unreadable",
                      exit_code=ExitCode.INVALID) from error
    return _parse(data, file)


def _parse(data: bytes, name: str) -> Document:
    if name.endswith(".json"):
        from oe.lang.json_reader import read_json

        return read_json(data, name)
    from oe.lang.yaml import read_yaml

    return read_yaml(data, name)


def schema_loader(files: LocalFiles) -> Callable[[str], Json]:
    """Reads the files that a `$ref` names."""
    return lambda path: _parse(files.read_bytes(path), path).value
