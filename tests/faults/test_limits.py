"""Limits of the host: few descriptors, little memory, small files, a log or a cache without room, streams that are closed or
not read to their end. What goes on does so, what cannot says which limit it was, and nothing hangs."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.test_place import needs_mounts
from tests.support.experiences import write_experience
from tests.support.program import Program

ITEMS = 40
SPEC = f"""\
name: limits
version: 1.0.0
state: {{schema: {{out: {{type: array, merge: array_append}}, list: {{type: array, default: {list(range(ITEMS))}}}}}}}
graph:
  nodes:
    - {{id: programs, kind: tool, command: [sh, -c, 'echo "{{\\"out\\": [1]}}"'], writes: [out], cache: false,
       for_each: {{source: $.list, concurrency: {ITEMS}}}}}
    - {{id: processes, kind: tool, impl: ./tool.py, isolation: process, writes: [out],
       for_each: {{source: [1, 2, 3, 4, 5, 6, 7, 8], concurrency: 8}}}}
    - {{id: inline, kind: tool, impl: ./tool.py, needs: [programs, processes], join: always, writes: [out]}}
"""
TOOL = "def run(inputs, ctx):\n    print('printed')\n    return {'out': [1]}\n"
ALL = ITEMS + 8 + 1
Limited = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_experience(tmp_path / "limits", SPEC, tool=TOOL)


@pytest.fixture
def limited(program: Program, folder: Path) -> Limited:
    """Runs the program with limits on resources, set as `ulimit` sets them."""
    def run(limits: dict[int, int], *arguments: str) -> subprocess.CompletedProcess[str]:
        def set_limits() -> None:
            for name, most in limits.items():
                resource.setrlimit(name, (most, most))

        return subprocess.run(program.arguments(*arguments), cwd=folder, env=program.environment, capture_output=True,
                              text=True, timeout=100, check=False,
                              preexec_fn=set_limits)
    return run


def outs(program: Program, folder: Path) -> int:
    return len(program.run("state", "out", cwd=folder).json())


@pytest.mark.parametrize("most", [64, *(pytest.param(most, marks=pytest.mark.long) for most in (16, 20, 32, 100))])
def test_few_descriptors_fail_programs_by_name_and_the_run_goes_on(program: Program, limited: Limited, folder: Path,
                                                                   most: int) -> None:
    done = limited({resource.RLIMIT_NOFILE: most}, "run", "--json", "--concurrency", "4")
    nodes = {node["id"]: node for node in json.loads(done.stdout)["nodes"]}
    assert done.returncode == 1, done.stderr
    assert nodes["inline"]["status"] == "success"
    assert "too many open files (lower the concurrency, or raise the limit on open files: ulimit -n)" in nodes["programs"]["error"]
    assert program.run("resume", "--quiet", cwd=folder).exit_code == 0
    assert outs(program, folder) == ALL


@pytest.mark.parametrize("most", [7, 12, *(pytest.param(most, marks=pytest.mark.long) for most in (8, 9, 10, 11, 13))])
def test_hardly_any_descriptors_are_told_in_a_sentence(program: Program, limited: Limited, folder: Path, most: int) -> None:
    done = limited({resource.RLIMIT_NOFILE: most}, "run", "--quiet")
    assert done.returncode in (1, 3), done.stderr
    assert "Traceback" not in done.stderr
    assert program.run("run", "--quiet", cwd=folder).exit_code == 0


@pytest.mark.parametrize("megabytes", [64, *(pytest.param(most, marks=pytest.mark.long) for most in range(40, 260, 12))])
def test_little_memory_hangs_nothing(program: Program, limited: Limited, folder: Path, megabytes: int) -> None:
    """Threads, programs and answers fail at whatever place the memory ends."""
    done = limited({resource.RLIMIT_AS: megabytes << 20}, "run", "--concurrency", "4")
    assert done.returncode in (0, 1, 3, 8, 127, -signal.SIGABRT, -signal.SIGSEGV), done.stderr[-2000:]  # of Python itself
    assert "fault of oe" not in done.stderr, done.stderr
    run = program.run("resume", "--quiet", cwd=folder)
    if run.exit_code == 5:  # not even the run was on record
        run = program.run("run", "--quiet", cwd=folder)
    assert run.exit_code == 0, run.stderr
    assert outs(program, folder) == ALL


@pytest.mark.parametrize("kilobytes", [100, *(pytest.param(most, marks=pytest.mark.long) for most in (0, 20, 200, 300, 400))])
def test_files_that_may_not_grow_are_told_and_nothing_is_lost(program: Program, limited: Limited, folder: Path,
                                                              kilobytes: int) -> None:
    done = limited({resource.RLIMIT_FSIZE: kilobytes << 10}, "run", "--quiet", "--run-id", "r")
    assert done.returncode in (0, 1), done.stderr
    assert done.returncode == 0 or "could not be read or written" in done.stderr or "may not grow" in done.stderr
    assert "Traceback" not in done.stderr
    again = program.run("run" if "r" not in program.run("runs", cwd=folder).stdout.split() else "resume", "--quiet", "--run-id",
                        "r", cwd=folder)
    assert again.exit_code == 0, again.stderr
    assert outs(program, folder) == ALL


@needs_mounts
@pytest.mark.parametrize("place", ["runs", "cache"])
def test_a_log_or_a_cache_without_room_is_told_once_and_ends_nothing(program: Program, folder: Path, place: str) -> None:
    """Neither is the truth. The log is made again by the next command, when there is room."""
    script = f"""\
