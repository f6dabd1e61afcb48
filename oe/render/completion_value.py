"""The command line as completion scripts need it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

PROGRAMS = ("oe", "oe.pyz")
"""The names under which the program is completed."""

PLACE_OPTIONS = ("-e", "--experience", "--data-dir")
"""Options that say which runs are meant: they are handed on to `oe completion --words`."""

Source: TypeAlias = Literal["nothing", "files", "folders", "words", "program"]
"""Where candidates come from; `program`: `oe completion --words LABEL` prints them."""


class Value(NamedTuple):
    """What stands in one place of the command line. `label` is the metavar; `words` are all candidates or none."""

    label: str
    source: Source
    words: tuple[str, ...] = ()


class Option(NamedTuple):
    """An option; `value` None for one that takes none."""

    names: tuple[str, ...]
    help: str
    value: Value | None
    repeats: bool


class CommandLine(NamedTuple):
    """One command. With `repeats` its last positional may stand any number of times."""

    name: str
    summary: str
    options: Sequence[Option]
    positionals: Sequence[Value]
    repeats: bool
