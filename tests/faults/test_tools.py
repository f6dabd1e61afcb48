"""Tools and programs that behave badly: the stated error and exit code, what was committed stays, nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.experiences import write_experience
from tests.support.program import Program, Result

HEAD = """\
name: faults
version: 1.0.0
state: {schema: {out: {type: array, merge: array_append}, text: {type: string}}}
graph:
  nodes:
    - {id: before, kind: tool, impl: ./before.py, writes: [out]}
"""
BEFORE = "def run(inputs, ctx):\n    return {'out': ['kept']}\n"


def carry_out(program: Program, folder: Path, nodes: str, tool: str = "", *options: str) -> tuple[Result, Any]:
    """What came of a run with the nodes after `before`, and its `--json`."""
    write_experience(folder, HEAD + nodes, before=BEFORE, tool=tool)
    done = program.run("run", "--json", "--quiet", "--run-id", "r", *options, cwd=folder, timeout_seconds=200)
    assert "Traceback" not in done.stderr
    result = done.json()
    assert result["state"]["out"][0] == "kept"
    return done, {node["id"]: node for node in result["nodes"]}


def test_a_tool_that_ends_the_process_interrupts_its_run_which_goes_on(program: Program, tmp_path: Path) -> None:
    nodes = "    - {{id: ends, kind: tool, needs: [before], impl: ./tool.py, writes: [text], isolation: {}}}\n"
    tool = "import os\n\n\ndef run(inputs, ctx):\n    os._exit(4)\n"
    folder = write_experience(tmp_path, HEAD + nodes.format("inline"), before=BEFORE, tool=tool)
    assert program.run("run", "--quiet", "--run-id", "r", cwd=folder).exit_code == 4, "the tool's own"
    assert program.run("runs", "--json", cwd=folder).json()["runs"][0]["status"] == "interrupted"
    write_experience(folder, HEAD + nodes.format("process"))
    done = program.run("resume", "--json", "--quiet", cwd=folder)
    before, ends = done.json()["nodes"]
    assert (done.exit_code, before["attempts"], ends["error"]) == (8, 1, "the process of 'tool.py' ended with exit code 4")


MEASURED = """\
import resource, subprocess, sys

