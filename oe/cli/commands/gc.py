"""`oe gc`: prunes old runs with their logs and artifacts, and the cache. Fit for a cron job: it asks nothing."""

from __future__ import annotations

import argparse

from oe.app.inspection import find_workspace
from oe.app.pruning import CachePlan, Limits, OldRun, Plan, Pruned, plan_pruning, prune
from oe.cli.console import Console
from oe.cli.parser import add_data_dir, add_json, add_path
from oe.cli.quantities import DEFAULT_AGE_SECONDS, age_seconds, size_bytes, whole_number
from oe.clock import SystemClock, iso
from oe.errors import ExitCode
from oe.text import format_size, plural
from oe.values import JsonObject

_NOTHING = Plan([], CachePlan([], [], 0), [], 0, 0, 0, 0)


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of gc."""
    add_path(parser)
    parser.add_argument("--older-than", type=age_seconds, metavar="AGE",
                        help="runs that ended and results that were kept longer ago, as 30d, 12h (default without "
                             "--keep and --max-size: 30d)")
    parser.add_argument("--keep", type=whole_number, metavar="N",
                        help="never the newest N runs; alone: all other runs")
    parser.add_argument("--max-size", type=size_bytes, metavar="SIZE",
                        help="the oldest runs and results, until the data folder takes at most this, as 1G, 500M")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    parser.add_argument("--force", action="store_true", help="runs that can be resumed too (never a live one)")
    add_data_dir(parser)
    add_json(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Prunes, and says what it freed."""
    older_than = options.older_than
    if older_than is None and options.keep is None and options.max_size is None:
        older_than = DEFAULT_AGE_SECONDS
    limits = Limits(older_than, options.keep, options.max_size, options.force)
    workspace = find_workspace(options.path, options.data_dir, read_only=options.dry_run)
    plan, pruned = _NOTHING, Pruned([], _NOTHING.cache, [], 0, 0, shrunk=False)
    if workspace is not None:
        with workspace:
            plan = plan_pruning(workspace, limits, SystemClock().now())
            pruned = _foreseen(plan) if options.dry_run else prune(workspace, plan)
    if options.json:
        console.result_json(_as_object(plan, pruned, dry_run=options.dry_run))
    else:
        _print(plan, pruned, options, console)
    return int(ExitCode.SUCCESS)


def _foreseen(plan: Plan) -> Pruned:
    freed = plan.cache.size_bytes + sum(old.size_bytes for old in plan.runs)
    return Pruned(plan.runs, plan.cache, plan.left_over, freed, max(0, plan.size_bytes - freed), shrunk=False)


def _print(plan: Plan, pruned: Pruned, options: argparse.Namespace, console: Console) -> None:
    parts = [plural(len(pruned.runs), "run"), plural(len(pruned.cache.entries), "kept result")]
    if pruned.cache.drafts:
        parts.append(plural(len(pruned.cache.drafts), "half-written file"))
    if pruned.left_over:
        parts.append(f"files of {plural(len(pruned.left_over), 'lost run')}")
    console.result(f"{'would remove' if options.dry_run else 'removed'} {', '.join(parts)}: "
                   f"{'about ' if options.dry_run else ''}{format_size(pruned.freed)}, {format_size(pruned.left)} left")
    for line in _stays(plan, pruned, options.max_size):
        console.note(line)


def _stays(plan: Plan, pruned: Pruned, max_bytes: int | None) -> list[str]:
    lines = []
    if plan.resumable:
        lines.append(f"kept {plural(plan.resumable, 'run')} that can be resumed; --force removes them too")
    if busy := plan.running + len(plan.runs) - len(pruned.runs):
        lines.append(f"kept {plural(busy, 'run')} that is going on" if busy == 1 else
                     f"kept {plural(busy, 'run')} that are going on")
    if max_bytes is not None and pruned.left > max_bytes:
        lines.append(f"more than {format_size(max_bytes)} is left: nothing else may be removed")
    return lines


def _as_object(plan: Plan, pruned: Pruned, *, dry_run: bool) -> JsonObject:
    return {
        "dry_run": dry_run, "runs": [_run_object(old) for old in pruned.runs],
        "cache": {"entries": len(pruned.cache.entries), "drafts": len(pruned.cache.drafts),
                  "bytes": pruned.cache.size_bytes},
        "left_over": list(pruned.left_over),
        "kept": {"running": plan.running + len(plan.runs) - len(pruned.runs), "resumable": plan.resumable,
                 "recent": plan.recent},
        "freed": pruned.freed, "bytes": pruned.left, "shrunk": pruned.shrunk,
    }


def _run_object(old: OldRun) -> JsonObject:
    return {"run_id": old.run_id, "status": old.status, "ts": iso(old.ts), "bytes": old.size_bytes}
