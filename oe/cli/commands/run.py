"""`oe run`: a new run of an experience."""

from __future__ import annotations

import argparse
from functools import partial

from oe.app.launch import RunOptions, start_run
from oe.cli.arguments import add_arguments, given_arguments
from oe.cli.console import Console
from oe.cli.parser import add_path
from oe.cli.running import (
    add_run_options,
    carry_out,
    checked_experience,
    model_options,
    seconds_of,
    uses_cache,
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of run."""
    add_path(parser)
    add_arguments(parser)
    parser.add_argument("--run-id", metavar="ID", help="the run's id (default: made from the date)")
    parser.add_argument("--only", metavar="NODE", help="run this unit alone; its inputs come from earlier runs")
    parser.add_argument("--from", dest="start", metavar="NODE", help="run this unit and all after it; reuse the rest")
    parser.add_argument("--refresh", action="append", default=[], metavar="NODE",
                        help="run this unit whatever the cache holds; repeatable")
    parser.add_argument("--if-running", choices=("allow", "wait", "skip", "fail"), default="allow",
                        help="what to do while another run of this experience goes on (default: allow)")
    add_run_options(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Checks everything, then runs."""
    timeout = seconds_of(options.timeout)
    experience = checked_experience(options.path, console)
    args = given_arguments(options, experience, console)
    return carry_out(experience, partial(start_run, experience),
                     RunOptions(args, options.concurrency, timeout, options.run_id, options.data_dir,
                                cache=uses_cache(options, console), only=options.only, start=options.start,
                                refresh=options.refresh, if_running=options.if_running,
                                models=model_options(options)), options, console)
