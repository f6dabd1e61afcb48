"""The dashboard on a real terminal, in tmux: what is seen, keys, sizes, colours, and the terminal as it was afterwards,
whoever is stopped or killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from itertools import permutations
from pathlib import Path

import pytest

from tests.support.examples import copy_example
from tests.support.experiences import HELD, TOOL, write_experience
from tests.support.program import Program, program_in
from tests.support.tmux import Pane, Tmux, timeless

HERE = Path(__file__).parent
MODES = "stty -a | grep -oE -e '-?(icanon|echo|isig)\\b' | tr '\\n' ' '; echo modes"


@pytest.fixture
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program, as `oe` on its own path."""
    made = program_in("checkout", tmp_path_factory.mktemp("home"))
    place = tmp_path_factory.mktemp("bin")
    (place / "oe").write_text(f'#!/bin/sh\nexec {made.command[0]} {made.command[1]} "$@"\n')
    (place / "oe").chmod(0o755)
    made.environment["PATH"] = f"{place}:{made.environment['PATH']}"
    return made


@pytest.fixture
def tmux(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tmux]:
    server = Tmux(tmp_path_factory.mktemp("tmux") / "socket", program.environment | {"TERM": "xterm-256color"})
    yield server
    server.end()


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """HELD, whose second node waits at its gate for `let_go`."""
    write_experience(tmp_path, HELD, tool=TOOL)
    for name in ("gate", "begun"):
        os.mkfifo(tmp_path / name)
    return tmp_path


def begin(pane: Pane, folder: Path, command: str = "oe run --tui") -> int:
    """Starts the run, and comes back when its second node has begun; the descriptor of its gate."""
    gate = os.open(folder / "gate", os.O_RDWR)
    pane.enter(command)
    (folder / "begun").read_text()
    pane.wait_for("● second")
    return gate


def check(name: str, pane: Pane, *texts: str) -> None:
    """The pane comes to show what the file says; with UPDATE_GOLDEN, the file what the pane comes to that shows the texts."""
    expected = HERE / f"{name}.out"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(_steady(pane.wait_for(*texts)), encoding="utf-8")
    wanted = _unpadded(expected.read_text(encoding="utf-8"))
    assert all(text in wanted for text in texts)
    pane.wait(lambda screen: _unpadded(_steady(screen)) == wanted)  # the first screen may be half drawn


def _steady(screen: str) -> str:
    text = timeless("".join(f"{line.rstrip()}\n" for line in screen.splitlines()))
    return re.sub(r"\d+ items, \d+ cancelled", "# items, # cancelled", text)


def _unpadded(text: str) -> str:
    """Without the room before a time, which depends on how long the time is."""
    return re.sub(r" +#", " #", text)


def pids_of(folder: Path, command: str, count: int) -> list[int]:
    """The processes of that command in that folder, oldest first. One that is just being started by another looks like
    it until it has become another program."""
    while len(found := _looked_for(folder, command)) != count:
        os.sched_yield()
    return found


def _looked_for(folder: Path, command: str) -> list[int]:
    found = subprocess.run(["pgrep", "-f", f"oe.py {command}"], capture_output=True, text=True, check=False).stdout.split()
    here = []
    for pid in found:
        with suppress(FileNotFoundError):  # others come and go
            here += [int(pid)] if os.readlink(f"/proc/{pid}/cwd") == str(folder.resolve()) else []
    return here


