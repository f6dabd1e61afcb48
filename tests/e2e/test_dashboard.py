"""`oe top` and `--tui` where there is no terminal to draw on, or nothing to draw with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.test_attach import timeless
from tests.support.experiences import HELD, TOOL, held_run, write_experience
from tests.support.program import Program

TREE = "held  RUN  success T\n|- ok first (T)\n`- ok second (T)\n\n2 nodes * 2 ok\n"


@pytest.mark.every_form
def test_without_a_terminal_the_run_is_told_in_lines(program: Program, tmp_path: Path) -> None:
    write_experience(tmp_path, HELD, tool=TOOL)
    ran = program.run("run", "--tui", cwd=tmp_path)
    assert (ran.exit_code, ran.stdout) == (0, 'names: ["first","second"]\ntotal: 7\n')
    told = timeless(ran.stderr).splitlines()
    assert told[0] == "oe: no terminal for --tui; the run is told in lines"
    assert told[1:3] == ["ok        first (T)", "ok        second (T)"]
    seen = program.run("top", cwd=tmp_path)
    assert (seen.exit_code, timeless(seen.stdout)) == (0, TREE)


def test_a_live_run_is_told_to_its_end(program: Program, tmp_path: Path) -> None:
    with held_run(program, tmp_path) as held:
        top = program.start("top", cwd=tmp_path)
        assert top.stdout is not None
        shown = "".join(top.stdout.readline().decode() for _ in range(5))
        held.end()
        shown += top.stdout.read().decode()
        assert top.wait(60) == 0
    assert timeless(shown) == (
        "held  RUN  running T\n|- ok first (T)\n`- [running] second (T)\n\n2 nodes * 1 ok * 1 running\n\n"
        "ok        second (T)\nsuccess RUN\n")


def test_a_resumed_run_may_be_shown_too(program: Program, tmp_path: Path) -> None:
    write_experience(tmp_path, HELD, tool=TOOL.replace('"total": 7', '"total": "seven"'))
    assert program.run("run", cwd=tmp_path).exit_code == 8
    write_experience(tmp_path, HELD, tool=TOOL)
    assert program.run("resume", "--tui", cwd=tmp_path).exit_code == 0


def test_a_run_that_is_not_there(program: Program, tmp_path: Path) -> None:
    write_experience(tmp_path, HELD, tool=TOOL)
    assert program.run("top", cwd=tmp_path).exit_code == 5
    program.run("run", cwd=tmp_path)
    refused = program.run("top", "nonsense", cwd=tmp_path)
    assert (refused.exit_code, refused.stderr.splitlines()[0]) == (5, "oe: no run 'nonsense'")


def test_a_python_without_curses_says_so_before_anything_is_run(program: Program, tmp_path: Path) -> None:
    write_experience(tmp_path / "held", HELD, tool=TOOL)
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden/_curses.py").write_text("raise ImportError('no curses here')\n")
    paths = os.pathsep.join(filter(None, [str(tmp_path / "hidden"), program.environment.get("PYTHONPATH")]))
    refused = program.run("run", "--tui", "--json", cwd=tmp_path / "held", env={"PYTHONPATH": paths})
    assert (refused.exit_code, refused.json()["error"]["code"]) == (1, "no-curses")
    assert not (tmp_path / "held/.openexpertise").exists()
