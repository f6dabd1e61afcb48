"""A run as another process sees it: `oe dump`, `oe cancel`, `oe inspect --tree`, live, ended, killed."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
from pathlib import Path

import pytest

from tests.support.experiences import TOOL as HELD_TOOL
from tests.support.experiences import held_run, write_experience
from tests.support.program import Program, Result
from tests.support.shapes import check_shape

TWO = """\
name: two
version: 1.0.0
state: {schema: {out: {type: string}}}
graph:
  nodes:
    - {id: waits, kind: tool, impl: "./tool.py:waits", cache: false, writes: [out]}
    - {id: after, kind: tool, impl: "./tool.py:nothing", needs: [waits], cache: false}
    - {id: beside, kind: tool, impl: "./tool.py:nothing", cache: false}
"""
TOOL = """\
def waits(inputs, ctx):
    with open("begun", "w") as begun:
        begun.write("yes")
    with open("gate") as gate:
        gate.read()
    return {}

def nothing(inputs, ctx):
    return {}
"""


def timeless(text: str) -> str:
    text = re.sub(r"r-\d{8}-[0-9a-f]{6}", "RUN", text)
    return re.sub(r"\d\d:\d\d\b|\d+(\.\d+)?m?s\b", "T", text)


def asked_of_owner(program: Program, folder: Path, *arguments: str) -> Result:
    """What a command tells of a live run once its owner has had its turn: a machine may keep that waiting."""
    for _ in range(100):
        shown = program.run(*arguments, cwd=folder)
        if "event_loop_blocked" not in shown.stdout and "has told nothing" not in shown.stderr \
                and "last told this" not in shown.stderr:
            break
    return shown


LIVE = """\
held  RUN  running T
|- ok first (T)
`- [running] second (T)

2 nodes * 1 ok * 1 running
"""


@pytest.mark.every_form
def test_a_live_run_is_dumped_from_another_process(program: Program, tmp_path: Path) -> None:
    with held_run(program, tmp_path) as held:
        shown = asked_of_owner(program, tmp_path, "dump")
        assert (shown.exit_code, timeless(shown.stdout), shown.stderr) == (0, LIVE, "")
        tree = asked_of_owner(program, tmp_path, "inspect", "latest", "--tree")
        assert (tree.exit_code, timeless(tree.stdout), tree.stderr) == (0, LIVE, "")
        record = asked_of_owner(program, tmp_path, "dump", "latest", "--json").json()
        check_shape(record, "dump")
        check_shape(record["snapshot"]["root"]["parts"][1], "dump.snapshot.root")
        assert (record["live"], record["note"], record["findings"]) == (True, None, [])
        assert [part["status"] for part in record["snapshot"]["root"]["parts"]] == ["ok", "running"]
        live = held.log.with_suffix(".live")
        assert stat.S_IMODE(live.stat().st_mode) == 0o600
        assert held.end() == 0
        assert not live.exists()


def test_a_part_that_a_tool_names_is_in_the_tree_while_it_lasts(program: Program, tmp_path: Path) -> None:
    tool = HELD_TOOL.replace('with open("gate")', 'with ctx.scope("at the gate", "io"), open("gate")')
    with held_run(program, tmp_path, tool) as held:
        second = program.run("dump", "--json", cwd=tmp_path).json()["snapshot"]["root"]["parts"][1]
        assert [(part["level"], part["kind"], part["name"]) for part in second["parts"]] == [("call", "io", "at the gate")]
        assert held.end() == 0


def test_a_run_that_has_ended_is_shown_from_the_truth(program: Program, tmp_path: Path) -> None:
    with held_run(program, tmp_path) as held:
        held.end()
    ended = program.run("dump", cwd=tmp_path)
    assert timeless(ended.stdout) == (
        "held  RUN  success T\n|- ok first (T)\n`- ok second (T)\n\n2 nodes * 2 ok\n")
    assert re.fullmatch(r"oe: run 'RUN' ended T ago: success\n", timeless(ended.stderr))
    refused = program.run("cancel", "latest", cwd=tmp_path)
    assert refused.exit_code == 5
    assert timeless(refused.stderr) == "oe: run 'RUN' is not going on: it ended, success\n"
    assert program.run("dump", "nonsense", cwd=tmp_path).exit_code == 5


