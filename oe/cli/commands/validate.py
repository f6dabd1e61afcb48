"""`oe validate`: every problem of an experience, none of which is found by running anything."""

from __future__ import annotations

import argparse
import os

from oe.app.experiences import Loaded, find_file, read_experience
from oe.app.model_faults import problems_here
from oe.cli.console import Console
from oe.cli.parser import add_json, add_path
from oe.diagnostics import Problem
from oe.errors import ExitCode
from oe.lang.source import encoding_of
from oe.render.problems import as_object, problem_lines, summary
from oe.text import neutralise, plural

_LARGEST_EXCERPT = 1 << 24


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of validate."""
    add_path(parser)
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")
    add_json(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Prints the problems in the order of the text; exit code 3 if one of them is an error."""
    file = find_file(options.path).removeprefix("./")
    loaded = read_experience(file)
    problems = [*loaded.problems, *(problems_here(loaded.experience) if loaded.experience is not None else ())]
    if options.strict:
        problems = [problem._replace(severity="error") for problem in problems]
    has_errors = any(problem.severity == "error" for problem in problems)
    if options.json:
        console.result_json({"ok": not has_errors, "problems": [as_object(problem) for problem in problems]})
    else:
        _print(problems, os.path.dirname(file), console)
        if not has_errors:
            console.result(_ok_line(loaded))
    return int(ExitCode.INVALID if has_errors else ExitCode.SUCCESS)


def _print(problems: list[Problem], folder: str, console: Console) -> None:
    sources: dict[str, list[str]] = {}
    for problem in problems:
        file = problem.span.file if problem.span else ""
        if file not in sources:
            sources[file] = _lines_of(file, folder)
        for line in problem_lines(problem, sources[file], console.paint_result):
            console.result(line)
    if problems:
        console.result(summary(problems))


def _lines_of(file: str, folder: str) -> list[str]:
    """The lines of a file that a problem names: as given, or relative to the experience; none if it cannot be read."""
    for path in (file, os.path.join(folder, file)):
        if os.path.isfile(path) and os.path.getsize(path) <= _LARGEST_EXCERPT:
            try:
                with open(path, "rb") as stream:
                    encoding = encoding_of(stream.read(4))
                with open(path, encoding=encoding, errors="replace") as stream:
                    return stream.read().removeprefix("\ufeff").split("\n")
            except OSError:
                return []
    return []


def _ok_line(loaded: Loaded) -> str:
    experience = loaded.experience
    assert experience is not None  # there are no errors
    nodes, fields = plural(len(experience.nodes), "node"), plural(len(experience.fields), "state field")
    return neutralise(f"ok: {experience.name} {experience.version}, {nodes}, {fields}")
