"""`oe plan`: what a run would do, without doing it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from oe.cli.arguments import add_arguments, given_arguments
from oe.cli.console import Console
from oe.cli.parser import add_data_dir, add_json, add_models, add_path
from oe.errors import ExitCode
from oe.text import neutralise, plural
from oe.values import Json, JsonObject

if TYPE_CHECKING:
    from oe.app.foresight import Planned


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
    from oe.app.call_costs import estimate_line, estimate_object
    from oe.app.foresight import kept_results, plan_run
    from oe.app.inspection import find_workspace
    from oe.app.models import ModelOptions
    from oe.cli.running import checked_experience, uses_cache

    experience = checked_experience(options.path, console)
    args = given_arguments(options, experience, console)
    cache = kept_results(options.path, options.data_dir) if uses_cache(options, console) else None
    planned, estimate = plan_run(experience, args, find_workspace(options.path, options.data_dir), cache=cache,
                                 models=ModelOptions(options.llm, replay=options.replay))
    if options.json:
        nodes: list[Json] = [_as_object(unit) for unit in planned]
        console.result_json({"nodes": nodes, "estimate": estimate_object(estimate)})
        return int(ExitCode.SUCCESS)
    width = min(30, max(len(unit.id) for unit in planned))
    for unit in planned:
        for line in _lines(unit, width):
            console.result(line)
    actions = [unit.action for unit in planned]
    told = ", ".join(f"{actions.count(action)} {action}" for action in dict.fromkeys(actions))
    console.result(f"{plural(len(planned), 'unit')}: {told}")
    if estimate.cost.calls:
        console.result(estimate_line(estimate))
    return int(ExitCode.SUCCESS)


def _as_object(unit: Planned) -> JsonObject:
    """A unit with what is in it, however deep: experiences are nested to a bound."""
    found: dict[str, Json] = {"id": unit.id, "action": unit.action, "reason": unit.reason}
    if unit.inside is not None:
        found["inside"] = unit.inside
    if unit.items is not None:
        found["items_run"], found["items"] = unit.items
    if unit.units:
        found["units"] = [_as_object(each) for each in unit.units]
    return found


def _lines(unit: Planned, width: int, depth: int = 0) -> Iterator[str]:
    """A line for a unit, and below it those of what would run in it."""
    counts = None if unit.action == "cached" else unit.items
    count = "" if counts is None else f" {counts[0]} of {plural(counts[1], 'item')};"
    where = "" if unit.inside is None else f"{unit.inside}: "
    name = "  " * depth + unit.id
    yield f"{unit.action:<8} {name:<{width}} {neutralise(f'{count} {where}{unit.reason}').strip()}"
    if unit.action != "cached":
        for each in unit.units:
            yield from _lines(each, width, depth + 1)