def test_a_killed_run_is_interrupted_and_what_was_going_on_is_named(program: Program, tmp_path: Path) -> None:
    with held_run(program, tmp_path) as held:
        while not re.search(r'"type":"node.started".*"second"', held.log.read_text(encoding="utf-8")):
            assert held.process.poll() is None  # what is not committed reaches the log within a tenth of a second
        held.kill()
        ended = program.run("dump", cwd=tmp_path)
        assert timeless(ended.stdout) == (
            "held  RUN  interrupted T\n|- ok first (T)\n`- interrupted second\n\n2 nodes * 1 ok * 1 interrupted\n")
        assert "its process is gone; `oe resume --run-id" in ended.stderr
        refused = program.run("cancel", "latest", "--json", cwd=tmp_path)
        assert (refused.exit_code, refused.json()["error"]["code"]) == (5, "not-running")


def test_an_owner_that_is_stopped_is_named(program: Program, tmp_path: Path) -> None:
    with held_run(program, tmp_path) as held:
        asked_of_owner(program, tmp_path, "dump")  # the file is there
        held.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, held.process.pid, os.WSTOPPED | os.WNOWAIT)
        live = held.log.with_suffix(".live")
        os.utime(live, (1_000_000_000, 1_000_000_000))
        shown = program.run("dump", cwd=tmp_path)
        assert timeless(shown.stdout) == LIVE
        assert f"oe: process {held.process.pid} on " in shown.stderr
        assert "it is stopped, or code holds its interpreter" in shown.stderr
        live.write_text("{", encoding="utf-8")
        committed = program.run("dump", cwd=tmp_path)
        assert "|- ok first (" in committed.stdout
        assert "has told nothing, this is what it has committed" in committed.stderr


def test_a_run_is_cancelled_from_another_process(program: Program, tmp_path: Path) -> None:
    with held_run(program, tmp_path) as held:
        asked = program.run("cancel", "latest", cwd=tmp_path)
        assert (asked.exit_code, timeless(asked.stdout), asked.stderr) == (0, "run RUN is being cancelled\n", "")
        assert held.process.wait(60) == 130
    assert program.run("runs", "--json", cwd=tmp_path).json()["runs"][0]["status"] == "cancelled"


@pytest.mark.every_form
def test_one_node_is_cancelled_and_the_run_goes_on(program: Program, tmp_path: Path) -> None:
    write_experience(tmp_path, TWO, tool=TOOL)
    for name in ("gate", "begun"):
        os.mkfifo(tmp_path / name)
    process = program.start("run", "--json", "--concurrency", "1", cwd=tmp_path)
    try:
        (tmp_path / "begun").read_text(encoding="utf-8")
        unknown = program.run("cancel", "latest", "wait", cwd=tmp_path)
        assert (unknown.exit_code, "did you mean 'waits'?" in unknown.stderr) == (5, True)
        idle = program.run("cancel", "latest", "after", cwd=tmp_path)
        assert (idle.exit_code, timeless(idle.stderr).splitlines()[0]) == (
            5, "oe: nothing of 'after' is going on in run 'RUN'")
        asked = program.run("cancel", "latest", "waits", "--json", cwd=tmp_path)
        check_shape(asked.json(), "cancel")
        assert (asked.exit_code, asked.json()["slots"], asked.json()["count"]) == (0, ["waits"], 1)
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait(60)
    result = json.loads(stdout)
    assert (process.returncode, result["status"]) == (8, "partial")
    assert [(node["id"], node["status"]) for node in result["nodes"]] == [
        ("waits", "cancelled"), ("after", "skipped"), ("beside", "success")]
    assert "oe: another process asks to cancel 'waits'\n" in stderr.decode()
    log = next((tmp_path / ".openexpertise/runs").glob("*.jsonl")).read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in log]
    assert [(event["node_id"], event["reason"]) for event in events if event["type"] == "node.cancelled"] == [
        ("waits", "manual")]


def test_the_tree_is_followed_to_the_end(program: Program, tmp_path: Path) -> None:
    with held_run(program, tmp_path) as held:
        asked_of_owner(program, tmp_path, "dump")
        follower = program.start("inspect", "--tree", "--follow", cwd=tmp_path)
        assert follower.stdout is not None
        first = follower.stdout.readline()
        held.end()
        rest = follower.communicate(timeout=60)[0]
    assert timeless(first.decode()) == "held  RUN  running T\n"
    assert timeless(rest.decode()).endswith("held  RUN  success T\n|- ok first (T)\n`- ok second (T)\n\n2 nodes * 2 ok\n")
