"""argparse with this program's manners: usage errors are UsageError, help goes to the console, options are shared."""

from __future__ import annotations

import argparse
from typing import IO, NoReturn

from oe.cli.console import Console
from oe.errors import UsageError
from oe.text import did_you_mean

_NAMES = frozenset(("PATH", "DIR", "FILE", "RUN", "ID", "NODE", "NAME", "KEY", "FIELD", "TEXT"))
"""What options and positionals are called that hold names."""


class HelpShown(Exception):
    """The user asked for help and got it."""


class _Formatter(argparse.HelpFormatter):
    """Help of 80 columns that reads the same on every Python: `-e, --experience PATH` (3.13 began to write it so)."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26, width=80)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        return f"{', '.join(action.option_strings)} {self._format_args(action, action.dest.upper())}"


class Parser(argparse.ArgumentParser):
    """A command's parser. Options cannot be abbreviated: a script must not change meaning with a new option."""

    def __init__(self, *, prog: str, description: str, console: Console) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False, formatter_class=_Formatter)
        self._console = console

    def error(self, message: str) -> NoReturn:
        unknown = next((word for word in message.split() if word.startswith("-")), "")
        known = [option for action in self._actions for option in action.option_strings if option.startswith("--")]
        near = did_you_mean(unknown.partition("=")[0], known) if message.startswith("unrecognized") else None
        raise UsageError(message, hint=near or f"`{self.prog} --help` shows the options")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise HelpShown

    def finish(self) -> None:
        """Makes the usage line: to be called when all arguments have been added. argparse's own differs from Python to
        Python, and while it parses intermixed arguments it does not know any more which are optional."""
        positionals = [action for action in self._actions if not action.option_strings]
        forms = {"?": "[{}]", "*": "[{}...]"}
        words = [forms.get(str(action.nargs), "{}").format(action.metavar) for action in positionals]
        self.usage = " ".join([self.prog, *words, "[options]"])

    def listed_actions(self) -> list[argparse.Action]:
        """Every option and positional, in the order of the help."""
        return list(self._actions)

    def _check_value(self, action: argparse.Action, value: object) -> None:
        """Refuses empty names: they are variables of a script that are not set, and are not taken for no option at all.
        argparse's own refusal names no nearest word, and reads differently from Python to Python."""
        if value == "" and action.metavar in _NAMES:
            name = "/".join(action.option_strings) or str(action.metavar)
            raise UsageError(f"{name} is empty", hint="leave it out, or write a name")
        if action.choices is not None and value not in action.choices:
            words = [str(word) for word in action.choices]
            name = "/".join(action.option_strings) or str(action.metavar)
            raise UsageError(f"{name} '{value}' is none of: {', '.join(words)}", hint=did_you_mean(str(value), words))

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


def add_run(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """The positional RUN of commands that look at one run."""
    ending = " (default: latest)" if optional else ""
    parser.add_argument("run", nargs="?" if optional else None, default="latest" if optional else None, metavar="RUN",
                        help=f"run id, the unique beginning of one, or latest{ending}")


def positive_integer(text: str) -> int:
    """The type of options that count."""
    if not (text.isascii() and text.isdigit()) or not int(text[:18]):
        raise argparse.ArgumentTypeError(f"'{text}' is not a positive whole number")
    return int(text[:18])


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """`--data-dir`."""
    parser.add_argument("--data-dir", metavar="DIR",
                        help="folder for runs and state (default: OE_DATA_DIR, or .openexpertise beside the file)")


def add_models(parser: argparse.ArgumentParser) -> None:
    """`--llm` and `--replay`."""
    parser.add_argument("--llm", metavar="NAME", help="who answers: a provider, or PROVIDER:MODEL "
                        "(anthropic, openai, replay)")
    parser.add_argument("--replay", metavar="FILE", help="answer from a recording instead of asking a model")


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
