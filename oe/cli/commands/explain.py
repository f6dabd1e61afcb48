"""`oe explain`: why a node of a run was run or cached."""

from __future__ import annotations

import argparse

from oe.cli.console import Console
from oe.cli.parser import add_data_dir, add_experience, add_json
from oe.errors import ExitCode
from oe.text import clip, neutralise

_SHOWN = 60
_LEAD = 15


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of explain."""
    parser.add_argument("node", metavar="NODE", help="node id, or a slot such as review[3]")
    parser.add_argument("--run-id", metavar="RUN", default="latest", help="run id, unique prefix, or latest (default)")
    add_experience(parser)
    add_data_dir(parser)
    add_json(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """The decision, and the parts of the key that changed."""
    from oe.app.explaining import explain
    from oe.app.inspection import open_workspace

    with open_workspace(options.path, options.data_dir) as workspace:
        told = explain(workspace, workspace.find_run(options.run_id), options.node)
    if options.json:
        console.result_json({
            "node": options.node, "slot": told.slot, "run_id": told.run_id, "decision": told.decision,
            "changed": [change._asdict() for change in told.changed], "compared_with": told.compared_with,
            **({} if told.reason is None else {"reason": told.reason}),
            **({} if told.inside is None else {"inside": told.inside})})
        return int(ExitCode.SUCCESS)
    what = f"{told.slot} was run in {told.run_id}: "
    if told.inside is not None:
        what += f"{told.inside} in it was: "
    if told.decision == "cached":
        console.result(f"{told.slot} was cached in {told.run_id}: the result of {told.compared_with}, nothing changed")
    elif told.compared_with is None:
        console.result(f"{what}there was no earlier result")
    elif not told.changed:
        console.result(f"{what}nothing changed since {told.compared_with}, but {told.reason}")
    else:
        since = "before it was resumed" if told.compared_with == told.run_id else told.compared_with
        console.result(f"{what}changed since {since}:")
        for change in told.changed:
            before, after = _where_they_part(change.before, change.after)
            console.result(f"  {neutralise(change.part)}: {before} -> {after}")
    return int(ExitCode.SUCCESS)


def _where_they_part(before: str | None, after: str | None) -> tuple[str, str]:
    """Both texts, short, from a little before the first character in which they differ."""
    if before is None or after is None:
        return _brief(before, 0), _brief(after, 0)
    start = next((place for place, (one, other) in enumerate(zip(before, after, strict=False)) if one != other),
                 min(len(before), len(after)))
    start = 0 if max(len(before), len(after)) <= _SHOWN else max(0, start - _LEAD)
    return _brief(before, start), _brief(after, start)


def _brief(text: str | None, start: int) -> str:
    if text is None:
        return "(none)"
    return ("…" if start else "") + neutralise(clip(text[start:].replace("\n", "\\n"), _SHOWN))
