"""`oe cache`: what is kept of earlier results, and taking it out."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence

from oe.app.pruning import CacheFolder, CachePlan, KeptResult, Limits, open_cache, plan_cache, prune_cache
from oe.cli.asking import confirmed
from oe.cli.console import Console
from oe.cli.parser import add_data_dir, add_experience, add_json
from oe.cli.quantities import DEFAULT_AGE_SECONDS, age_seconds, size_bytes
from oe.clock import SystemClock, iso
from oe.errors import ExitCode, UsageError
from oe.render.cache import CacheRow, cache_table
from oe.text import format_size, neutralise, plural
from oe.values import JsonObject

_SHOWN_DIGITS = 12


class _Actions(tuple[str, ...]):
    """The words that may stand first; an experience's PATH is let through too, as after other commands."""

    def __contains__(self, word: object) -> bool:
        return super().__contains__(word) or (isinstance(word, str) and os.path.exists(word))


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of cache."""
    parser.add_argument("action", nargs="?", default="ls", choices=_Actions(_ACTIONS), metavar="ACTION",
                        help="ls: list entries (default); show KEY: print one; rm KEY...: take them out; "
                             "clear: take all out; gc: take old ones out; a PATH alone is that of ls")
    parser.add_argument("key", nargs="*", metavar="KEY", help="key, or its unique beginning; after ls, clear and gc "
                                                              "the PATH of the experience may stand instead")
    add_experience(parser)
    parser.add_argument("--older-than", type=age_seconds, metavar="AGE",
                        help="gc: entries made longer ago, as 30d, 12h (default without --max-size: 30d)")
    parser.add_argument("--max-size", type=size_bytes, metavar="SIZE",
                        help="gc: the oldest, until the others take at most this, as 1G, 500M")
    parser.add_argument("--dry-run", action="store_true", help="gc: only say what would be taken out")
    parser.add_argument("--yes", action="store_true", help="clear: do not ask")
    add_data_dir(parser)
    add_json(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Does one of the actions."""
    if options.action not in _ACTIONS:
        options.key.insert(0, options.action)
        options.action = "ls"
    _expect_fitting(options)
    path = options.path
    if options.action not in _TAKE_KEYS and options.key:
        path = options.key[0]
    return _ACTIONS[options.action](options, open_cache(path, options.data_dir), console)


def _expect_fitting(options: argparse.Namespace) -> None:
    """Raises UsageError for options of another action and for too many or too few keys."""
    action, count = options.action, len(options.key)
    if action != "gc" and (options.older_than is not None or options.max_size is not None or options.dry_run):
        raise UsageError("--older-than, --max-size and --dry-run belong to gc", hint="`oe cache gc --older-than 30d`")
    if action == "show" and count != 1:
        raise UsageError(f"show takes one KEY, found {count}", hint="`oe cache ls` lists them")
    if action == "rm" and not count:
        raise UsageError("rm takes at least one KEY", hint="`oe cache clear` takes all out")
    if action not in _TAKE_KEYS and (count > 1 or (count and options.path != ".")):
        raise UsageError(f"{action} takes no KEY, found '{options.key[-1]}'")


def _list(options: argparse.Namespace, cache: CacheFolder, console: Console) -> int:
    entries = cache.entries()
    size = sum(entry.size_bytes for entry in entries)
    if options.json:
        console.result_json({"entries": [_as_object(entry) for entry in entries], "bytes": size})
    elif entries:
        now = SystemClock().now()
        for line in cache_table([CacheRow(entry.key, entry.slot, entry.run_id, now - entry.ts, entry.size_bytes)
                                 for entry in entries]):
            console.result(line)
        console.note(f"{_entries(len(entries))}, {format_size(size)}")
    else:
        console.note("the cache is empty")
    return int(ExitCode.SUCCESS)


def _show(options: argparse.Namespace, cache: CacheFolder, console: Console) -> int:
    key = cache.find_key(options.key[0])
    record = cache.read(key)
    assert isinstance(record, dict)  # it is an entry
    console.result_json({"key": key, **record})
    return int(ExitCode.SUCCESS)


def _remove(options: argparse.Namespace, cache: CacheFolder, console: Console) -> int:
    keys = list(dict.fromkeys(cache.find_key(prefix) for prefix in options.key))
    return _report(keys, cache.remove(keys), console, as_json=options.json)


def _clear(options: argparse.Namespace, cache: CacheFolder, console: Console) -> int:
    """Everything, half-written files of killed processes too."""
    entries, drafts = cache.entries(), cache.drafts(SystemClock().now())
    size = sum(entry.size_bytes for entry in entries)
    question = f"take {_entries(len(entries))} ({format_size(size)}) out of the cache?"
    if entries and not options.yes and not confirmed(question, "clear", console, as_json=options.json):
        console.note("nothing was cleared")
        return int(ExitCode.CANCELLED)
    keys = [entry.key for entry in entries]
    return _report(keys, cache.remove(keys) + cache.remove_drafts(drafts), console, as_json=options.json)


def _collect(options: argparse.Namespace, cache: CacheFolder, console: Console) -> int:
    older_than = options.older_than
    if older_than is None and options.max_size is None:
        older_than = DEFAULT_AGE_SECONDS
    plan = plan_cache(cache, Limits(older_than, max_bytes=options.max_size), SystemClock().now())
    freed = plan.size_bytes if options.dry_run else prune_cache(cache, plan)
    keys = [entry.key for entry in plan.entries]
    if options.json:
        return _report(keys, freed, console, as_json=True, dry_run=options.dry_run)
    console.result(_collected(plan, freed, dry_run=options.dry_run))
    return int(ExitCode.SUCCESS)


def _collected(plan: CachePlan, freed: int, *, dry_run: bool) -> str:
    corrupt = sum(entry.fault is not None for entry in plan.entries)
    parts = [_entries(len(plan.entries)) + (f" ({corrupt} cannot be read)" if corrupt else "")]
    if plan.drafts:
        parts.append(plural(len(plan.drafts), "half-written file"))
    return f"{'would remove' if dry_run else 'removed'} {' and '.join(parts)}: {format_size(freed)}"


def _report(keys: Sequence[str], freed: int, console: Console, *, as_json: bool, dry_run: bool = False) -> int:
    if as_json:
        console.result_json({"removed": list(keys), "bytes": freed, "dry_run": dry_run})
        return int(ExitCode.SUCCESS)
    named = f" {', '.join(key[:_SHOWN_DIGITS] for key in keys)}" if 0 < len(keys) <= 3 else ""
    console.result(neutralise(f"removed {_entries(len(keys))}{named}: {format_size(freed)}"))
    return int(ExitCode.SUCCESS)


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def _as_object(entry: KeptResult) -> JsonObject:
    return {"key": entry.key, "slot": entry.slot, "run_id": entry.run_id, "ts": iso(entry.ts),
            "bytes": entry.size_bytes, "fault": entry.fault}


_ACTIONS: dict[str, Callable[[argparse.Namespace, CacheFolder, Console], int]] = {
    "ls": _list, "show": _show, "rm": _remove, "clear": _clear, "gc": _collect,
}
_TAKE_KEYS = frozenset({"show", "rm"})
