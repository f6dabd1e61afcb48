"""Looking at runs through the real program: events, listing, state, logs — of ended, live and killed runs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oe.state.events import EVENTS
from tests.support.experiences import HELD, TOOL, HeldRun, held_run, scrubbed, write_experience
from tests.support.program import Program
from tests.support.shapes import check_shape

SHOWN = """\
2000-01-01 UTC
00:00:00.000  run.started      args={}
00:00:00.000  node.ready       first
00:00:00.000  node.started     first attempt=1
00:00:00.000  state.write      first attempt=1 field=names
00:00:00.000  node.finished    first attempt=1 duration_ms=1.0
00:00:00.000  node.ready       second
00:00:00.000  node.started     second attempt=1
00:00:00.000  state.write      second attempt=1 field=names
00:00:00.000  state.write      second attempt=1 field=total
00:00:00.000  node.finished    second attempt=1 duration_ms=1.0
00:00:00.000  state.published  fields=["total"]
00:00:00.000  run.finished     status=success
"""


@pytest.fixture
def done(program: Program, tmp_path: Path) -> Path:
    """An experience that has been run once."""
    folder = write_experience(tmp_path / "held", HELD, tool=TOOL)
    result = program.run("run", "--quiet", cwd=folder)
    assert result.exit_code == 0, result.stderr
    return folder


@pytest.fixture
def held(program: Program, tmp_path: Path) -> Iterator[HeldRun]:
    """A run in the middle of its second node."""
    with held_run(program, tmp_path / "held") as run:
        yield run


def events_of(program: Program, folder: Path, *options: str) -> list[Any]:
    """The events by `inspect --json`, which must say nothing on stderr."""
    result = program.run("inspect", "--json", *options, cwd=folder)
    assert (result.exit_code, result.stderr) == (0, "")
    value = result.json()
    check_shape(value, "inspect")
    return list(value["events"])


def rest_of(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """What a process still writes until it ends: stdout and stderr (`communicate` would lose what is buffered)."""
    assert process.stdout is not None and process.stderr is not None
    rest = process.stdout.read(), process.stderr.read()
    process.wait(60)
    return rest


def committed(events: list[Any]) -> list[str]:
    """The types of the committed ones: others may be lost with their process."""
    return [event["type"] for event in events if EVENTS[event["type"]].committed]


def test_inspect_shows_the_events_by_time(program: Program, done: Path) -> None:
    result = program.run("inspect", "latest", cwd=done)
    assert (result.exit_code, result.stderr) == (0, "")
    assert scrubbed(result.stdout).splitlines() == SHOWN.splitlines()


@pytest.mark.parametrize("arguments", [
    ("inspect", "-e", "{}", "latest"), ("inspect", "latest", "-e", "{}"), ("inspect", "--experience={}"),
    ("inspect", "-e", "{}/experience.yaml"), ("runs", "{}"), ("runs", "--limit", "3", "{}"), ("state", "-e", "{}"),
    ("state", "total", "-e", "{}"), ("logs", "-e", "{}", "latest", "first"), ("logs", "latest", "first", "-e", "{}"),
])
def test_paths_stand_before_or_after(program: Program, done: Path, arguments: tuple[str, ...], tmp_path: Path) -> None:
    result = program.run(*(each.format(done) for each in arguments), cwd=tmp_path)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout


def test_a_unique_beginning_names_a_run_and_a_shared_one_does_not(program: Program, done: Path) -> None:
    for run_id in ("day-1", "day-2"):
        program.run("run", "--quiet", "--run-id", run_id, cwd=done)
    assert program.run("state", "--run-id", "day-1", cwd=done).exit_code == 0
    assert program.run("inspect", "r-", "--json", cwd=done).json()["run_id"].startswith("r-")
    shared = program.run("inspect", "day", cwd=done)
    assert shared.exit_code == 2
    assert "'day' is the beginning of several runs: day-2, day-1" in shared.stderr
    unknown = program.run("inspect", "../x", "--json", cwd=done)
    assert unknown.exit_code == 5
    check_shape(unknown.json(), "error")


def test_inspect_follows_a_live_run_to_its_end(program: Program, held: HeldRun) -> None:
    follower = program.start("inspect", "--follow", cwd=held.folder)
    assert follower.stdout is not None
    seen = b""
    while b"node.finished    first" not in seen:
        seen += follower.stdout.readline()
    assert b"node.finished    second" not in seen
    held.end()
    rest, errors = rest_of(follower)
    assert errors == b""
    assert rest.decode().splitlines()[-1].split()[1:] == ["run.finished", "status=success"]
    assert [line.split()[1:] for line in (seen + rest).decode().splitlines()] == [
        line.split()[1:] for line in program.run("inspect", cwd=held.folder).stdout.splitlines()]


def test_a_killed_run_is_interrupted_and_its_log_is_mended(program: Program, held: HeldRun) -> None:
    held.kill()
    with held.log.open("ab") as log:
        log.write(b'{"type":"node.fin')
    record = program.run("runs", "--json", cwd=held.folder).json()["runs"][0]
    assert (record["status"], record["finished_at"], record["totals"]) == ("interrupted", None, {})
    assert committed(events_of(program, held.folder)) == ["run.started", "state.write", "node.finished"]
    assert held.log.read_text().endswith("}\n")


def test_committed_events_that_a_killed_run_had_not_logged_are_brought_back(program: Program, held: HeldRun) -> None:
    held.kill()
    lines = held.log.read_text().splitlines(keepends=True)
    held.log.write_text("".join(lines[:2]))
    types = [event["type"] for event in events_of(program, held.folder)]
    assert types == ["run.started", "node.ready", "state.write", "node.finished", "log.repaired"]
    assert [json.loads(line)["seq"] for line in held.log.read_text().splitlines()] == [1, 2, 3, 4, 5]


def test_the_log_of_a_live_run_is_not_touched(program: Program, held: HeldRun) -> None:
    with held.log.open("ab") as log:
        log.write(b'{"type":"torn')  # as if it were being written at this moment
    before = held.log.read_bytes()
    assert committed(events_of(program, held.folder)) == ["run.started", "state.write", "node.finished"]
    assert held.log.read_bytes()[:len(before)] == before
    assert program.run("runs", "--json", cwd=held.folder).json()["runs"][0]["status"] == "running"
    assert held.end() == 0


def test_a_lost_log_is_made_again(program: Program, done: Path) -> None:
    log = next((done / ".openexpertise" / "runs").glob("*.jsonl"))
    committed = [event for event in events_of(program, done) if event["type"] not in {"node.ready", "node.started"}]
    log.unlink()
    again = events_of(program, done)
    assert [event["type"] for event in again] == [*(event["type"] for event in committed), "log.repaired"]
    assert [event["ts"] for event in again[:-1]] == [event["ts"] for event in committed]


def test_a_log_that_cannot_be_read_is_said_so(program: Program, done: Path) -> None:
    log, = (done / ".openexpertise/runs").glob("*.jsonl")
    log.unlink()
    log.mkdir()
    for arguments in (["inspect"], ["inspect", "--follow"]):
        refused = program.run(*arguments, cwd=done)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr.endswith(f"oe: cannot read the event log '{log}': is a directory\n")
    assert program.run("inspect", "--json", cwd=done).json()["error"]["code"] == "unreadable-log"
    for arguments in (["inspect", "--tree"], ["inspect", "--html", "-"], ["top"]):
        assert program.run(*arguments, cwd=done).exit_code == 0, arguments


def test_runs_are_listed_newest_first_in_pages(program: Program, done: Path) -> None:
    for number in range(3):
        program.run("run", "--quiet", "--run-id", f"run-{number}", cwd=done)
    page = program.run("runs", "--limit", "2", "--json", cwd=done).json()
    check_shape(page, "runs")
    check_shape(page["runs"][0]["totals"], "run.totals")
    assert [run["run_id"] for run in page["runs"]] == ["run-2", "run-1"]
    following = program.run("runs", "--before", page["next"], "--json", cwd=done).json()
    assert following["runs"][0]["run_id"] == "run-0"
    assert (len(following["runs"]), following["next"]) == (2, None)
    shown = program.run("runs", "--limit", "1", cwd=done)
    assert [" ".join(line.split()) for line in scrubbed(shown.stdout).splitlines()] == [
        "RUN STATUS STARTED (UTC) TIME OK FAIL TOKENS COST", "run-2 success 2000-01-01 00:00 1ms 2 0 - -"]
    assert shown.stderr == "more: oe runs --before run-2\n"


def test_the_object_of_run_and_resume_is_as_documented(program: Program, done: Path) -> None:
    for command in ("run", "resume"):
        result = program.run(command, "--json", "--quiet", cwd=done)
        assert result.exit_code == 0, result.stderr
        check_shape(result.json(), "run")
    (done / "tool.py").write_text("def first(inputs, ctx):\n    raise ValueError('broken')\n\nsecond = first\n")
    failed = program.run("run", "--json", "--quiet", cwd=done)
    assert failed.json()["exit_code"] == failed.exit_code == 1
    check_shape(failed.json(), "run")


def test_no_runs_yet_is_an_empty_list_and_makes_nothing(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "new", HELD, tool=TOOL)
    assert program.run("runs", cwd=folder) == (0, "", "no runs yet\n")
    assert program.run("runs", "--json", cwd=folder).json() == {"runs": [], "next": None}
    assert program.run("reset-state", cwd=folder).exit_code == 0
    for command in (("inspect",), ("state",), ("logs", "latest"), ("cancel", "latest"), ("resume",)):
        result = program.run(*command, cwd=folder)
        assert (result.exit_code, result.stdout) == (5, "")
        assert "no runs yet" in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["experience.yaml", "tool.py"]


def test_runs_of_a_file_that_has_another_name_now_are_told_of(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "here", HELD, tool=TOOL)
    assert program.run("run", "-q", cwd=folder).exit_code == 0
    before = (folder / "experience.yaml").resolve()
    before.rename(folder / "other.yaml")
    hint = f"    hint: there are runs of '{before}', which is not there any more: runs belong to the path of their file\n"
    assert program.run("runs", "other.yaml", cwd=folder) == (0, "", f"no runs yet\n{hint}")
    assert program.run("inspect", "-e", "other.yaml", cwd=folder) == (5, "", f"oe: no runs yet\n{hint}")


def test_state_is_raw_json(program: Program, done: Path) -> None:
    assert program.run("state", cwd=done).json() == {"names": ["first", "second"], "total": 7}
    assert program.run("state", "total", cwd=done) == (0, "7\n", "")
    assert program.run("state", "--workspace", cwd=done).json() == {"total": 7}
    history = program.run("state", "--history", cwd=done).json()
    for entry in history:
        check_shape(entry, "state --history")
    assert [(entry["slot"], entry["field"], entry["delta"]) for entry in history] == [
        ("first", "names", ["first"]), ("second", "names", ["second"]), ("second", "total", 7)]
    assert [entry["delta"] for entry in program.run("state", "names", "--history", cwd=done).json()] == [
        ["first"], ["second"]]


def test_state_of_a_run_that_has_not_ended_is_what_is_committed(program: Program, held: HeldRun) -> None:
    assert program.run("state", cwd=held.folder).json() == {"names": ["first"]}
    held.kill()
    (held.folder / "tool.py").unlink()  # the run's own spec counts, not what has become of its files
    assert program.run("state", "names", cwd=held.folder).json() == ["first"]


@pytest.mark.parametrize(("field", "options", "message", "hint"), [
    ("totl", (), "no state field 'totl' in run ", "did you mean 'total'?"),
    ("totl", ("--workspace",), "no state field 'totl' in the workspace", "did you mean 'total'?"),
    ("never", (), "state field 'never' has no value in run ", ""),
    ("totl", ("--history",), "no state field 'totl' in run ", "did you mean 'total'?"),
])
def test_a_field_without_value_is_not_found(program: Program, done: Path, field: str, options: tuple[str, ...],
                                            message: str, hint: str) -> None:
    result = program.run("state", field, *options, cwd=done)
    assert (result.exit_code, result.stdout) == (5, "")
    assert message in result.stderr
    assert hint in result.stderr
    check_shape(program.run("state", field, *options, "--json", cwd=done).json(), "error")


def test_the_workspace_is_no_run(program: Program, done: Path) -> None:
    assert program.run("state", "--workspace", "--history", cwd=done).exit_code == 2


def test_reset_state_clears_what_persists(program: Program, done: Path) -> None:
    refused = program.run("reset-state", cwd=done, stdin="y\n")
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    wrong = program.run("reset-state", "names", "--yes", cwd=done)
    assert (wrong.exit_code, "does not persist" in wrong.stderr) == (5, True)
    assert program.run("reset-state", "totl", "--yes", cwd=done).exit_code == 5
    assert program.run("reset-state", "total", "--yes", cwd=done) == (0, "cleared total\n", "")
    assert program.run("state", "--workspace", cwd=done).json() == {}
    again = program.run("reset-state", "--json", "--yes", cwd=done)
    check_shape(again.json(), "reset-state")
    assert again.json() == {"cleared": []}
    assert program.run("state", "total", cwd=done).stdout == "7\n", "a run keeps its state"


def test_logs_show_what_nodes_printed_with_controls_made_visible(program: Program, done: Path) -> None:
    everything = program.run("logs", "latest", cwd=done)
    assert (everything.exit_code, everything.stderr) == (0, "")
    assert everything.stdout == ("==> first <==\nfirst line\nescape \\x1b[31m and bell \\x07\n"
                                 "\n==> second <==\nsecond begins\n")
    one = program.run("logs", "latest", "second", cwd=done)
    assert one.stdout == "second begins\n"
    raw = program.run("logs", "--raw", "latest", "first", cwd=done)
    assert raw.stdout == "first line\nescape \x1b[31m and bell \x07\n"
    unknown = program.run("logs", "latest", "secnd", cwd=done)
    assert (unknown.exit_code, "did you mean 'second'?" in unknown.stderr) == (5, True)


def test_logs_follow_a_live_run_to_its_end(program: Program, held: HeldRun) -> None:
    follower = program.start("logs", "--follow", "latest", cwd=held.folder)
    assert follower.stdout is not None
    seen = b""
    while b"second begins\n" not in seen:
        seen += follower.stdout.readline()
    assert follower.poll() is None
    held.end()
    rest, errors = rest_of(follower)
    assert (rest, errors, follower.returncode) == (b"", b"", 0)


def test_a_reader_that_goes_away_is_no_error(program: Program, held: HeldRun) -> None:
    lines = held.log.read_text().splitlines(keepends=True)
    held.kill()
    held.log.write_text(lines[0] + "".join(
        lines[1].replace('"seq":2', f'"seq":{number}') for number in range(2, 20_000)))
    process = program.start("inspect", cwd=held.folder)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert (process.stderr.read(), process.wait(60)) == (b"", 0)


def test_two_data_folders_are_two_histories(program: Program, done: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert program.run("run", "--quiet", "--data-dir", other, cwd=done).exit_code == 0
    assert len(program.run("runs", "--json", "--data-dir", other, cwd=done).json()["runs"]) == 1
    by_variable = program.run("runs", "--json", cwd=done, env={"OE_DATA_DIR": str(other)})
    assert by_variable.json() == program.run("runs", "--json", "--data-dir", other, cwd=done).json()


def test_a_read_only_folder_can_be_looked_at(program: Program, held: HeldRun) -> None:
    held.kill()
    with held.log.open("ab") as log:
        log.write(b'{"type":"torn')
    runs = held.folder / ".openexpertise" / "runs"
    subprocess.run(["chmod", "-R", "a-w", runs], check=True)
    try:
        result = program.run("inspect", cwd=held.folder)
    finally:
        subprocess.run(["chmod", "-R", "u+w", runs], check=True)
    assert result.exit_code == 0
    assert "node.finished    first" in result.stdout
    assert ("shown as it is" in result.stderr) == (os.geteuid() != 0), "root may write everywhere"


def test_the_files_that_a_run_made_for_people_are_in_its_json(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path, """
        name: makes
        version: 1.0.0
        graph:
          nodes:
            - {id: tool, kind: tool, impl: ./tool.py, cache: false}
            - {id: program, kind: tool, command: [sh, -c, 'echo made >$OE_ARTIFACT_DIR/a.txt; test -e ready'], cache: false}
        """, tool="def run(inputs, ctx):\n    open(ctx.artifact('deep/er.txt'), 'w').write('x')\n")
    place = folder / ".openexpertise/runs/r/artifacts"
    made = [{"name": "a.txt", "path": str(place / "a.txt"), "bytes": 5},
            {"name": "deep/er.txt", "path": str(place / "deep/er.txt"), "bytes": 1}]
    first = program.run("run", "--json", "--run-id", "r", cwd=folder)
    (folder / "ready").touch()
    for result in (first, *(program.run("resume", "--json", cwd=folder) for _ in range(2))):
        assert result.json()["artifacts"] == made
        check_shape(result.json(), "run")
        check_shape(result.json()["artifacts"][0], "run.artifacts")
