"""`oe runs`: the runs of an experience, newest first."""

from __future__ import annotations

import argparse

from oe.app.inspection import Page, find_workspace, list_runs
from oe.cli.console import Console
from oe.cli.parser import add_data_dir, add_json, add_path, positive_integer
from oe.errors import ExitCode
from oe.render.runs import runs_table
from oe.text import neutralise


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of runs."""
    add_path(parser)
    parser.add_argument("--limit", type=positive_integer, default=20, metavar="N", help="at most N runs (default: 20)")
    parser.add_argument("--before", metavar="RUN", help="only runs that began before this one: the next page")
    add_data_dir(parser)
    add_json(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Prints one page. No runs yet is an empty page."""
    workspace = find_workspace(options.path, options.data_dir)
    if workspace is None:
        page, nothing = Page([], None), None
    else:
        with workspace:
            page = list_runs(workspace, options.limit, options.before)
            nothing = None if page.runs else workspace.no_runs()
    if options.json:
        console.result_json({"runs": page.runs, "next": page.next})
        return int(ExitCode.SUCCESS)
    if not page.runs:
        console.note("no earlier runs" if options.before else "no runs yet")
        if nothing is not None and not options.before:
            console.note(neutralise(f"    hint: {nothing.hint}"))
        return int(ExitCode.SUCCESS)
    for line in runs_table(page.runs):
        console.result(line)
    if page.next:
        console.note(f"more: oe runs --before {page.next}")
    return int(ExitCode.SUCCESS)
