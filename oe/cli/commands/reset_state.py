"""`oe reset-state`: takes persistent fields out of the workspace. Runs keep theirs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from oe.app.inspection import find_workspace, latest_spec_fields
from oe.app.workspace import Workspace
from oe.cli.asking import confirmed
from oe.cli.console import Console
from oe.cli.parser import add_data_dir, add_experience, add_json
from oe.errors import ExitCode, NotFoundError
from oe.text import did_you_mean, neutralise, plural


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of reset-state."""
    parser.add_argument("field", nargs="?", metavar="FIELD", help="only this field (default: all)")
    add_experience(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_data_dir(parser)
    add_json(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Asks, clears, and says what was cleared."""
    workspace = find_workspace(options.path, options.data_dir, read_only=False)
    if workspace is None:
        return _report([], console, as_json=options.json)
    with workspace:
        fields = _fields(workspace, options.field)
        if fields and not options.yes and not confirmed(_question(fields), "clear", console, as_json=options.json):
            console.note("nothing was cleared")
            return int(ExitCode.CANCELLED)
        cleared = workspace.store.clear_workspace(workspace.key, options.field) if fields else []
    return _report(cleared, console, as_json=options.json)


def _fields(workspace: Workspace, field: str | None) -> list[str]:
    """The fields that would be cleared. Raises NotFoundError for one that cannot have a value there."""
    values = list(workspace.store.workspace(workspace.key))
    if field is None:
        return values
    if field in values:
        return [field]
    declared = latest_spec_fields(workspace)
    if field not in declared:
        raise NotFoundError(f"no state field '{field}'", hint=did_you_mean(field, [*declared, *values]))
    if not declared[field]:
        raise NotFoundError(f"state field '{field}' does not persist: there is nothing to clear", code="not-persistent",
                            hint="every run begins without it; `persist: true` would keep it")
    return []


def _question(fields: Sequence[str]) -> str:
    return f"clear {plural(len(fields), 'field')} for all later runs: {', '.join(fields)}?"


def _report(cleared: Sequence[str], console: Console, *, as_json: bool) -> int:
    if as_json:
        console.result_json({"cleared": list(cleared)})
    elif cleared:
        console.result(f"cleared {neutralise(', '.join(cleared))}")
    else:
        console.result("nothing to clear: no persistent field has a value")
    return int(ExitCode.SUCCESS)
