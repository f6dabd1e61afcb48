"""Writes census.md. Knows nothing of where the figures came from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Makes the file and writes no state."""
    path = Path(ctx.folder, "census.md")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(render(inputs["_state"]), encoding="utf-8")
    draft.replace(path)
    return {}


def render(state: dict[str, Any]) -> str:
    """The census as Markdown."""
    totals = state["totals"]
    parts = [
        f"# The standard library of Python {state['python']}\n",
        f"{totals['modules']:,} modules, {totals['lines']:,} lines, {totals['functions']:,} functions, "
        f"{totals['classes']:,} classes.\n",
    ]
    if totals["not_parsed"]:
        parts.append(f"Not parsed: {', '.join(f'`{module}`' for module in totals['not_parsed'])}.\n")
    return "\n".join([
        *parts,
        "## Largest packages and modules\n",
        table(("Package", "Modules:", "Lines:", "Functions:", "Classes:"), (
            (f"`{row['package']}`", row["modules"], row["lines"], row["functions"], row["classes"])
            for row in state["largest"])),
        "## Longest functions\n",
        table(("Function", "From line:", "Lines:"), (
            (f"`{row['function']}`", row["line"], row["lines"]) for row in state["longest_functions"])),
        "## Most imported\n",
        table(("Module", "Imported by:"), (
            (f"`{row['module']}`", row["importers"]) for row in state["most_imported"])),
    ])


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; a head that ends in ':' makes its column right-aligned."""
    lines = [_line([head.removesuffix(":") for head in heads]),
             _line(["---:" if head.endswith(":") else "---" for head in heads])]
    return "\n".join([*lines, *(_line([_cell(cell) for cell in row]) for row in rows)]) + "\n"


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