mkdir -p .openexpertise/{place} && mount -t tmpfs -o size=16k tmpfs .openexpertise/{place} || exit 99
"$@" run --run-id r 2>told; echo "run $?"
mount -o remount,size=20m .openexpertise/{place}
"$@" inspect r --json >events; echo "inspect $?"
"""
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", *program.command],
                          cwd=folder, env=program.environment, capture_output=True, text=True, timeout=100, check=False)
    told = (folder / "told").read_text()
    assert done.stdout.endswith("run 0\ninspect 0\n"), told + done.stderr
    assert told.count("no room left on the disk") == 1, told
    events = json.loads((folder / "events").read_text())["events"]
    finished = {event["slot"] for event in events if event["type"] == "node.finished"}
    assert {f"programs[{number}]" for number in range(ITEMS)} <= finished
    assert [event["seq"] for event in sorted(events, key=lambda event: event["seq"])] == list(range(1, len(events) + 1))


@pytest.mark.parametrize("streams", ["<&-", ">&-", "<&- >&-", "| head -c 1", "| true", "2>&1 | head -n 1"])
def test_streams_that_end_early_do_not_end_the_run(program: Program, folder: Path, streams: str) -> None:
    line = f'"$@" {streams}'
    for arguments in (("run", "--run-id", "r"), ("inspect", "r"), ("runs", "--json")):
        done = subprocess.run(["sh", "-c", line, "sh", *program.arguments(*arguments)], cwd=folder, env=program.environment,
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode in (0, 141), (arguments, done)
        assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr, (arguments, done.stderr)
    run, = program.run("runs", "--json", cwd=folder).json()["runs"]
    assert run["status"] == "success"


def test_output_that_would_block_is_waited_for(program: Program, folder: Path) -> None:
    """A parent may have made the pipe non-blocking, as node does; who reads late must get everything."""
    assert program.run("run", "--run-id", "r", cwd=folder).exit_code == 0
    whole = program.run("inspect", "r", "--json", cwd=folder).stdout
    assert len(whole) > 20_000
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with program.start("inspect", "r", "--json", cwd=folder, stdout=writing) as process, open(reading, "rb") as reader:
        os.close(writing)
        got = reader.read()
        errors = process.communicate(timeout=60)[1]
    assert (process.returncode, errors) == (0, b"")
    assert got.decode() == whole
