"""`oe cancel`: asks the process that carries a run to end it, or one node of it."""

from __future__ import annotations

import argparse
from functools import partial

from oe.app.attach import ask_to_cancel
from oe.app.experiences import find_file
from oe.app.workspace import Workspace
from oe.cli.console import Console
from oe.cli.following import wait
from oe.cli.parser import add_data_dir, add_experience, add_json, add_run
from oe.errors import ExitCode
from oe.values import Json, JsonObject


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of cancel."""
    add_run(parser)
    parser.add_argument("node", nargs="?", metavar="NODE",
                        help="only this unit or node, or one slot such as review[3]; the run goes on")
    add_experience(parser)
    add_data_dir(parser)
    add_json(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Asks, waits for the answer and prints it."""
    with Workspace(find_file(options.path), options.data_dir, creates=False) as workspace:
        run = workspace.find_run(options.run)
        answer = ask_to_cancel(workspace, run, options.node, partial(wait, console))
    if options.json:
        console.result_json({"run_id": run.run_id, **answer})
    else:
        console.result(_sentence(run.run_id, answer))
    return int(ExitCode.SUCCESS)


def _sentence(run_id: str, answer: JsonObject) -> str:
    slots: Json = answer.get("slots")
    if not isinstance(slots, list):
        return f"run {run_id} is being cancelled"
    count = answer.get("count")
    more = count - len(slots) if isinstance(count, int) else 0
    return f"being cancelled: {', '.join(map(str, slots))}" + (f" and {more} more" if more else "")
