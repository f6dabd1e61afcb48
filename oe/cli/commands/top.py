"""`oe top`: the dashboard of a run, live or over."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from oe.app.attach import look_at
from oe.app.inspection import follow_events, open_workspace
from oe.app.watching import Watch
from oe.cli.console import Console
from oe.cli.dashboard import show_other
from oe.cli.following import wait
from oe.cli.looking import print_look
from oe.cli.parser import add_data_dir, add_experience, add_run
from oe.clock import iso
from oe.errors import ExitCode
from oe.render.progress import event_line
from oe.text import neutralise

if TYPE_CHECKING:
    from oe.app.workspace import Workspace


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of top."""
    add_run(parser, optional=True)
    add_experience(parser)
    add_data_dir(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Shows it until a person leaves; without a terminal, in lines until it is over."""
    with open_workspace(options.path, options.data_dir) as workspace:
        run = workspace.find_run(options.run)
        show_other(Watch(workspace, run), console, partial(_tell, workspace, run.run_id, console))
    return int(ExitCode.SUCCESS)


def _tell(workspace: Workspace, name: str, console: Console) -> None:
    """The tree, then a line for every node that ends, then how the run ended."""
    run = workspace.find_run(name)
    look = look_at(workspace, run, partial(wait, console))
    print_look(look, console)
    if workspace.status_of(workspace.find_run(run.run_id)) != "running":
        return
    console.result("")
    since = look.snapshot.taken_at
    told = None
    for _, record in follow_events(workspace, run, partial(wait, console), console.note):
        line = event_line(record) if str(record["ts"]) > iso(since) else None
        if line is not None and not (record["type"] == "node.finished" and record.get("slot") == told):
            console.result(line)
        told = record.get("slot") if record["type"] == "node.cached" else None
    console.result(neutralise(f"{workspace.status_of(workspace.find_run(run.run_id))} {run.run_id}"))