def is_going_on(pid: int) -> bool:
    """Whether the process is there and no zombie, which an orphan stays where nobody asks for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_live_run_is_shown_to_its_starter_and_to_others(tmux: Tmux, held: Path) -> None:
    mine, other = tmux.open("mine", held, 80, 24), tmux.open("other", held, 200, 50)
    gate = begin(mine, held)
    check("run_80x24", mine, "second")
    other.enter("oe top")
    other.wait_for("● second")
    other.press("j", "Enter")
    check("top_200x50", other, "second begins")
    other.resize(80, 24)
    check("top_80x24", other, "second begins")
    other.press("Escape", "?")
    check("help_80x24", other, "Status glyphs")
    other.press("x", "d")
    check("dump_80x24", other, "└─ [running] second")
    other.press("x", "q")
    other.wait(lambda screen: "oe top" in screen and "● second" not in screen)
    os.close(gate)
    ended = mine.wait_for("success r-")
    assert "total: 7" in ended
    mine.enter(MODES)
    mine.wait_for("isig icanon echo modes")


def test_a_run_is_cancelled_from_another_terminal(tmux: Tmux, tmp_path: Path) -> None:
    folder = copy_example("stdlib-census", tmp_path)
    mine, other = tmux.open("mine", folder, 80, 24), tmux.open("other", folder, 80, 24)
    mine.enter("oe run --tui --concurrency 1")
    mine.wait_for("● measures[")
    other.enter("oe top latest")
    other.wait_for("● measures[")
    other.press("l", "l", "C")
    other.wait_for("cancel the run? [y/N]")
    other.press("y")
    other.wait_for("the run is being cancelled")
    other.wait_for("⊘ cancelled", " UTC")
    other.press("k")  # takes the message away, which goes by itself after a while
    check("cancelled_80x24", other, "⊘ cancelled", " UTC")
    assert "oe: another process asks to cancel the run" in mine.wait_for("cancelled r-", "oe resume")
    mine.enter("echo exit code $?")
    mine.wait_for("exit code 130")


def test_ctrl_c_belongs_to_the_run(tmux: Tmux, held: Path) -> None:
    pane = tmux.open("mine", held, 80, 24)
    gate = begin(pane, held)
    pane.press("C-c")
    pane.wait_for("oe: stopping (user)", "cancelled r-")
    pane.enter(f"echo exit code $?; {MODES}")
    pane.wait_for("exit code 130", "isig icanon echo modes")
    os.close(gate)


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(tmux: Tmux, held: Path) -> None:
    pane = tmux.open("mine", held, 80, 24)
    gate = begin(pane, held)
    for _ in range(2):
        pane.press("C-z")
        pane.wait_for("Stopped")
        pane.enter(f"clear; {MODES}")
        pane.wait_for("isig icanon echo modes")
        pane.enter("clear; fg")
        pane.wait_for("● second", " quit")
    os.close(gate)
    pane.wait_for("success r-")


def test_a_run_that_is_over_is_drawn_again_after_a_stop(tmux: Tmux, program: Program, held: Path) -> None:
    (held / "gate").unlink()
    assert program.run("run", cwd=held).exit_code == 0
    pane = tmux.open("mine", held, 80, 24)
    pane.enter("oe top")
    pane.wait_for("✓ second", " quit")
    pane.press("C-z")
    pane.wait_for("Stopped")
    pane.enter("clear; fg")
    pane.wait_for("✓ second", " quit")


def test_leaving_lets_the_run_go_on_in_lines(tmux: Tmux, held: Path) -> None:
    pane = tmux.open("mine", held, 80, 24)
    gate = begin(pane, held)
    pane.press("q")
    pane.wait_for("1/2 nodes, 1 running")
    os.close(gate)
    pane.wait_for("success r-")


def test_a_dashboard_that_is_killed_leaves_the_run_and_the_terminal_alone(tmux: Tmux, held: Path) -> None:
    pane = tmux.open("mine", held, 80, 24)
    gate = begin(pane, held)
    owner, dashboard = pids_of(held, "run --tui", 2)
    os.kill(dashboard, signal.SIGKILL)
    pane.wait_for("1/2 nodes, 1 running")
    assert pids_of(held, "run --tui", 1) == [owner]
    os.close(gate)
    pane.wait_for("success r-")
    pane.enter(MODES)
    pane.wait_for("isig icanon echo modes")


def test_a_run_that_is_killed_leaves_the_terminal_as_it_was(tmux: Tmux, held: Path) -> None:
    pane = tmux.open("mine", held, 80, 24)
    gate = begin(pane, held)
    os.kill(pids_of(held, "run --tui", 2)[0], signal.SIGKILL)
    pane.wait_for("is gone; `oe resume --run-id r-")
    pane.enter(MODES)
    pane.wait_for("isig icanon echo modes")
    assert pids_of(held, "run --tui", 0) == []
    os.close(gate)
    (held / "gate").unlink()
    pane.enter("clear; oe resume --tui")
    pane.wait_for("success r-")


def test_a_terminal_that_is_closed_hangs_the_run_up(tmux: Tmux, program: Program, held: Path) -> None:
    gate = begin(tmux.open("mine", held, 80, 24), held)
    tmux.open("other", held, 80, 24)
    pids = pids_of(held, "run --tui", 2)
    tmux.tmux("kill-session", "-t", "mine")
    for pid in pids:
        while is_going_on(pid):
            os.sched_yield()
    run, = program.run("runs", "--json", cwd=held).json()["runs"]
    assert (run["status"], run["reason"]) == ("cancelled", "hangup")
    os.close(gate)


def test_a_dashboard_ends_with_its_terminal_where_hangups_are_ignored(tmux: Tmux, held: Path) -> None:
    mine, other = tmux.open("mine", held, 80, 24), tmux.open("other", held, 80, 24)
    gate = begin(mine, held)
    other.enter("trap '' HUP; oe top")
    other.wait_for("● second")
    top = pids_of(held, "top", 1)[0]
    tmux.tmux("kill-session", "-t", "other")
    while is_going_on(top):
        os.sched_yield()
    os.close(gate)
    mine.wait_for("success r-")


def test_a_dashboard_of_another_run_is_killed_at_will(tmux: Tmux, held: Path) -> None:
    mine, other = tmux.open("mine", held, 80, 24), tmux.open("other", held, 80, 24)
    gate = begin(mine, held)
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGQUIT):
        other.enter("clear; oe top")
        other.wait_for("● second")
        os.kill(pids_of(held, "top", 1)[0], number)
        if number == signal.SIGKILL:  # nobody is left to tidy up but the shell
            other.wait_for("illed")
            other.enter("reset")
            continue
        other.wait(lambda screen: "● second" not in screen)
        other.enter(f"clear; {MODES}")
        other.wait_for("isig icanon echo modes")
    other.enter("oe top")
    other.wait_for("● second")
    other.press("C-c")
    other.wait_for("oe: interrupted")
    os.close(gate)
    mine.wait_for("success r-")


@pytest.mark.parametrize("order", list(permutations(("top", "terminal", "run"))), ids="-".join)
def test_whatever_is_killed_first_the_run_can_be_resumed(tmux: Tmux, program: Program, held: Path, order: tuple[str, ...]) -> None:
    mine, other = tmux.open("mine", held, 80, 24), tmux.open("other", held, 80, 24)
    gate = begin(mine, held)
    other.enter("oe top")
    other.wait_for("● second")
    run, dashboard = pids_of(held, "run --tui", 2)
    top, = pids_of(held, "top", 1)
    for victim in order:
        if victim == "terminal":
            tmux.tmux("kill-session", "-t", "mine")
        else:
            with suppress(ProcessLookupError):
                os.kill({"top": top, "run": run}[victim], signal.SIGKILL)
        if victim == "top":
            other.wait_for("illed")
    for pid in (run, dashboard, top):
        while is_going_on(pid):
            os.sched_yield()
    os.close(gate)
    (held / "gate").unlink()
    seen, = program.run("runs", "--json", cwd=held).json()["runs"]
    assert seen["status"] in ({"interrupted"} if order.index("run") < order.index("terminal") else {"interrupted", "cancelled"})
    assert program.run("resume", "--json", cwd=held).json()["state"]["names"] == ["first", "second"]


@pytest.mark.parametrize(("environment", "coloured", "ascii_only"), [
    ({}, True, False), ({"NO_COLOR": "1"}, False, False), ({"TERM": "vt100"}, False, False),
    ({"LC_ALL": "C"}, True, True)])
def test_colours_and_characters_are_those_of_the_terminal(tmux: Tmux, held: Path, environment: dict[str, str], *,
                                                          coloured: bool, ascii_only: bool) -> None:
    mine, other = tmux.open("mine", held, 80, 24), tmux.open("other", held, 80, 24, **environment)
    gate = begin(mine, held)
    other.enter("oe top")
    seen = other.wait_for("> second" if ascii_only else "● second")
    assert seen.isascii() == ascii_only
    assert bool(re.search(r"\x1b\[(\d+;)*3[1-6]m", other.screen(colours=True))) == coloured
    os.close(gate)
    mine.wait_for("success r-")


@pytest.mark.parametrize(("terminal", "told"), [("dumb", "ok        first ("), ("no-such-terminal", "1/2 nodes, 1 running")])
def test_a_terminal_that_cannot_be_drawn_on_gets_lines(tmux: Tmux, held: Path, terminal: str, told: str) -> None:
    pane = tmux.open("mine", held, 80, 24, TERM=terminal)
    gate = os.open(held / "gate", os.O_RDWR)
    pane.enter("oe run --tui")
    (held / "begun").read_text()
    pane.wait_for(told)
    os.close(gate)
    pane.wait_for("success r-")
    (held / "gate").unlink()
    pane.enter("clear; oe top")
    pane.wait_for("ok second", "2 nodes")
