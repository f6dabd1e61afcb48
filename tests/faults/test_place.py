"""The place where runs are kept fails: full, read-only, locked, damaged, torn. The stated error and exit code, nothing that
was committed is lost, and the run goes on when the place is well again."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from pathlib import Path
from random import Random

import pytest

from tests.support.experiences import write_experience
from tests.support.program import Program

SPEC = """\
name: place
version: 1.0.0
state: {schema: {out: {type: array, merge: array_append, persist: true}, list: {type: array, default: LIST}}}
graph:
  nodes:
    - {id: many, kind: tool, impl: ./tool.py, for_each: {source: $.list, concurrency: 2}, writes: [out]}
    - {id: last, kind: tool, impl: ./tool.py, needs: [many], writes: [out]}
"""
TOOL = """\
import os

def run(inputs, ctx):
    done = os.open(os.environ.get("DONE", ctx.folder + "/done"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(done, f"{ctx.slot}\\n".encode())
    os.close(done)
    return {"out": [ctx.slot + " " + "x" * 20_000]}
"""
COUNT = 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_experience(tmp_path / "place", SPEC.replace("LIST", str(list(range(COUNT)))), tool=TOOL)


def executions(folder: Path) -> list[str]:
    return sorted((folder / "done").read_text().split())


def everything() -> list[str]:
    return sorted([*(f"many[{number}]" for number in range(COUNT)), "last"])


_OWN_MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")
_SMALL_DISK = """\
mkdir data && mount -t tmpfs -o size=900k tmpfs data || exit 99
head -c 300000 /dev/zero >data/ballast
"$@" run --data-dir data --run-id r --quiet 2>told; echo "run $?"
rm data/ballast
mount -o remount,size=20m data
"$@" resume --data-dir data --quiet --json >result; echo "resume $?"
"$@" inspect --data-dir data --json >events; echo "inspect $?"
"""


def _may_mount() -> bool:
    try:
        return subprocess.run([*_OWN_MOUNTS, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


needs_mounts = pytest.mark.skipif(not _may_mount(), reason="own mounts need user namespaces (unshare --user --mount)")


@needs_mounts
def test_a_full_disk_ends_the_run_which_goes_on_when_there_is_room(program: Program, folder: Path) -> None:
    done = subprocess.run([*_OWN_MOUNTS, "sh", "-c", _SMALL_DISK, "sh", *program.command], cwd=folder, check=False,
                          env=program.environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == "run 1\nresume 0\ninspect 0\n", done.stderr
    told = (folder / "told").read_text()
    assert "no room left" in told or "disk is full" in told, told
    assert "free some space, then 'oe resume' continues" in told
    assert "Traceback" not in told
    ran = executions(folder)
    assert sorted(set(ran)) == everything()
    assert len(ran) <= COUNT + 1 + 2, "only what was in flight may have run again"


_READ_ONLY = """\
mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" || exit 99
"$@"
"""


@needs_mounts
@pytest.mark.parametrize("earlier", [False, True])
def test_a_folder_that_cannot_be_written_is_told_before_anything_runs(program: Program, folder: Path, earlier: bool) -> None:
    if earlier:
        assert program.run("run", "--quiet", cwd=folder).exit_code == 0
        (folder / "done").unlink()

    def read_only(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*_OWN_MOUNTS, "sh", "-c", _READ_ONLY, "sh", *program.arguments(*arguments)]
        return subprocess.run(command, cwd=folder, env=program.environment, capture_output=True, text=True, timeout=60, check=False)

    for arguments in (("run",), ("run", "--no-cache", "--json")):
        done = read_only(*arguments)
        assert done.returncode == 1
        told = done.stderr + done.stdout
        assert "cannot write to" in told or "read-only" in told, told
        assert "--data-dir" in told
        assert "Traceback" not in told
        assert not (folder / "done").exists()
    listed = read_only("runs")
    assert (listed.returncode, "success" in listed.stdout) == (0, earlier)


@pytest.mark.parametrize("seconds", [1, pytest.param(10, marks=pytest.mark.long)])
def test_a_database_that_another_process_holds_is_waited_for(program: Program, folder: Path, seconds: int) -> None:
    assert program.run("run", "--quiet", cwd=folder).exit_code == 0
    holder = sqlite3.connect(folder / ".openexpertise/state.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    process = program.start("run", "--quiet", "--no-cache", cwd=folder)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(seconds)
    holder.execute("COMMIT")
    holder.close()
    told = process.communicate(timeout=60)[1].decode()
    assert (process.returncode, told) == (0, "")


@pytest.mark.parametrize("damage", ["middle", "header", "cut", "other"])
def test_a_damaged_database_is_told_and_left_as_it_is(program: Program, folder: Path, damage: str) -> None:
    assert program.run("run", "--quiet", cwd=folder).exit_code == 0
    path = folder / ".openexpertise/state.sqlite"
    whole = path.read_bytes()
    path.write_bytes({"middle": whole[:2048] + Random(damage).randbytes(len(whole) - 4096) + whole[-2048:],
                      "header": b"\0" * 100 + whole[100:], "cut": whole[:len(whole) // 2],
                      "other": b"this is no database at all\n" * 1000}[damage])
    before = path.read_bytes()
    for arguments in (("run",), ("resume",), ("runs",), ("inspect",), ("state", "--workspace"), ("gc", "--older-than", "1d")):
        done = program.run(*arguments, cwd=folder)
        assert done.exit_code == 1, (arguments, done.stdout[:500], done.stderr[-500:])
        assert "is damaged" in done.stderr or "is not a SQLite database" in done.stderr
        assert "Traceback" not in done.stderr
        assert path.read_bytes() == before, arguments


@pytest.mark.parametrize("size", [0, 1, 50, -1])
def test_a_truncated_cache_file_is_a_miss_that_is_told_once(program: Program, folder: Path, size: int) -> None:
    assert program.run("run", "--quiet", cwd=folder).exit_code == 0
    for path in (folder / ".openexpertise/cache").iterdir():
        os.truncate(path, path.stat().st_size - 1 if size < 0 else size)
    (folder / "done").unlink()
    done = program.run("run", "--quiet", cwd=folder)
    assert done.exit_code == 0
    assert done.stderr.count("cannot be read and counts as a miss") == 1
    assert executions(folder) == everything()
    (folder / "done").unlink()
    assert program.run("run", "--quiet", cwd=folder).exit_code == 0
    assert not (folder / "done").exists(), "what was damaged is replaced by what is whole"


@pytest.mark.parametrize("torn", [b'{"type":"node.fin', b"\0" * 700, b"\n\n", b"\xff\xfe"])
def test_a_torn_log_is_mended_by_the_next_command(program: Program, folder: Path, torn: bytes) -> None:
    assert program.run("run", "--quiet", "--run-id", "r", cwd=folder).exit_code == 0
    path = folder / ".openexpertise/runs/r.jsonl"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-5]) + torn)
    assert program.run("inspect", "r", cwd=folder).exit_code == 0
    mended = path.read_bytes().splitlines(keepends=True)
    assert mended[:len(lines) - 5] == lines[:-5]
    assert all(line.endswith(b"}\n") for line in mended)
    assert b'"run.finished"' in b"".join(mended)
