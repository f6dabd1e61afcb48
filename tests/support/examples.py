"""The experiences in `examples/`, copied for a test without what earlier runs in the checkout have left."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.program import ROOT, Result

EXAMPLES = ROOT / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/experience.yaml"))
REPLAYED = ["agent-echo", "issue-triage", "oncall-runbook", "review-branch", "your-first-experience"]
"""Those whose models are replayed."""

_MADE_BY_RUNS = shutil.ignore_patterns(".openexpertise", "census.md", "batch.md", "scratch", "report.md",
                                       "verdict.md", "dist", "__pycache__", ".*_cache")


def copy_example(name: str, target: Path) -> Path:
    """A copy in a folder of its name below `target`."""
    return Path(shutil.copytree(EXAMPLES / name, target / name, ignore=_MADE_BY_RUNS))


def statuses(result: Result) -> dict[str, str]:
    """The status of each node by `--json`."""
    return {node["id"]: node["status"] for node in result.json()["nodes"]}
