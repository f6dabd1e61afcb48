"""Completion in zsh and fish, by the shells themselves: fish is asked, zsh is typed at."""

from __future__ import annotations

import os
import pty
import select
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.experiences import HELD, TOOL, write_experience
from tests.support.program import Program, program_in
from tests.support.software import debian_program


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program, as `oe` on its own path."""
    made = program_in("checkout", tmp_path_factory.mktemp("home"))
    place = tmp_path_factory.mktemp("bin")
    (place / "oe").write_text(f'#!/bin/sh\nexec {shlex.join(made.command)} "$@"\n')
    (place / "oe").chmod(0o755)
    made.environment["PATH"] = f"{place}:{made.environment['PATH']}"
    return made


@pytest.fixture(scope="module")
def done(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_experience(tmp_path_factory.mktemp("work") / "held", HELD, tool=TOOL)
    assert program.run("run", "--quiet", "--run-id", "r-one", cwd=folder).exit_code == 0
    return folder


@pytest.mark.parametrize(("line", "candidates"), [
    ("oe ru", ["run", "runs"]), ("oe graph --f", ["--format"]), ("oe graph --format ", ["dot", "html", "mermaid", "svg", "text"]),
    ("oe inspect ", ["latest", "r-one"]), ("oe logs --raw latest ", ["first", "second"]), ("oe state --run-id ", ["latest", "r-one"]),
    ("oe state n", ["names", "never"]), ("oe cache ", ["clear", "gc", "ls", "rm", "show"]), ("oe run exp", ["experience.yaml"]),
    ("oe run --arg ", []), ("oe completion z", ["zsh"]), ("oe logs -e ../held latest s", ["second"]), ("oe nope ", []),
    ("oe cache rm ", []), ("oe state -", ["--data-dir", "--experience", "--help", "--history", "--json", "--nested", "--run-id", "--workspace",
                                           "-e", "-h"]),
])
def test_fish(program: Program, done: Path, line: str, candidates: list[str]) -> None:
    script = f"oe completion fish | source; or exit 1; complete -C {shlex.quote(line)}"
    shell = subprocess.run([debian_program("fish"), "--no-config", "-c", script], env=program.environment, cwd=done,
                           capture_output=True, text=True, check=False)
    assert (shell.returncode, shell.stderr) == (0, "")
    assert sorted(found.split("\t")[0] for found in shell.stdout.splitlines()) == candidates


class Zsh:
    """An interactive zsh on a terminal of its own."""

    def __init__(self, program: Program, folder: Path) -> None:
        self._outer, inner = pty.openpty()
        self._process = subprocess.Popen([debian_program("zsh"), "-f", "-i"], cwd=folder, stdin=inner, stdout=inner, stderr=inner,
                                         env=program.environment | {"TERM": "dumb", "PS1": "$ "}, start_new_session=True)
        os.close(inner)
        self.type("autoload -Uz compinit && compinit -D -u && source <(oe completion zsh) && echo rea''dy\n", until="ready")

    def type(self, keys: str, *, until: str) -> str:
        """Types, and gives what is shown up to and with `until`."""
        os.write(self._outer, keys.encode())
        shown = ""
        while until not in shown:
            assert select.select([self._outer], [], [], 100)[0], f"'{until}' did not come after {keys!r}: {shown!r}"
            shown += os.read(self._outer, 65536).decode(errors="replace")
        return shown

    def end(self) -> None:
        """Ends it and all it started."""
        os.close(self._outer)
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="module")
def zsh(program: Program, done: Path) -> Iterator[Zsh]:
    shell = Zsh(program, done)
    yield shell
    shell.end()


@pytest.mark.parametrize(("typed", "until"), [
    ("oe sche\t", "schema "), ("oe ru\t\t", "list runs"), ("oe graph --fo\t", "--format"), ("oe graph --format m\t", "mermaid "),
    ("oe inspect r\t", "r-one"), ("oe logs latest se\t", "second"), ("oe logs -e ../held latest fi\t", "first"),
    ("oe state --run-id r\t", "r-one"), ("oe state to\t", "total"), ("oe cache sh\t", "show"), ("oe run exp\t", "experience.yaml"),
    ("oe completion f\t", "fish"), ("oe runs --before r\t", "r-one"), ("oe run --\t\t", "repeatable"),
])
def test_zsh(zsh: Zsh, typed: str, until: str) -> None:
    assert until in zsh.type(typed, until=until)
    zsh.type("\x15echo do''ne\n", until="done")
