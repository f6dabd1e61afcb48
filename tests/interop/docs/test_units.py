"""systemd itself finds nothing wrong with the units of docs/operations.md."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.program import ROOT
from tests.support.sessions import blocks
from tests.support.software import debian_program

PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    verify = debian_program("systemd-analyze", "systemd")
    units = {Path(block.file).name: block.text for block in blocks(PAGE) if block.kind == "ini" and block.file}
    assert sorted(units) == ["nightly.service", "nightly.timer"]
    for name, text in units.items():
        (tmp_path / name).write_text(text)
    done = subprocess.run([verify, "verify", "--man=no", *(tmp_path / name for name in units)], capture_output=True, text=True,
                          check=False, timeout=60)
    about_ours = [line for line in done.stderr.splitlines() if "nightly" in line]
    assert about_ours == [], done.stderr
