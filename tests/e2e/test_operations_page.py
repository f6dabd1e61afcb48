"""docs/operations.md: what it shows is what happens, and its files do what it says."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from oe.lang.yaml import load_yaml
from oe.state.events import EVENTS
from tests.support.experiences import HELD, TOOL, held_run, write_experience
from tests.support.pages import Page
from tests.support.program import ROOT, Program
from tests.support.sessions import blocks, is_as_shown, outputs, steps, with_oe_on_path, write_files

PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
STEPS = steps(PAGE)
FILES = {block.file: block.text for block in blocks(PAGE) if block.file}
RULES = Page("../operations.md").rows("--if-running", "the second run", "exit code")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder in which the page's commands are given."""
    write_files(PAGE, tmp_path / "place")
    return tmp_path / "place"


@pytest.fixture
def environment(program: Program, tmp_path: Path) -> dict[str, str]:
    return with_oe_on_path(program, tmp_path / "bin")


def sh(command: str, place: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", command], cwd=place, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, check=False)


def test_every_command_prints_what_is_shown(place: Path, environment: dict[str, str]) -> None:
    printed = outputs(PAGE, place, environment)
    assert [f"$ {step.command}\n{text}" for step, text in zip(STEPS, printed, strict=True)
            if not is_as_shown(step.shown, text)] == []
    metrics = (place / "nightly.prom").read_text().splitlines()
    assert len(metrics) == 21
    assert [line for line in metrics if not re.fullmatch(
        r'# (HELP|TYPE) oe_\w+ .+|oe_[a-z_]+\{experience="nightly"\} -?\d+(\.\d+)?', line)] == []


def test_the_steps_of_ci_do_what_they_say(place: Path, environment: dict[str, str]) -> None:
    workflow: Any = load_yaml(next(block.text for block in blocks(PAGE) if block.kind == "yaml" and not block.file))
    ran = [sh(step["run"], place, environment) for step in workflow["steps"] if "run" in step]
    assert [done.returncode for done in ran] == [0] * 4, ran
    assert json.loads((place / "result.json").read_text())["status"] == "success"
    assert (place / "report.html").stat().st_size > 1000
    kept = next(step["with"]["path"] for step in workflow["steps"] if "with" in step)
    assert list((place / kept).iterdir()), "what CI is told to keep is there"


def test_the_crontab_does_what_it_says(place: Path, environment: dict[str, str]) -> None:
    (place / "daily").mkdir()
    ran = []
    for line in FILES["/etc/cron.d/nightly"].splitlines():
        if re.match(r"\w+=", line):
            continue
        match = re.fullmatch(r"(?:@reboot|(?:[\d*/,-]+ ){4}[\d*/,-]+) oe (.+)", line)
        assert match is not None and "%" not in line, line
        done = sh(match[1].replace("/srv", str(place)), place, environment | {"TEXTFILES": str(place / "daily")})
        ran.append((done.returncode, done.stdout, done.stderr))
    assert ran == [(0, "", "")] * 3 or ran[1][2].startswith("oe: run r-"), ran
    assert [run[:2] for run in ran] == [(0, "")] * 3
    assert (place / "daily/nightly.prom").exists()
    assert len(list((place / "nightly/exports").iterdir())) == 1


@pytest.mark.parametrize(("rule", "second", "code"), RULES, ids=[row[0] for row in RULES])
def test_a_second_run_does_what_the_table_says(program: Program, tmp_path: Path, rule: str, second: str, code: str) -> None:
    folder = write_experience(tmp_path / "held", HELD, tool=TOOL)
    with held_run(program, folder):
        (folder / "gate").unlink()  # which the first run holds open: the second would not wait at it
        process = program.start("run", "-q", "--if-running", rule, cwd=folder)
        waits = second.startswith("begins when")
        if not waits:
            stderr = process.communicate(timeout=60)[1]
        runs = [run["status"] for run in program.run("runs", "--json", cwd=folder).json()["runs"]]
        assert runs == (["success"] if second.startswith("begins at once") else []) + ["running"]
    if waits:  # the first run is dead now
        stderr = process.communicate(timeout=60)[1]
    assert process.returncode == (0 if code == "its own" else int(code)), stderr
    assert ("skipped" in stderr.decode()) == ("says so on standard error" in second)


def test_the_service_carries_out_orders_and_ends_when_it_is_told(place: Path, archive: Path, tmp_path: Path) -> None:
    for folder in ("inbox", "done"):
        (place / folder).mkdir()
    (place / "inbox/first.json").write_text('{"day": "2026-11-20"}')
    (tmp_path / "oe").symlink_to(archive)
    with subprocess.Popen([sys.executable, "service.py"], cwd=place, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "oe")},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as service:
        assert service.stdout is not None and service.stderr is not None
        told = service.stdout.readline().decode()
        service.send_signal(signal.SIGTERM)
        assert (service.wait(60), service.stderr.read()) == (0, b"")
    assert re.fullmatch(r"first\.json r-\S+ success\n", told)
    assert (place / "nightly/exports/2026-11-20.txt").exists()


def test_a_copy_made_while_a_run_goes_on_can_be_restored_and_resumed(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "held", HELD, tool=TOOL)
    data = folder / ".openexpertise"
    (tmp_path / "backup.py").write_text(FILES["backup.py"])
    with held_run(program, folder):
        done = subprocess.run([sys.executable, tmp_path / "backup.py", data / "state.sqlite", tmp_path / "copy"], check=False,
                              capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    (data / "state.sqlite").unlink()
    for path in data.glob("state.sqlite-*"):
        path.unlink()
    (folder / "gate").unlink()
    (tmp_path / "copy").rename(data / "state.sqlite")
    assert [run["status"] for run in program.run("runs", "--json", cwd=folder).json()["runs"]] == ["interrupted"]
    resumed = program.run("resume", "--json", cwd=folder).json()
    assert (resumed["status"], resumed["state"]["names"]) == ("success", ["first", "second"])


def test_event_logs_are_made_again_from_the_database_alone(program: Program, place: Path) -> None:
    assert program.run("run", "nightly", "-q", "--arg", "day=2026-11-20", cwd=place).exit_code == 0
    before = program.run("inspect", "-e", "nightly", "--json", cwd=place).json()
    for path in (place / "nightly/.openexpertise/runs").glob("*.jsonl"):
        path.unlink()
    after = program.run("inspect", "-e", "nightly", "--json", cwd=place).json()
    committed = [event for event in before["events"] if EVENTS[event["type"]].committed]
    assert [event["type"] for event in after["events"]] == [*(event["type"] for event in committed), "log.repaired"]


def test_the_levers_exist() -> None:
    rows = Page("../operations.md").rows("lever", "how", "what it does")
    reference = {name: (ROOT / f"docs/reference/{name}.md").read_text() for name in ("spec", "commands", "environment")}
    named = [word for row in rows for word in (re.findall(r"`([^`]+)`", row[1]) or [row[1]])]
    assert len(named) > 15
    for word in named:
        flag, key = re.match(r"--[\w-]+", word), re.match(r"(?:runtime\.)?([a-z_]+)", word)
        if flag:
            assert f" {flag[0]} " in reference["commands"], word
        elif word.startswith("OE_"):
            assert f"`{word}`" in reference["environment"], word
        elif not word.startswith("oe "):
            assert key is not None and f"| `{key[1]}` |" in reference["spec"], word
