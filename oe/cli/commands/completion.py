"""`oe completion`: scripts that make a shell complete commands, options, runs and nodes; and the words they ask for."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING

from oe.cli.console import Console
from oe.cli.parser import Parser, add_data_dir, add_experience
from oe.errors import ExitCode, OeError, UsageError
from oe.render.completion_bash import bash_script
from oe.render.completion_fish import fish_script
from oe.render.completion_value import CommandLine, Option, Source, Value
from oe.render.completion_zsh import zsh_script

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHELLS: dict[str, Callable[[Sequence[CommandLine]], str]] = {
    "bash": bash_script, "zsh": zsh_script, "fish": fish_script,
}
_MOST_RUNS = 50
_MOST_KEYS = 1000

_FILES: dict[str, Source] = {"PATH": "files", "FILE": "files", "DIR": "folders"}
"""Metavars of options and positionals whose values are files."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of completion."""
    parser.add_argument("shell", nargs="?", choices=tuple(_SHELLS), metavar="SHELL",
                        help="bash, zsh or fish: print its script; for bash: source <(oe completion bash)")
    parser.add_argument("--words", choices=tuple(_WORDS), metavar="KIND",
                        help="instead: what may stand for RUN, NODE, FIELD or KEY, one a line; the scripts ask for it")
    add_experience(parser)
    add_data_dir(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Prints the script or the words."""
    if (options.shell is None) == (options.words is None):
        raise UsageError("completion takes a SHELL", hint="oe completion bash, zsh or fish")
    if options.words is None:
        console.result(_SHELLS[options.shell](_command_lines(console)))
        return int(ExitCode.SUCCESS)
    try:
        for word in _WORDS[options.words](options.path, options.data_dir):
            console.result(word)
    except OeError:
        return int(ExitCode.SUCCESS)  # no candidates; whoever runs the command gets told why
    return int(ExitCode.SUCCESS)


def _command_lines(console: Console) -> list[CommandLine]:
    """Every command as its own parser has it."""
    from oe.cli.main import COMMANDS

    found = []
    for command in COMMANDS:
        parser = Parser(prog=f"oe {command.name}", description=command.summary, console=console)
        import_module(f"oe.cli.commands.{command.module}").configure(parser)
        positionals = [action for action in parser.listed_actions() if not action.option_strings]
        found.append(CommandLine(
            command.name, command.summary,
            [_option(action) for action in parser.listed_actions() if action.option_strings],
            [_value(action) for action in positionals], bool(positionals) and positionals[-1].nargs in ("*", "+")))
    return found


def _option(action: argparse.Action) -> Option:
    value = None if action.nargs == 0 else _value(action)
    return Option(tuple(action.option_strings), action.help or "", value, action.default == [])


def _value(action: argparse.Action) -> Value:
    label = str(action.metavar or action.dest.upper())
    if action.choices is not None:
        return Value(label, "words", tuple(str(choice) for choice in action.choices))
    return Value(label, "program" if label in _WORDS else _FILES.get(label, "nothing"))


def _runs(path: str, data_dir: str | None) -> Iterable[str]:
    from oe.app.inspection import find_workspace

    workspace = find_workspace(path, data_dir)
    if workspace is None:
        return
    with workspace:
        found = [run.run_id for run in workspace.store.find_runs(workspace.key, limit=_MOST_RUNS)]
    yield from (["latest"] if found else [])
    yield from found


def _nodes(path: str, data_dir: str | None) -> Iterable[str]:
    from oe.app.experiences import load_experience

    experience = load_experience(path)
    return dict.fromkeys([*experience.units, *experience.nodes])


def _fields(path: str, data_dir: str | None) -> Iterable[str]:
    from oe.app.experiences import load_experience

    return load_experience(path).fields


def _keys(path: str, data_dir: str | None) -> Iterable[str]:
    from oe.app.pruning import open_cache

    return islice(open_cache(path, data_dir).keys(), _MOST_KEYS)


_WORDS: dict[str, Callable[[str, str | None], Iterable[str]]] = {
    "RUN": _runs, "NODE": _nodes, "FIELD": _fields, "KEY": _keys,
}
"""Metavars of options and positionals whose values only the program knows."""
