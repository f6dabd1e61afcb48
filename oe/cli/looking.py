"""What the commands that look at a run share: how a tree and its diagnosis are printed."""

from __future__ import annotations

from oe.app.attach import Look
from oe.cli.console import Console, is_terminal
from oe.render.findings import finding_lines
from oe.render.tree import ASCII, MOST_UNITS, UNICODE, Style, render_tree
from oe.state.diagnosis import Finding, diagnose
from oe.state.snapshot_values import as_object
from oe.text import neutralise
from oe.values import JsonObject


def findings_of(look: Look) -> list[Finding]:
    """What is wrong with a live run; nothing is with one that is over."""
    return diagnose(look.snapshot) if look.is_live else []


def tree_text(look: Look, console: Console, most: int = MOST_UNITS) -> str:
    """The tree of at most so many units, with the lines of the terminal where there is one that can show them."""
    return render_tree(look.snapshot, style=_style(console), most=most)


def print_look(look: Look, console: Console) -> None:
    """Tree and diagnosis on stdout; on stderr where they come from, unless that goes without saying."""
    note_source(look, console)
    console.result(tree_text(look, console))
    findings = finding_lines(findings_of(look))
    if findings:
        console.result("\n" + "\n".join(findings))


def note_source(look: Look, console: Console) -> None:
    """Says where a picture comes from."""
    if look.note is not None:
        console.note(f"oe: {neutralise(look.note)}")


def look_object(look: Look) -> JsonObject:
    """The documented `--json` object of `oe dump` and `oe inspect --tree`."""
    return {"run_id": look.snapshot.run_id, "live": look.is_live, "note": look.note,
            "snapshot": as_object(look.snapshot), "findings": [finding.as_object() for finding in findings_of(look)]}


def _style(console: Console) -> Style:
    environment = console.environment
    words = [environment.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    locale = next(filter(None, words), "").lower().replace("-", "")
    return UNICODE if is_terminal(console.stdout) and "utf8" in locale else ASCII
