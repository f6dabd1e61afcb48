"""What docs/operations.md says of containers, in namespaces of Linux: process 1, a read-only root, any user, no network."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.experiences import HELD, TOOL, HeldRun, write_experience
from tests.support.program import ROOT, Program
from tests.support.sessions import blocks, write_files

PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
DOCKERFILE = next(block.text for block in blocks(PAGE) if block.file == "Dockerfile")
FIRST_PROCESS = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child")
CONTAINED = """\
set -e
mkdir place/nowhere
mount --bind place place && mount -t tmpfs tmpfs place/data
cd "$PWD/place"
for folder in /var/tmp /dev/shm /run; do mount --bind nowhere $folder; mount -o remount,ro,bind $folder; done
mount -o remount,ro,bind "$PWD"
cd "$PWD"
for file in inside nightly/inside nowhere/inside /run/inside; do
    if touch "$file" 2>/dev/null; then exit 99; fi
done
contained() { env -i PATH="$PATH" OE_DATA_DIR="$PWD/data" TMPDIR="$PWD/nowhere" "$@"; }
contained "$@"
ls data
"""


def _may(*command: str) -> bool:
    try:
        return subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


needs_namespaces = pytest.mark.skipif(not _may(*FIRST_PROCESS, "--mount", "--net"),
                                      reason="containers need user namespaces (unshare --user)")


@needs_namespaces
def test_process_1_ends_its_run_when_it_is_told(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "held", HELD.replace("impl: ./tool.py:second", "command: [sh, ./wait.sh]"), tool=TOOL)
    (folder / "wait.sh").write_text('echo $$ > begun; read -r line < gate; echo "{}"\n')
    os.mkfifo(folder / "gate")
    os.mkfifo(folder / "begun")
    process = subprocess.Popen([*FIRST_PROCESS, *program.arguments("run", "--quiet")], cwd=folder, env=program.environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    held = HeldRun(folder, process)
    try:
        held.wait_until_begun()
        (first,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert re.search(r"^NSpid:.*\t1$", Path(f"/proc/{first}/status").read_text(), re.MULTILINE)
        os.kill(int(first), 15)
        told = process.communicate(timeout=60)[1].decode()
        assert process.returncode == 143, told
    finally:
        held.kill()
    assert "stopped: terminated" in told
    runs = program.run("runs", "--json", cwd=folder).json()["runs"]
    assert [run["status"] for run in runs] == ["cancelled"]
    (folder / "wait.sh").write_text('echo "{\\"names\\": [\\"second\\"], \\"total\\": 7}"\n')
    assert program.run("resume", "--json", cwd=folder).json()["state"]["names"] == ["first", "second"]


@needs_namespaces
def test_nothing_but_the_data_folder_need_be_writable(program: Program, tmp_path: Path) -> None:
    write_files(PAGE, tmp_path / "place")
    (tmp_path / "place/data").mkdir()
    text = (tmp_path / "place/nightly/experience.yaml").read_text()
    (tmp_path / "place/nightly/experience.yaml").write_text(
        text + "    - {id: apart, kind: tool, impl: ./tools.py:measure, isolation: process, args: {day: $args.day}, writes: [rows],"
               " needs: [export]}\n    - {id: shell, kind: tool, command: [sh, -c, 'ls / >/dev/null; id -u'], output: text, writes: [file],"
               " needs: [export]}\n")
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "--net", "sh", "-c", CONTAINED, "sh",
                           *program.arguments("run", "nightly", "--arg", "day=2026-11-20", "--arg", f"folder={tmp_path}/place/data")],
                          cwd=tmp_path, env=program.environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "4 nodes, 4 ok" in done.stderr
    assert {"2026-11-20.txt", "state.sqlite", "runs", "cache"} <= set(done.stdout.split())


def test_the_dockerfile_copies_what_is_there_and_starts_what_works(program: Program, tmp_path: Path) -> None:
    write_files(PAGE, tmp_path)
    (tmp_path / "oe.pyz").touch()
    lines = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines()]
    assert [word for word, _ in lines] == ["FROM", "COPY", "COPY", "RUN", "ENV", "USER", "ENTRYPOINT", "CMD"]
    said = {word: rest for word, rest in lines}
    copied = [rest.split()[-2:] for word, rest in lines if word == "COPY"]
    assert all((tmp_path / source).exists() for source, _ in copied)
    assert re.fullmatch(r"python:3\.1[1-9]-slim", said["FROM"])
    assert ["oe.pyz", f"/usr/local/bin/{json.loads(said['ENTRYPOINT'])[0]}"] in copied
    command, path = json.loads(said["CMD"])
    assert ["nightly", path] in copied
    assert program.run(command, "--help").exit_code == 0
    owner, folders = re.fullmatch(r"install -d -o (\d+) -g \d+ -m 700 (.+)", said["RUN"]), said["ENV"].split("=")
    assert owner is not None and said["USER"].startswith(owner[1]) and folders[1] in owner[2].split()
