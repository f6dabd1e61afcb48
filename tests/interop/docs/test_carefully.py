"""The script of docs/security.md keeps a stranger's experience from the home directory, the network and the disk."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support.program import ROOT
from tests.support.sessions import write_files
from tests.support.software import debian_program

PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
PROBE = """\
import json, os, socket

def refused(act):
    try:
        act()
    except OSError as error:
        return error.strerror
    return "done"

def run(inputs, ctx):
    with socket.socket() as peer:
        return {"seen": [
            json.dumps(sorted(os.environ)), refused(lambda: open(ctx.folder + "/x", "w")), refused(lambda: open("/x", "w")),
            refused(lambda: os.listdir("HOME")), refused(lambda: peer.connect(("192.0.2.1", 80)))]}
"""


def test_it_reaches_nothing_but_its_data(archive: Path, tmp_path: Path) -> None:
    debian_program("bwrap", "bubblewrap")
    write_files(PAGE, tmp_path)
    text = (tmp_path / "stranger/experience.yaml").read_text().splitlines()
    (tmp_path / "stranger/experience.yaml").write_text("\n".join(line for line in text if "settings" not in line))
    (tmp_path / "home").mkdir()
    (tmp_path / "stranger/tools/collect.py").write_text(PROBE.replace("HOME", str(tmp_path / "home")))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/oe").symlink_to(archive)
    environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "HOME": str(tmp_path / "home"), "SOME_TOKEN": "hidden"}
    done = subprocess.run(["sh", "carefully.sh", "stranger", "data", "--json"], cwd=tmp_path, env=environment, check=False,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 8, done.stderr
    for part in ('"SOME_TOKEN', "done"):
        assert part not in done.stdout
    for part in ("Read-only file system", "No such file or directory", "Network is unreachable"):
        assert part in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "carefully.sh", "data", "home", "stranger"]
    assert sorted(path.name for path in (tmp_path / "stranger").iterdir()) == ["experience.yaml", "tools"]
