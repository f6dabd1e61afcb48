"""`oe init`: a new experience from a template. Writes only files that are not there yet."""

from __future__ import annotations

import argparse
import os
import re
import shlex
from collections.abc import Iterator
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from oe.cli.console import Console
from oe.cli.parser import add_json
from oe.errors import ExitCode, OeError, UsageError
from oe.text import did_you_mean, neutralise

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_PLACEHOLDER = "EXPERIENCE_NAME"
_SOURCE_ENDING = ".txt"
"""Tools of templates carry it, so that they are data of this program and no modules of it."""


class Template(NamedTuple):
    """A folder in oe/cli/templates, and how to try what comes of it."""

    name: str
    summary: str
    run_options: str = ""


TEMPLATES = (
    Template("tool", "two Python functions, one after the other", " --arg name=Ada"),
    Template("command", "programs in any language"),
    Template("fanout", "one attempt for each item of a list"),
    Template("agent", "a call of a language model, its answer checked", " --arg text='It works well.'"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of init."""
    parser.add_argument("path", nargs="?", default=".", metavar="PATH",
                        help="directory to make it in; made if missing (default: this directory)")
    parser.add_argument("--template", default=TEMPLATES[0].name, metavar="NAME",
                        help=f"what to begin with (default: {TEMPLATES[0].name})")
    parser.add_argument("--list", action="store_true", help="list the templates, and make nothing")
    add_json(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Writes the template's files, or none of them where one exists."""
    if options.list:
        return _list(console, as_json=options.json)
    template = next((each for each in TEMPLATES if each.name == options.template), None)
    if template is None:
        names = [each.name for each in TEMPLATES]
        raise UsageError(f"no template '{options.template}'",
                         hint=did_you_mean(options.template, names) or f"there are: {', '.join(names)}")
    written = _write(template, options.path)
    if options.json:
        console.result_json({"template": template.name, "files": written})
        return int(ExitCode.SUCCESS)
    for path in written:
        console.result(neutralise(f"wrote {path}"))
    place = "" if options.path == "." else f" {shlex.quote(options.path)}"
    console.note(neutralise(f"next: oe run{place}{template.run_options}"))
    return int(ExitCode.SUCCESS)


def _list(console: Console, *, as_json: bool) -> int:
    if as_json:
        console.result_json({"templates": [{"name": each.name, "summary": each.summary} for each in TEMPLATES]})
    else:
        width = max(len(template.name) for template in TEMPLATES)
        for template in TEMPLATES:
            console.result(f"{template.name:<{width}}  {template.summary}")
    return int(ExitCode.SUCCESS)


def _write(template: Template, folder: str) -> list[str]:
    """The paths written, sorted. Raises UsageError that names the first file in the way."""
    name = _name_of(folder)
    texts = {os.path.join(folder, path).removeprefix("./"): text.replace(_PLACEHOLDER, name)
             for path, text in _texts(files("oe.cli") / "templates" / template.name)}
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise UsageError(f"'{folder}' is no directory", code="file-exists", hint="give another PATH")
    for path in texts:
        if os.path.lexists(path):
            raise UsageError(f"'{path}' exists already, and is not overwritten", code="file-exists",
                             hint="give another PATH, or move the file away")
    for path, text in texts.items():
        try:
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            with open(path, "x", encoding="utf-8") as stream:
                stream.write(text)
        except OSError as error:
            raise OeError(f"cannot write '{path}': {(error.strerror or str(error)).lower()}") from error
    return sorted(texts)


def _texts(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Path and text of every file below a template's folder."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _texts(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name.removesuffix(_SOURCE_ENDING), entry.read_text(encoding="utf-8")


def _name_of(folder: str) -> str:
    """The folder's name as the name of an experience."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", os.path.basename(os.path.abspath(folder))).strip("-") or "experience"
