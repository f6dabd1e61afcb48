"""Findings of a diagnosis as lines, for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from oe.state.diagnosis import Finding
from oe.text import neutralise


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """Two lines a finding: what is wrong, and what to do about it."""
    lines: list[str] = []
    for finding in findings:
        what = f"{finding.severity}: {finding.subject}: {finding.message} [{finding.code}]"
        lines += [neutralise(what).replace("\n", " "), f"    hint: {finding.action}"]
    return lines
