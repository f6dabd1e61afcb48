"""`oe state`: values of state fields as JSON, of a run or of the workspace."""

from __future__ import annotations

import argparse

from oe.app.inspection import (
    as_history,
    declared_fields,
    history_of_run,
    latest_spec_fields,
    open_workspace,
    state_of_run,
)
from oe.app.workspace import Workspace
from oe.cli.console import Console
from oe.cli.parser import add_data_dir, add_experience
from oe.errors import ExitCode, NotFoundError, UsageError
from oe.text import did_you_mean
from oe.values import Json, JsonObject


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of state."""
    parser.add_argument("field", nargs="?", metavar="FIELD", help="only this field's value (default: all)")
    add_experience(parser)
    parser.add_argument("--run-id", metavar="RUN", help="state of this run: id, beginning, or latest (default: latest)")
    parser.add_argument("--workspace", action="store_true", help="values of persistent fields, as the next run begins")
    parser.add_argument("--history", action="store_true", help="every write of the run: slot, attempt, ts, delta")
    parser.add_argument("--nested", action="store_true",
                        help="with --history: those of nested experiences too, to fields of their own")
    add_data_dir(parser)
    parser.add_argument("--json", action="store_true", help="errors as JSON too; the result always is")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Prints one JSON value."""
    if options.workspace and (options.run_id or options.history):
        raise UsageError("--workspace is no run: it goes with neither --run-id nor --history")
    if options.nested and not options.history:
        raise UsageError("--nested goes with --history")
    with open_workspace(options.path, options.data_dir) as workspace:
        console.result_json(_answer(options, workspace))
    return int(ExitCode.SUCCESS)


def _answer(options: argparse.Namespace, workspace: Workspace) -> Json:
    field: str | None = options.field
    if options.workspace:
        values, declared = workspace.store.workspace(workspace.key), latest_spec_fields(workspace)
        return _pick(values, field, declared, "the workspace")
    run = workspace.find_run(options.run_id or "latest")
    where = f"run '{run.run_id}'"
    if options.history:
        if field is not None and not options.nested:
            _expect_declared(field, declared_fields(run), where)
        return [as_history(entry) for entry in history_of_run(workspace, run, field, is_nested=options.nested)]
    return _pick(state_of_run(workspace, run), field, declared_fields(run), where)


def _pick(values: JsonObject, field: str | None, declared: dict[str, bool], where: str) -> Json:
    if field is None:
        return values
    if field in values:
        return values[field]
    _expect_declared(field, declared, where)
    raise NotFoundError(f"state field '{field}' has no value in {where}", code="no-value")


def _expect_declared(field: str, declared: dict[str, bool], where: str) -> None:
    if field not in declared:
        legal = f"declared are: {', '.join(declared)}" if declared else "the experience declares none"
        raise NotFoundError(f"no state field '{field}' in {where}", hint=did_you_mean(field, declared) or legal)
