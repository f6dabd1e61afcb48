"""Writes verdict.md: what every gate said, and whether the package was released."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_CHECKS = ("licence", "changelog", "coverage")


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes the file and `verdict`."""
    state = inputs["_state"]
    blocked_by = find_blockers(state)
    Path(ctx.folder, "verdict.md").write_text(render(state, inputs["package"], blocked_by), encoding="utf-8")
    return {"verdict": {"released": not blocked_by, "blocked_by": blocked_by}}


def find_blockers(state: dict[str, Any]) -> list[str]:
    """What kept the package from being released: a check without a result or with problems, or the release itself."""
    if "package" not in state:
        return ["package"]
    closed = [check for check in _CHECKS if check not in state or state[check]["problems"]]
    return closed or ([] if "release" in state else ["release"])


def render(state: dict[str, Any], folder: str, blocked_by: list[str]) -> str:
    """The verdict as Markdown."""
    package = state.get("package", {"name": folder, "version": ""})
    title = f"{package['name']} {package['version']}".strip()
    lines = [f"# {title}: {'released' if not blocked_by else 'blocked by ' + ', '.join(blocked_by)}", ""]
    for check in _CHECKS:
        result = state.get(check)
        if result is None:
            lines.append(f"- **{check}**: could not be checked, see `oe logs latest {check}`")
            continue
        lines.append(f"- **{check}**: {'blocked' if result['problems'] else 'passed'}"
                     + "".join(f" ({fact})" for fact in result["facts"]))
        lines += [f"  - {problem}" for problem in result["problems"]]
    if "release" in state:
        release = state["release"]
        lines += ["", f"`{release['file']}`, files: {release['files']}, SHA-256 `{release['sha256']}`"]
    return "\n".join(lines) + "\n"
