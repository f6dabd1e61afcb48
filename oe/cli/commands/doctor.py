"""`oe doctor`: whether this host has what is needed, and which settings count."""

from __future__ import annotations

import argparse
import os
import shutil

from oe.app.host import Check, check_host, settings_of
from oe.cli.console import Console, is_terminal
from oe.cli.parser import add_data_dir, add_json, add_path
from oe.errors import ExitCode, NotFoundError
from oe.text import neutralise, plural

_COLOURS = {"ok": "green", "warning": "yellow", "missing": "red"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of doctor."""
    add_path(parser)
    add_data_dir(parser)
    add_json(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Prints every check; exit code 1 if something is missing."""
    if not os.path.exists(options.path):
        raise NotFoundError(f"no such file or directory: '{options.path}'")
    checks = [*check_host(options.path, options.data_dir, console.environment), _terminal(console)]
    settings = settings_of(options.path, options.data_dir, console.environment)
    missing = [check for check in checks if check.status == "missing"]
    if options.json:
        console.result_json({"ok": not missing, "checks": [check.as_object() for check in checks],
                             "settings": [setting._asdict() for setting in settings]})
    else:
        _print_checks(checks, console)
        console.result("")
        for setting in settings:
            console.result(neutralise(f"{setting.name:<11} {setting.value} ({setting.origin})"))
        console.result("")
        console.result(f"{plural(len(missing), 'thing')} missing" if missing else "nothing is missing")
    return int(ExitCode.FAILED if missing else ExitCode.SUCCESS)


def _print_checks(checks: list[Check], console: Console) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        status = console.paint_result(f"{check.status:<7}", _COLOURS[check.status])
        console.result(f"{status}  {check.name:<{width}}  {neutralise(check.detail)}")
        if check.hint:
            console.result(f"{'':<7}  {'':<{width}}  hint: {neutralise(check.hint)}")


def _terminal(console: Console) -> Check:
    if not is_terminal(console.stdout):
        return Check("terminal", "ok", "standard output is no terminal: plain text")
    size = shutil.get_terminal_size()
    colours = "colours" if console.has_result_colour else "no colours"
    variables = (console.environment.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next(filter(None, variables), "")
    detail = f"{size.columns} x {size.lines}, {colours}"
    if os.name == "posix" and "utf" not in locale.lower():
        return Check("terminal", "warning", f"{detail}, locale '{locale or 'C'}' is not UTF-8",
                     "text is written as UTF-8; set LANG=C.UTF-8")
    return Check("terminal", "ok", f"{detail}, UTF-8")
