"""argparse with this program's manners: usage errors are UsageError, help goes to the console, options are shared."""

from __future__ import annotations

import argparse
from typing import IO, NoReturn

from oe.cli.console import Console
from oe.errors import UsageError


class HelpShown(Exception):
    """The user asked for help and got it."""


class Parser(argparse.ArgumentParser):
    """A command's parser. Options cannot be abbreviated: a script must not change meaning with a new option."""

    def __init__(self, *, prog: str, description: str, console: Console) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)
        self._console = console

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"`{self.prog} --help` shows the options")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise HelpShown

    def print_help(self, file: IO[str] | None = None) -> None:  # type: ignore[override]
        self._console.result(self.format_help().rstrip())


def add_path(parser: argparse.ArgumentParser) -> None:
    """The positional PATH of commands that work on an experience."""
    parser.add_argument("path", nargs="?", default=".", metavar="PATH",
                        help="experience directory or its YAML or JSON file (default: this directory)")


def add_experience(parser: argparse.ArgumentParser) -> None:
    """`-e PATH` of commands whose positional is something else."""
    parser.add_argument("-e", "--experience", dest="path", default=".", metavar="PATH",
                        help="experience directory or its YAML or JSON file (default: this directory)")


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """`--data-dir`."""
    parser.add_argument("--data-dir", metavar="DIR",
                        help="folder for runs and state (default: $OE_DATA_DIR, or .openexpertise beside the experience)")


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
