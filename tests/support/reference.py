"""The pages of docs/reference that are made from the program itself: `python -m tests.support.reference` writes them.

A test compares; what only a person can say stands here as text, everything else comes from the tables of the product.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

from oe.cli.main import COMMANDS, main, overview
from oe.errors import EXIT_MEANINGS
from oe.kinds import KINDS
from oe.kinds.environment import PASSED_ON
from oe.settings import ENVIRONMENT
from oe.state.events import EVENTS, EventType
from oe.store.data_folder import DataFolder
from tests.support.format_page import reference_page

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"


def commands_page() -> str:
    """Every command's help as it is printed."""
    parts = ["# Commands\n", "What `oe --help` and `oe COMMAND --help` print. Options may stand before or after the "
             "positional arguments, and cannot be abbreviated.\n", _block(overview())]
    parts += [f"## oe {command.name}\n\n{_block(help_of(command.name))}" for command in COMMANDS]
    return "\n".join(parts)


def exit_codes_page() -> str:
    """The exit codes."""
    rows = [f"| {int(code)} | {meaning} |" for code, meaning in EXIT_MEANINGS.items()]
    return "\n".join(["# Exit codes\n", "A deadline that passes is a failure (1). A run that was cancelled by Ctrl-C "
                      "ends with 130, not by the signal.\n", "| code | meaning |", "|---|---|", *rows, ""])


def environment_page() -> str:
    """The environment variables."""
    rows = [f"| `{name}` | {what} |" for name, what in ENVIRONMENT.items()]
    given = [f"| `{name}` | {what} |" for name, what in _GIVEN.items()]
    passed_on = ", ".join(f"`{name}`" for name in sorted(PASSED_ON))
    return "\n".join([
        "# Environment variables\n", "## What `oe` reads\n", "A flag overrules its variable; `oe doctor` shows which settings count and where "
        "each came from.\n", "| variable | what it does |", "|---|---|", *rows, "",
        "The values of variables whose names end in `_API_KEY`, `_TOKEN`, `_SECRET` or `_PASSWORD` are secrets: "
        "wherever one of at least six characters would be shown or logged, `[redacted]` stands instead.\n",
        "Calls of models honour the variables of proxies and certificates too ([models](models.md#which-one-answers)); "
        "the terminal's are `TERM`, `LC_ALL`, `LC_CTYPE` and `LANG`.\n",
        "## What programs get\n",
        f"Programs that nodes start, and Python tools in processes of their own, get {passed_on} and those that begin with "
        "`LC_`, the variables that the node's `env` names, and these; nothing else, and above all no key. "
        "[Coding agents](cli-agents.md#providers) get their own keys and the way to the network too.\n",
        "| variable | what it holds |", "|---|---|", *given, "",
        "`OE_OWNER` and `OE_MESSAGE_FD` are for `oe` itself. A Python tool that runs inside `oe` sees all variables.\n"])


_GIVEN = {
    "OE_RUN_ID": "the run", "OE_SLOT": "the slot, such as `review[3]`", "OE_ATTEMPT": "the attempt, from 1",
    "OE_ARTIFACT_DIR": "a folder for files that the run makes for people",
    "OE_EXPERIENCE_DIR": "the folder of the experience",
}


def files_page() -> str:
    """What is where in the data folder."""
    folder = DataFolder("/")
    run = folder.run_folder("RUN")
    places = (
        (folder.database, "runs, results, state and history: the truth (SQLite)"),
        (f"{folder.database}-wal", "what SQLite has committed last; while the database is in use, and after a kill: belongs to it"),
        (f"{folder.database}-shm", "as above"),
        (folder.event_log("RUN"), "event log of a run, one JSON object a line; see [events](events.md)"),
        (f"{run}/", "what else belongs to a run"),
        (f"{run}/lock", "locked by the process that carries the run; the lock counts, not the file"),
        (folder.node_log("RUN", "SLOT"), "what the node in a slot printed; `/` in a slot path is `.` in the name"),
        (f"{folder.artifacts('RUN')}/", "files that the nodes of a run made for people"),
        (folder.live("RUN"), "bounded snapshot of a live run; removed at its end"),
        ("runs/turn.lock", "held for an instant by those that begin a run with `--if-running`"),
        (f"{folder.cache}/KEY.json", "a cached result: what it writes, and where it comes from"),
    )
    rows = [f"| `{path.lstrip('/')}` | {what} |" for path, what in places]
    return "\n".join([
        "# Files\n", "Everything that `oe` writes is in one folder: `.openexpertise` beside the experience's file, or "
        "where `--data-dir` or `OE_DATA_DIR` says. It is made by the first run, for its owner alone (mode 0700, files "
        "0600). Commands that only look make nothing.\n",
        "Runs and persistent state belong to the experience's file: by its path from the folder that holds the data folder, "
        "so that both can be moved together; a file that is not below that, by its absolute path.\n",
        "| path | what it holds |", "|---|---|", *rows, "",
        "A name with a number behind it (`RUN.live.123`, `KEY.json.123.…`) is a draft, which a kill may leave. Other files are "
        "written only where the command line says: `--record FILE`, `oe inspect --html FILE`, `oe init`.\n",
        "Deleting the folder forgets all runs. How to copy it while runs go on: "
        "[backup and restore](../operations.md#backup-and-restore).\n"])


def events_page() -> str:
    """Every type of event."""
    parts = [
        "# Events\n", "A run's log (`runs/RUN.jsonl`) holds one JSON object a line; subscribers of the library get the "
        "same objects. `oe inspect` shows them by time, `oe schema --events` prints the JSON Schema of each type.\n",
        "Every event has `type`, `run_id`, `ts` (ISO 8601, UTC, milliseconds) and `seq` (1, 2, … within the run). Events "
        "of a node have `node_id` and `slot` too, and where they apply `attempt` (from 1), `index` (of the item, from 0) "
        "and `phase`.\n",
        "A *committed* event can be made again from the database: after a crash none of them is missing. Others may be "
        "lost with the process that was about to write them.\n"]
    parts += [_event_section(kind) for kind in EVENTS.values()]
    return "\n".join(parts)


def help_of(command: str) -> str:
    """What `oe COMMAND --help` prints."""
    stdout, stderr = io.StringIO(), io.StringIO()
    code = main([command, "--help"], io.StringIO(), stdout, stderr)
    assert (code, stderr.getvalue()) == (0, ""), stderr.getvalue()
    return stdout.getvalue()


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands_page, "exit-codes.md": exit_codes_page, "environment.md": environment_page,
    "files.md": files_page, "events.md": events_page, "spec.md": lambda: reference_page(KINDS.values()),
}


def _block(text: str) -> str:
    return f"```\n{text.rstrip()}\n```\n"


def _event_section(kind: EventType) -> str:
    facts = f"{kind.doc[0].upper()}{kind.doc[1:]}. {'Committed' if kind.committed else 'Not committed'}."
    if not kind.properties:
        return f"## {kind.name}\n\n{facts}\n"
    rows = [f"| `{name}` | `{_type_text(schema)}` | {'always' if name in kind.required else 'where it applies'} |"
            for name, schema in kind.properties.items()]
    return "\n".join([f"## {kind.name}\n", f"{facts}\n", "| key | type | present |", "|---|---|---|", *rows, ""])


def _type_text(schema: object) -> str:
    if not isinstance(schema, dict):
        return "any"
    kind = schema.get("type")
    if kind == "array":
        return f"array of {_type_text(schema['items'])}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind or json.dumps(schema))


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
