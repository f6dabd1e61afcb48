"""`oe plan`: what a run would do, without doing it."""

from __future__ import annotations

import argparse

from oe.cli.arguments import add_arguments, given_arguments
from oe.cli.console import Console
from oe.cli.parser import add_data_dir, add_json, add_models, add_path
from oe.errors import ExitCode
from oe.text import neutralise, plural
from oe.values import Json


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of plan."""
    add_path(parser)
    add_arguments(parser)
    parser.add_argument("--no-cache", action="store_true", help="as if nothing were cached")
    add_models(parser)
    add_data_dir(parser)
    add_json(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """One line a unit, then how many would run."""
    from oe.call_costs import estimate_line, estimate_object
    from oe.cli.running import checked_experience, uses_cache
    from oe.foresight import plan_run
    from oe.inspection import find_workspace
    from oe.models import ModelOptions

    experience = checked_experience(options.path, console)
    args = given_arguments(options, experience, console)
    planned, estimate = plan_run(experience, args, find_workspace(options.path, options.data_dir),
                                 use_cache=uses_cache(options, console),
                                 models=ModelOptions(options.llm, replay=options.replay))
    if options.json:
        nodes: list[Json] = [{"id": unit.id, "action": unit.action, "reason": unit.reason,
                              **({} if unit.inside is None else {"inside": unit.inside}),
                              **({} if unit.items is None else {"items": unit.items[1], "items_run": unit.items[0]})}
                             for unit in planned]
        console.result_json({"nodes": nodes, "estimate": estimate_object(estimate)})
        return int(ExitCode.SUCCESS)
    width = min(30, max(len(unit.id) for unit in planned))
    for unit in planned:
        counts = None if unit.action == "cached" else unit.items
        count = "" if counts is None else f" {counts[0]} of {plural(counts[1], 'item')};"
        where = "" if unit.inside is None else f"{unit.inside}: "
        console.result(f"{unit.action:<8} {unit.id:<{width}} {neutralise(f'{count} {where}{unit.reason}').strip()}")
    actions = [unit.action for unit in planned]
    told = ", ".join(f"{actions.count(action)} {action}" for action in dict.fromkeys(actions))
    console.result(f"{plural(len(planned), 'unit')}: {told}")
    if estimate.cost.calls:
        console.result(estimate_line(estimate))
    return int(ExitCode.SUCCESS)
