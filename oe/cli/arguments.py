"""`--args` and `--arg`: from what stands on the command line to the values of arguments."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from functools import partial

from oe.cli.console import Console
from oe.errors import NotFoundError, UsageError
from oe.spec.arguments import is_text_argument, secret_arguments
from oe.spec.model import Experience
from oe.text import clip
from oe.values import Json, kind_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--args` and `--arg`."""
    parser.add_argument("--args", metavar="JSON", help="all arguments as a JSON object, @FILE, or - for standard input")
    parser.add_argument("--arg", action="append", default=[], metavar="K=V",
                        help="one argument; V may be env:NAME or file:PATH; repeatable")


def given_arguments(options: argparse.Namespace, experience: Experience, console: Console) -> dict[str, Json]:
    """The arguments of a command line, and the console is told which of them it must not show. Raises as
    `read_arguments`."""
    given = read_arguments(options.args, options.arg, partial(is_text_argument, experience), console)
    console.secrets += [str(given[name]) for name in secret_arguments(experience) if name in given]
    return given


def read_arguments(whole: str | None, single: Sequence[str], is_text: Callable[[str], bool],
                   console: Console) -> dict[str, Json]:
    """The arguments that were given; a single one overrules the whole.

    `is_text` says whether an argument's declared type is string: such a value stays as it stands, another is JSON if it
    parses. Raises UsageError, NotFoundError.
    """
    given = _read_whole(whole, console) if whole is not None else {}
    for pair in single:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--arg '{pair}' is not of the form K=V", hint="for example --arg name=World")
        given[name] = _read_single(name, text, is_text, console)
    return given


def _read_whole(text: str, console: Console) -> dict[str, Json]:
    source = "--args"
    if text == "-":
        text, source = _read_stdin(console), "standard input"
    elif text.startswith("@"):
        source = text[1:]
        text = _read_file(source)
    value = _strict_json(text, source)
    if not isinstance(value, dict):
        raise UsageError(f"{source}: expected a JSON object, found a value of type {kind_of(value)}")
    return value


def _strict_json(text: str, source: str) -> Json:
    try:
        value = _json(text, source)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{source}: not JSON: {error}", hint='for example --args \'{"name": "World"}\'') from error
    return value


def _json(text: str, source: str) -> Json:
    """A JSON value. Raises ValueError, RecursionError where it is none, UsageError where a key comes twice: which of
    the values is meant, nobody can tell."""
    def as_object(pairs: list[tuple[str, Json]]) -> Json:
        values = dict(pairs)
        if len(values) < len(pairs):
            left = dict(values)
            twice = next(name for name, _ in pairs if left.pop(name, left) is left)
            raise UsageError(f"{source}: the key '{clip(twice, 40)}' comes twice in one object")
        return values

    value: Json = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=as_object)
    return value


def _read_stdin(console: Console) -> str:
    try:
        text = console.stdin.read()
        text.encode()
    except UnicodeError as error:
        raise UsageError("standard input is not UTF-8 text") from error
    return text


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is not a JSON number")


def _read_single(name: str, text: str, is_text: Callable[[str], bool], console: Console) -> Json:
    if text.startswith("env:"):
        variable = text[4:]
        if variable not in console.environment:
            raise UsageError(f"--arg {name}: environment variable '{variable}' is not set")
        text = console.environment[variable]
    elif text.startswith("file:"):
        text = _read_file(text[5:]).removesuffix("\n")
    if is_text(name):
        return text
    try:
        return _json(text, f"--arg {name}")
    except (ValueError, RecursionError):
        return text


def _read_file(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        raise NotFoundError(f"no such file: '{path}'") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"cannot read '{path}': {reason}") from error
