"""Questions before what cannot be undone."""

from __future__ import annotations

from oe.cli.console import Console, is_terminal
from oe.errors import UsageError
from oe.text import neutralise


def confirmed(question: str, what: str, console: Console, *, as_json: bool) -> bool:
    """Whether the person at the terminal says yes. Raises UsageError where there is none, who is told of `--yes`."""
    if as_json or not is_terminal(console.stdin):
        raise UsageError(f"nobody can be asked here whether to {what}", hint=f"--yes {what}s without asking")
    console.stderr.write(f"{neutralise(question)} [y/N] ")
    console.stderr.flush()
    answer = console.stdin.readline()
    if not answer.endswith("\n"):  # Ctrl-D leaves the cursor behind the question
        console.note("")
    return answer.strip().lower() in {"y", "yes"}
