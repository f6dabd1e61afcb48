"""Reads experiences in tests as the program does: with every declared kind and the real files of a folder."""

from __future__ import annotations

from pathlib import Path

from oe.diagnostics import Problem
from oe.errors import SpecError
from oe.kinds import KINDS
from oe.lang.yaml import read_yaml
from oe.ports.kind import NodeKind
from oe.spec.load import build_experience
from oe.spec.model import Experience
from oe.store.local_files import LocalFiles

ALL_KINDS: tuple[NodeKind, ...] = tuple(KINDS.values())


def read_spec(text: str | bytes, folder: Path, name: str = "experience.yaml") -> tuple[Experience | None, list[Problem]]:
    """The experience of a text and every problem, a text that cannot be read included."""
    try:
        document = read_yaml(text, name)
    except SpecError as error:
        return None, list(error.problems)
    return build_experience(document, {kind.name: kind for kind in ALL_KINDS}, LocalFiles(folder))


def answer(file: Path) -> str:
    """What is said of a file: one line for each problem, then whether it can be run."""
    experience, problems = read_spec(file.read_bytes(), file.parent, file.name)
    verdict = "refused" if experience is None else "accepted"
    return "".join(f"{problem}\n" for problem in problems) + f"{verdict}\n"
