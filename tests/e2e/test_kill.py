"""Kills, signals and crowds: the real program is ended at any instant, and nothing committed is lost or done twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest

from oe.state.events import EVENTS
from tests.support.experiences import held_run, write_experience
from tests.support.program import Program, Result

LENGTH = 200
LINE_BYTES = 4
CHAIN_HEAD = """\
name: chain
version: 1.0.0
state:
  schema:
    trail: {type: array, items: {type: integer}, merge: array_append, persist: true}
graph:
  nodes:
"""
CHAIN_NODE = """\
    - {{id: step{0}, kind: tool, impl: ./step.py, args: {{number: {0}}}, needs: [{1}], writes: [trail],
       cache: false}}
"""
STEP = """\
import os
import time

def run(inputs, ctx):
    time.sleep(0.003)
    while inputs["number"] == 199 and not os.path.exists("may-end"):  # a run that nobody has killed in time waits
        time.sleep(0.003)
    done = os.open("done", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(done, b"%03d\\n" % inputs["number"])
    os.close(done)
    return {"trail": [inputs["number"]]}
"""
CLEANING = """\
name: cleaning
version: 1.0.0
state: {schema: {seen: {type: string}}}
graph:
  nodes:
    - {id: work, kind: tool, impl: ./wait.py, args: {gate: work}, cache: false}
    - {id: clean, kind: tool, impl: ./wait.py, args: {gate: clean}, needs: [work], join: always, cache: false}
runtime: {cleanup_timeout: 10m}
"""
WAIT = """\
def run(inputs, ctx):
    with open(inputs["gate"]) as gate:  # until the test opens it for writing and closes it
        gate.read()
"""
CHILD = """\
name: child
version: 1.0.0
state: {schema: {never: {type: string}}}
graph:
  nodes:
    - {id: wait, kind: tool, command: [sh, -c, "(exec 3> alive; read line < gate) & wait"]}
"""
CROWD = """\
name: crowd
version: 1.0.0
args: {who: {type: string, required: true}}
state: {schema: {everybody: {type: array, items: {type: string}, merge: array_append, persist: true}}}
graph:
  nodes:
    - {id: join, kind: tool, impl: ./join.py, args: {who: $args.who}, writes: [everybody]}
"""
JOIN = """\
def run(inputs, ctx):
    return {"everybody": [inputs["who"]]}
"""


def started(program: Program, folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """The program at work in the folder, its output thrown away."""
    return program.start(*arguments, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def chain(folder: Path) -> Path:
    """An experience of LENGTH nodes, one after the other, each of which leaves a line in the file `done`."""
    nodes = (CHAIN_NODE.format(number, f"step{number - 1}" if number else "") for number in range(LENGTH))
    return write_experience(folder, CHAIN_HEAD + "".join(nodes), step=STEP)


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def kill_when(process: subprocess.Popen[bytes], path: Path, size: int, done: Path) -> None:
    """Kills the process as soon as the file has reached the size, or the run its last node."""
    while size_of(path) < size and size_of(done) < (LENGTH - 1) * LINE_BYTES:
        assert process.poll() is None, "it ended before it was killed"
    process.kill()
    assert process.wait(60) == -signal.SIGKILL


def kill_again_and_again(program: Program, folder: Path, kills: int, random: Random) -> list[int]:
    """Begins a run, kills and resumes it, and kills it once more; how many lines `done` held at each kill."""
    done, log = folder / "done", folder / ".openexpertise/runs/killed.jsonl"
    lines_at_kills: list[int] = []
    process = started(program, folder, "run", "--quiet", "--run-id", "killed")
    for number in range(kills):
        lines = size_of(done) // LINE_BYTES
        if number % 3 == 1:  # soon after the start, where the log is mended and the run taken up
            kill_when(process, log, size_of(log) + random.randint(1, 2000), done)
        else:
            more = random.randint(1, max(1, (LENGTH - lines) // 4))
            kill_when(process, done, (lines + more) * LINE_BYTES, done)
        lines_at_kills.append(size_of(done) // LINE_BYTES)
        if number % 3 == 2:  # as if its last lines had never reached the log
            os.truncate(log, max(0, size_of(log) - random.randint(1, 500)))
        process = started(program, folder, "resume", "--quiet", "--run-id", "killed")
    process.kill()
    process.wait(60)
    return [*lines_at_kills, size_of(done) // LINE_BYTES]


def executions(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "done").read_text().split()]


def log_records(folder: Path) -> list[dict[str, Any]]:
    """Every line of the run's log, each of them whole."""
    text = next((folder / ".openexpertise/runs").glob("*.jsonl")).read_text()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def committed(records: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The identities of the events that a crash must neither lose nor repeat, but for those of resuming itself."""
    return [(record["type"], record.get("slot"), record.get("attempt"), record.get("field")) for record in records
            if EVENTS[record["type"]].committed and record["type"] not in {"run.resumed", "log.repaired"}]


def check_survival(program: Program, tmp_path: Path, kills: int, seed: int) -> None:
    calm = chain(tmp_path / "calm")
    (calm / "may-end").touch()
    undisturbed = program.run("run", "--quiet", "--json", cwd=calm).json()
    folder = chain(tmp_path / "killed")
    at_kills = kill_again_and_again(program, folder, kills, Random(seed))
    (folder / "may-end").touch()
    result = program.run("resume", "--quiet", "--json", cwd=folder)
    assert (result.exit_code, result.json()["status"]) == (0, "success"), result.stderr
    assert result.json()["state"] == undisturbed["state"] == {"trail": list(range(LENGTH))}
    history = program.run("state", "--history", cwd=folder).json()
    assert [entry["slot"] for entry in history] == [f"step{number}" for number in range(LENGTH)]
    assert program.run("state", "trail", "--workspace", cwd=folder).json() == list(range(LENGTH)), "published once"
    ran = executions(folder)
    repeats = [place for place in range(1, len(ran)) if ran[place] == ran[place - 1]]
    assert [number for place, number in enumerate(ran) if place not in repeats] == list(range(LENGTH))
    assert set(repeats) <= set(at_kills), "only what was in flight at a kill may run again"
    assert program.run("inspect", "--json", cwd=folder).exit_code == 0  # mends what was lost behind the last commit
    records = log_records(folder)
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    assert committed(records) == committed(log_records(calm))
    resumed = program.run("runs", "--json", cwd=folder).json()["runs"][0]["resumed"]
    assert sum(record["type"] == "run.resumed" for record in records) == resumed


@pytest.mark.every_form
def test_a_chain_killed_at_random_instants_ends_as_if_undisturbed(program: Program, tmp_path: Path) -> None:
    check_survival(program, tmp_path, kills=4, seed=20261120)


@pytest.mark.long
@pytest.mark.every_form
@pytest.mark.parametrize("seed", range(12))
def test_a_chain_killed_often_ends_as_if_undisturbed(program: Program, tmp_path: Path, seed: int) -> None:
    check_survival(program, tmp_path, kills=12, seed=seed)


def test_a_killed_run_leaves_no_process_behind(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "child", CHILD)
    os.mkfifo(folder / "alive")
    os.mkfifo(folder / "gate")
    process = started(program, folder, "run", "--quiet")
    with (folder / "alive").open("rb") as alive:  # returns when the grandchild has opened its end
        process.kill()
        process.wait(60)
        assert alive.read() == b""  # comes to its end only when nobody is left who could write


@pytest.mark.parametrize(("number", "exit_code", "reason"), [
    (signal.SIGINT, 130, "user"), (signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "hangup")])
def test_a_signal_cancels_the_run_which_can_be_resumed(program: Program, tmp_path: Path, number: signal.Signals,
                                                       exit_code: int, reason: str) -> None:
    with held_run(program, tmp_path / "held") as held:
        held.process.send_signal(number)
        assert held.process.wait(60) == exit_code
        assert log_records(held.folder)[-1] | {"seq": 0, "ts": "", "run_id": ""} == {
            "type": "run.finished", "status": "cancelled", "reason": reason, "seq": 0, "ts": "", "run_id": ""}
        (held.folder / "gate").unlink()
        resumed = program.run("resume", "--json", cwd=held.folder)
    assert (resumed.exit_code, resumed.json()["state"]) == (0, {"names": ["first", "second"], "total": 7})
    finished = [record["slot"] for record in log_records(held.folder) if record["type"] == "node.finished"]
    assert finished == ["first", "second"]


def test_two_interrupts_end_a_run_at_once_although_it_is_cleaning_up(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "cleaning", CLEANING, wait=WAIT)
    for gate in ("work", "clean"):
        os.mkfifo(folder / gate)
    process = started(program, folder, "run", "--quiet")
    work = os.open(folder / "work", os.O_WRONLY)  # each returns when the node has opened its end
    process.send_signal(signal.SIGINT)
    clean = os.open(folder / "clean", os.O_WRONLY)
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(60) == 130, "clean-up has ten minutes, but not after the second interrupt"
    finally:
        os.close(work)
        os.close(clean)
        process.kill()
        process.wait(60)


def test_a_live_run_is_not_taken_over(program: Program, tmp_path: Path) -> None:
    with held_run(program, tmp_path / "held") as held:
        refused = program.run("resume", cwd=held.folder)
        assert (refused.exit_code, refused.stdout) == (6, "")
        assert f"is being carried out by process {held.process.pid} on " in refused.stderr
        assert held.end() == 0


def test_a_successful_run_is_not_reopened(program: Program, tmp_path: Path) -> None:
    with held_run(program, tmp_path / "held") as held:
        assert held.end() == 0
        before = log_records(held.folder)
        again = program.run("resume", "--quiet", cwd=held.folder)
        assert again.exit_code == 0
        assert "has succeeded already; `oe run` starts a new one" in again.stderr
        assert log_records(held.folder) == before


@pytest.mark.parametrize(("processes", "runs"), [(4, 10), pytest.param(8, 50, marks=pytest.mark.long)])
def test_runs_at_the_same_time_lose_no_append(program: Program, tmp_path: Path, processes: int, runs: int) -> None:
    folder = write_experience(tmp_path / "crowd", CROWD, join=JOIN)

    def carry_out(process: int) -> list[Result]:
        return [program.run("run", "--quiet", "--arg", f"who={process}.{number}", cwd=folder) for number in range(runs)]

    with ThreadPoolExecutor(processes) as pool:
        results = [result for each in pool.map(carry_out, range(processes)) for result in each]
    assert Counter((result.exit_code, result.stderr) for result in results) == {(0, ""): processes * runs}
    everybody = program.run("state", "everybody", "--workspace", cwd=folder).json()
    assert Counter(everybody) == Counter(f"{process}.{number}" for process in range(processes) for number in range(runs))
