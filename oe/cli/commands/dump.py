"""`oe dump`: what a run is doing, and what is wrong with it."""

from __future__ import annotations

import argparse
from functools import partial

from oe.app.attach import look_at
from oe.app.inspection import open_workspace
from oe.cli.console import Console
from oe.cli.following import wait
from oe.cli.looking import look_object, print_look
from oe.cli.parser import add_data_dir, add_experience, add_json, add_run
from oe.errors import ExitCode


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of dump."""
    add_run(parser, optional=True)
    add_experience(parser)
    add_data_dir(parser)
    add_json(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Prints the tree and the diagnosis."""
    with open_workspace(options.path, options.data_dir) as workspace:
        look = look_at(workspace, workspace.find_run(options.run), partial(wait, console))
    if options.json:
        console.result_json(look_object(look))
    else:
        print_look(look, console)
    return int(ExitCode.SUCCESS)
