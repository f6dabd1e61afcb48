"""`oe resume`: goes on with a run that did not end in success."""

from __future__ import annotations

import argparse
from functools import partial

from oe.app.experiences import Experience
from oe.app.launch import EventBus, RunOptions, RunResult, resume_run
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
    """Options of resume."""
    add_path(parser)
    parser.add_argument("--run-id", metavar="RUN", default="latest", help="run id, unique prefix, or latest (default)")
    parser.add_argument("--retry", action="append", default=[], metavar="NODE",
                        help="run this unit again although it has finished; repeatable")
    add_arguments(parser)
    add_run_options(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Checks everything, then goes on. A run that succeeded is not reopened: it says so and exits 0."""
    timeout = seconds_of(options.timeout)
    experience = checked_experience(options.path, console)
    args = given_arguments(options, experience, console)
    return carry_out(experience, partial(_resume, experience, console),
                     RunOptions(args, options.concurrency, timeout, options.run_id, options.data_dir,
                                cache=uses_cache(options, console), again=options.retry,
                                models=model_options(options)), options, console)


async def _resume(experience: Experience, console: Console, options: RunOptions, bus: EventBus) -> RunResult:
    resumed = await resume_run(experience, options, bus)
    if not resumed.reopened:
        console.note(f"oe: run {resumed.result.run_id} has succeeded already; `oe run` starts a new one")
    return resumed.result