code = subprocess.run(sys.argv[1:]).returncode
with open("most", "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""
"""Runs a program; the file `most` says how many KiB of memory it took. Of the tests' own process every child would count."""
MEGABYTES = [100, pytest.param(1000, marks=pytest.mark.long)]


@pytest.mark.parametrize("megabytes", MEGABYTES)
def test_a_program_whose_output_has_no_end_fails_its_node_alone(program: Program, tmp_path: Path, megabytes: int) -> None:
    measured = Program([sys.executable, "-c", MEASURED, *program.command], tmp_path, program.environment)
    done, nodes = carry_out(measured, tmp_path / "flood", f"""\
    - {{id: out, kind: tool, needs: [before], command: [sh, -c, "head -c {megabytes}000000 /dev/zero"]}}
    - {{id: err, kind: tool, needs: [before], command: [sh, -c, "head -c {megabytes}000000 /dev/zero >&2"]}}
""")
    assert done.exit_code == 8
    assert "is longer than 64.0 MiB" in nodes["out"]["error"]
    assert nodes["err"]["status"] == "success"
    assert (tmp_path / "flood/.openexpertise/runs/r/err.log").stat().st_size < 12 << 20, "a node's log is bounded"
    assert int((tmp_path / "flood/most").read_text()) < 400 << 10


@pytest.mark.parametrize("megabytes", MEGABYTES)
@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_a_tool_whose_prints_have_no_end_is_bounded(program: Program, tmp_path: Path, isolation: str, megabytes: int) -> None:
    done, nodes = carry_out(program, tmp_path / "flood", f"""\
    - {{id: prints, kind: tool, needs: [before], impl: ./tool.py, isolation: {isolation}}}
""", f"def run(inputs, ctx):\n    for _ in range({megabytes}):\n        print('x' * 1_000_000)\n")
    assert (done.exit_code, nodes["prints"]["status"]) == (0, "success")
    assert (tmp_path / "flood/.openexpertise/runs/r/prints.log").stat().st_size < 12 << 20


CLOSES = """\
import os

def run(inputs, ctx):
    os.close(1)
    os.close(2)
    return {"out": [ctx.slot]}
"""


def test_tools_that_close_the_standard_streams_harm_nothing(program: Program, tmp_path: Path) -> None:
    done, nodes = carry_out(program, tmp_path / "closes", """\
    - {id: program, kind: tool, needs: [before], command: [sh, -c, "exec >&- 2>&-"]}
    - {id: process, kind: tool, needs: [program], impl: ./tool.py, isolation: process, writes: [out]}
    - {id: inline, kind: tool, needs: [process], impl: ./tool.py, isolation: inline, writes: [out]}
    - {id: after, kind: tool, needs: [inline], impl: ./before.py, writes: [out]}
""", CLOSES)
    assert done.exit_code == 0
    assert done.json()["state"]["out"] == ["kept", "process", "inline", "kept"]
    assert {node["status"] for node in nodes.values()} == {"success"}


def test_output_that_is_no_utf8_is_told_by_its_byte(program: Program, tmp_path: Path) -> None:
    done, nodes = carry_out(program, tmp_path / "bytes", r"""
    - {id: text, kind: tool, needs: [before], command: [printf, "ab\\377"], output: text, writes: [text]}
    - {id: json, kind: tool, needs: [before], command: [printf, "{\"out\": [\"\\377\"]}"], writes: [out]}
    - {id: half, kind: tool, needs: [before], impl: ./tool.py, writes: [text]}
    - {id: prints, kind: tool, needs: [before], impl: ./tool.py:prints, args: {x: 1}}
""", """\
import sys

def run(inputs, ctx):
    return {"text": "\\ud800"}

def prints(inputs, ctx):
    print("\\udc80 \\ud800")
    sys.stdout.buffer.write(b"\\xff\\n")
    ctx.log("\\udfff")
""")
    assert done.exit_code == 8
    assert "no UTF-8: byte 0xff at offset 2" in nodes["text"]["error"]
    assert "no UTF-8: byte 0xff at offset 10" in nodes["json"]["error"]
    assert "lone surrogate" in nodes["half"]["error"]
    assert nodes["prints"]["status"] == "success"
    assert program.run("logs", "r", cwd=tmp_path / "bytes").exit_code == 0


LONG = "n" * 10_000


@pytest.mark.parametrize(("text", "exit_code"), [
    (HEAD.replace("before,", f"{LONG},"), 3),
    (HEAD.replace("./before.py", f"./{LONG}.py"), 3),
    (HEAD.replace("text:", f"{LONG}:"), 3),
    (HEAD.replace("name: faults", f"name: {LONG}"), 3),
    (HEAD.replace("writes: [out]", f"writes: [out], inputs: [{LONG}]"), 3),
    (HEAD.replace("writes: [out]", f"writes: [out], inputs: ['{LONG}*']"), 0),
    (HEAD.replace("writes: [out]", f"writes: [out], phase: {LONG}"), 0),
    (HEAD.replace("writes: [out]", f"writes: [out], args: {{{LONG}: {LONG}}}"), 0),
])
def test_names_of_ten_thousand_characters(program: Program, tmp_path: Path, text: str, exit_code: int) -> None:
    folder = write_experience(tmp_path / "long", text, before=BEFORE)
    for command in ("validate", "run", "runs", "inspect", "state", "plan", "graph"):
        done = program.run(command, cwd=folder)
        assert "Traceback" not in done.stderr
        assert len(done.stderr) < 50_000
        if command in ("validate", "run", "plan"):
            assert done.exit_code == exit_code, done.stderr[:1000]


@pytest.mark.parametrize("arguments", [("run", "--run-id", LONG), ("run", "--only", LONG), ("resume", "--run-id", LONG),
                                       ("inspect", LONG), ("logs", LONG, LONG), ("run", "--arg", f"{LONG}=1"), (LONG,),
                                       ("run", f"./{LONG}"), ("run", "--data-dir", f"./{LONG}"), ("cancel", LONG)])
def test_arguments_of_ten_thousand_characters(program: Program, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = program.run(*arguments, cwd=write_experience(tmp_path / "long", HEAD, before=BEFORE))
    assert done.exit_code in (0, 1, 2, 3, 5), done.stderr[:2000]
    assert "Traceback" not in done.stderr


DEAF = """\
name: deaf
version: 1.0.0
state: {schema: {never: {type: string}}}
graph:
  nodes:
    - {id: deaf, kind: tool, command: [sh, -c, "trap '' TERM INT; (exec 3> alive; sleep 600) & echo >begun; wait; sleep 600"]}
"""


@pytest.mark.parametrize("signals", [2, pytest.param(1, marks=pytest.mark.long)])
def test_a_program_that_ignores_term_is_killed_with_its_children(program: Program, tmp_path: Path, signals: int) -> None:
    """After the five seconds that programs have, and at once on the second signal."""
    folder = write_experience(tmp_path / "deaf", DEAF)
    for name in ("alive", "begun"):
        os.mkfifo(folder / name)
    process = program.start("run", "--quiet", cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with (folder / "alive").open("rb") as alive:
        with (folder / "begun").open("rb") as begun:
            begun.read()
        for _ in range(signals):
            process.send_signal(signal.SIGINT)
            hear(program, folder)
        assert process.wait(60) == 130
        assert alive.read() == b""


def hear(program: Program, folder: Path) -> None:
    """Gives the process time to take the signal: two that are pending at once are one to the kernel."""
    assert program.run("runs", cwd=folder).exit_code == 0


@pytest.fixture
def redirected(program: Program) -> Callable[[Path, str], int]:
    """Runs the program by a shell, with its streams as they stand in a text."""
    def run(folder: Path, streams: str, *arguments: str) -> int:
        line = f'exec "$@" {streams}'
        return subprocess.run(["sh", "-c", line, "sh", *program.arguments(*arguments)], cwd=folder, check=False,
                              env=program.environment, timeout=60).returncode
    return run


@pytest.mark.parametrize("streams", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full", "<&- 2>&-"])
def test_streams_that_are_closed_or_full_leave_the_exit_code(redirected: Callable[..., int], tmp_path: Path,
                                                             streams: str) -> None:
    folder = write_experience(tmp_path / "streams", HEAD, before=BEFORE, tool="")
    assert redirected(folder, streams, "run") == 0
    failing = HEAD + "    - {id: bad, kind: tool, needs: [before], command: ['false']}\n"
    folder = write_experience(tmp_path / "failing", failing, before=BEFORE)
    assert redirected(folder, streams, "run") == 8


@pytest.mark.parametrize("arguments", [("run",), ("run", "--json"), ("runs",), ("inspect",), ("state",), ("--help",),
                                       ("validate", "--json"), ("logs", "r")])
def test_a_full_disk_behind_standard_output_is_one_sentence(program: Program, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    printing = BEFORE.replace("return", "print('printed')\n    return")
    folder = write_experience(tmp_path / "full", HEAD, before=printing)
    assert program.run("run", "--run-id", "r", cwd=folder).exit_code == 0
    with open("/dev/full", "wb") as full:
        process = program.start(*arguments, cwd=folder, stdout=full)
        told = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 1
    assert told.endswith("oe: cannot write to standard output: no space left on device\n")
    assert "Traceback" not in told
