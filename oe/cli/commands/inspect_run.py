"""`oe inspect`: the events of a run, as lines or as one JSON object; or a report of it as an HTML file."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from oe.app.inspection import events, follow_events, open_workspace
from oe.cli.console import Console, harmless_json
from oe.cli.following import Redrawn, Streams, wait
from oe.cli.parser import add_data_dir, add_experience, add_json, add_run
from oe.errors import ExitCode, UsageError
from oe.render.events import event_day, event_line
from oe.text import format_size, neutralise
from oe.values import JsonObject

if TYPE_CHECKING:
    from oe.app.workspace import Workspace

_BESIDE_UNITS = 4
"""Lines of a tree beside its units: name, what is left out, a blank one, counts."""

Found: TypeAlias = "Iterable[tuple[str, JsonObject]]"
"""Events as they stand in the log, and as values."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of inspect."""
    add_run(parser, optional=True)
    add_experience(parser)
    parser.add_argument("--follow", action="store_true", help="show events as they come, until the run is over")
    parser.add_argument("--html", metavar="FILE", help="write a report into one HTML file, - for stdout")
    parser.add_argument("--tree", action="store_true", help="show the run's tree instead; live with --follow")
    add_data_dir(parser)
    add_json(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Prints event by event: a log may hold more of them than memory does."""
    if options.html is not None and (options.json or options.follow or options.tree):
        raise UsageError("--html is a form of its own: it goes without --json, --follow and --tree")
    if options.tree:
        return _show_tree(options, console)

    def warn(text: str) -> None:
        console.note(f"oe: {text}")

    with open_workspace(options.path, options.data_dir) as workspace:
        if options.html is not None:
            _write_report(options, workspace, console)
            return int(ExitCode.SUCCESS)
        run = workspace.find_run(options.run)
        said = None
        if options.follow:
            from oe.app.attach import read_live

            said = None if options.json else Streams(partial(read_live, workspace, run), console)
            found = follow_events(workspace, run, partial(wait, console) if said is None else said.wait, warn)
        else:
            found = events(workspace, run, warn)
        if options.json:
            _print_object(run.run_id, found, console)
        else:
            _print_lines(found, console, _nothing if said is None else said.clear)
    return int(ExitCode.SUCCESS)


def _nothing() -> None:
    pass


def _write_report(options: argparse.Namespace, workspace: Workspace, console: Console) -> None:
    from oe.app.reporting import run_page
    from oe.cli.output_file import write_text
    from oe.cli.version import VERSION

    page = run_page(workspace, workspace.find_run(options.run), VERSION, console.environment)
    if options.html == "-":
        console.stdout.write(page)
        return
    write_text(options.html, page)
    console.note(f"wrote {neutralise(options.html)} ({format_size(len(page.encode()))})")


def _show_tree(options: argparse.Namespace, console: Console) -> int:
    from oe.app.attach import follow, is_going_on, look_at
    from oe.cli.looking import look_object, note_source, tree_text
    from oe.render.tree import MOST_UNITS

    with open_workspace(options.path, options.data_dir) as workspace:
        run = workspace.find_run(options.run)
        pause = partial(wait, console)
        looks = follow(workspace, run, pause) if options.follow else [look_at(workspace, run, pause)]
        redrawn = Redrawn(console)
        for look in looks:
            if options.json:
                console.result_json(look_object(look), indent=None if options.follow else 2)
                continue
            is_last = not options.follow or not is_going_on(look)
            room = None if is_last else redrawn.room()
            most = MOST_UNITS if room is None else max(1, room - _BESIDE_UNITS)
            redrawn.show(tree_text(look, console, min(most, MOST_UNITS)), is_last=is_last)
            if is_last:
                note_source(look, console)
    return int(ExitCode.SUCCESS)


def _print_object(run_id: str, found: Found, console: Console) -> None:
    write = console.stdout.write
    rest = iter(found)
    first = next(rest, None)  # a log that cannot be read is told of in an object of its own
    write(f'{{"run_id": "{run_id}", "events": [')
    separator = "\n"
    for text, _ in () if first is None else chain([first], rest):
        write(separator + harmless_json(text))
        separator = ",\n"
    write("\n]}\n")


def _print_lines(found: Found, console: Console, clear: Callable[[], None]) -> None:
    """`clear` takes away what stands where the next line comes."""
    day = None
    try:
        for _, record in found:
            clear()
            if (today := event_day(record)) != day:
                day = today
                console.result(console.paint_result(f"{day} UTC", "dim"))
            console.result(event_line(record))
    finally:
        clear()
