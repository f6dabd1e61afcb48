"""The program at a real terminal: it asks, it colours, it shows control characters instead of obeying them."""

from __future__ import annotations

import os
import pty
import select
import subprocess
from pathlib import Path

import pytest

from tests.support.experiences import HELD, TOOL, write_experience
from tests.support.program import ROOT, Program


def at_terminal(program: Program, *arguments: str | Path, cwd: Path, typed: str = "", prompt: str = "",
                kind: str = "xterm") -> tuple[int, str]:
    """Runs the program on a terminal of its own; types when the prompt has come. Exit code and all that was shown."""
    outer, inner = pty.openpty()
    try:
        process = subprocess.Popen(program.arguments(*arguments), cwd=cwd, stdin=inner, stdout=inner, stderr=inner,
                                   env=program.environment | {"TERM": kind})
        os.close(inner)
        shown = b""
        while select.select([outer], [], [], 60)[0]:
            try:
                piece = os.read(outer, 65536)
            except OSError:  # EIO: the program has closed its end
                break
            shown += piece
            if typed and prompt.encode() in shown:
                os.write(outer, typed.encode())
                typed = ""
            if not piece:
                break
        return process.wait(60), shown.decode().replace("\r\n", "\n")
    finally:
        os.close(outer)


@pytest.fixture
def done(program: Program, tmp_path: Path) -> Path:
    folder = write_experience(tmp_path / "held", HELD, tool=TOOL)
    assert program.run("run", "--quiet", cwd=folder).exit_code == 0
    return folder


@pytest.mark.parametrize(("answer", "code", "outcome", "left"), [
    ("n\n", 130, "nothing was cleared", {"total": 7}), ("\n", 130, "nothing was cleared", {"total": 7}),
    ("\x04", 130, "nothing was cleared", {"total": 7}), ("y\n", 0, "cleared total", {}), ("YES\n", 0, "cleared total", {}),
])
def test_reset_state_asks_first(program: Program, done: Path, answer: str, code: int, outcome: str,
                                left: dict[str, int]) -> None:
    question = "clear 1 field for all later runs: total? [y/N] "
    exit_code, shown = at_terminal(program, "reset-state", cwd=done, typed=answer, prompt=question)
    assert (exit_code, shown.splitlines()[-1]) == (code, outcome)
    assert program.run("state", "--workspace", cwd=done).json() == left


def test_problems_are_coloured_for_people(program: Program) -> None:
    _, shown = at_terminal(program, "validate", "problems.yaml", cwd=ROOT / "tests" / "golden" / "cli")
    assert "\x1b[31merror\x1b[0m" in shown
    assert "\x1b" not in program.run("validate", "problems.yaml", cwd=ROOT / "tests" / "golden" / "cli").stdout


@pytest.mark.parametrize("arguments", [("inspect", "\x1b[2Jx"), ("validate", "\x1b[2Jx"), ("state", "\x1b[2Jx"),
                                       ("logs", "latest", "\x1b[2Jx"), ("init", "--template", "\x1b[2Jx")])
def test_what_was_typed_cannot_steer_the_terminal(program: Program, done: Path, arguments: tuple[str, ...]) -> None:
    code, shown = at_terminal(program, *arguments, cwd=done)
    assert code in {2, 5}
    assert "\x1b[2J" not in shown
    assert "\\x1b[2Jx" in shown


def test_doctor_knows_the_terminal(program: Program, tmp_path: Path) -> None:
    _, shown = at_terminal(program, "doctor", cwd=tmp_path)
    line = next(line for line in shown.splitlines() if " terminal " in line)
    assert line.endswith("colours, UTF-8")


def test_a_dumb_terminal_is_told_in_lines(program: Program, done: Path) -> None:
    code, shown = at_terminal(program, "run", cwd=done, kind="dumb")
    assert code == 0
    assert "\x1b" not in shown and "\r" not in shown
    assert shown.startswith("ok        first (")
