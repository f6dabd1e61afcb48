"""`oe schema`: the JSON Schema of the format, for editors, or of the events, for whoever reads logs."""

from __future__ import annotations

import argparse

from oe.app.schemas import event_schemas, format_schema
from oe.cli.console import Console
from oe.errors import ExitCode


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of schema."""
    parser.add_argument("--events", action="store_true", help="of the events instead: one schema for each type")
    parser.add_argument("--json", action="store_true", help="errors as JSON too; the result always is")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Prints one JSON object."""
    console.result_json(event_schemas() if options.events else format_schema())
    return int(ExitCode.SUCCESS)
